"""What authorities, numbers and states are called."""

from django.utils.translation import gettext_lazy as _

from adsum.compliance.guidance import Authority, Number, Unit

AUTHORITIES = {
    Authority.UKVI: _("UK Visas and Immigration"),
    Authority.HOME_OFFICE_BCA: _("the Home Office (Basic Compliance Assessment)"),
    Authority.SLC: _("the Student Loans Company"),
    Authority.OFS: _("the Office for Students"),
}

NUMBERS = {
    Number.NO_ENGAGEMENT_CEILING: _("Longest time without engagement before the university intervenes"),
    Number.REPORT_WORKING_DAYS: _("Time to report an event"),
    Number.LOCATION_WORKING_DAYS: _("A stay elsewhere is notified from"),
    Number.REMOTE_SHARE: _("Largest share taught remotely"),
    Number.REMOTE_SHARE_PERMITTED: _("Largest share taught remotely, with permission"),
    Number.WEEKLY_DAYTIME_HOURS: _("Taught in a classroom in daytime each week, below degree level and pre-sessional"),
    Number.BCA_REFUSALS_GREEN: _("Refused visas: green below"),
    Number.BCA_REFUSALS_RED: _("Refused visas: red from"),
    Number.BCA_ENROLMENT_GREEN: _("Enrolment: green from"),
    Number.BCA_ENROLMENT_RED: _("Enrolment: red below"),
    Number.BCA_COMPLETION_GREEN: _("Completion: green from"),
    Number.BCA_COMPLETION_RED: _("Completion: red below"),
    Number.GOES_ON_DAYS: _("Attendance goes on when the student took part within so many days of term"),
    Number.GOES_ON_TIMES: _("Times a student has taken part since the last liability point, at the least"),
    Number.NOT_ATTENDING_DAYS: _("Days of term without taking part from which on a student is not in attendance"),
    Number.FUNDING_ANSWER_WORKING_DAYS: _("Time a student has for an answer before a code that stops money is confirmed"),
    Number.NOT_REGISTERED_FIRST: _("Not registered: first reminder, after the start"),
    Number.NOT_REGISTERED_SECOND: _("Not registered: second reminder, after the start"),
    Number.NOT_REGISTERED_DUE: _("Not registered: N is due, after the start"),
    Number.CHANGE_WORKING_DAYS: _("A change of circumstance is settled within"),
    Number.CHANGE_WORKING_DAYS_AUTUMN: _("A change of circumstance is settled within, in autumn"),
    Number.AUTUMN_FROM_MONTH: _("The first month of their autumn"),
    Number.AUTUMN_TO_MONTH: _("The last month of their autumn"),
}

UNITS = {
    Unit.CALENDAR_DAYS: _("calendar days"),
    Unit.WORKING_DAYS: _("working days"),
    Unit.PERCENT: _("per cent"),
    Unit.HOURS: _("hours"),
    Unit.STUDENTS: _("students"),
    Unit.TIMES: _("times"),
    Unit.MONTH: _("(month of the year)"),
}

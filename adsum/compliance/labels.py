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
}

UNITS = {
    Unit.CALENDAR_DAYS: _("calendar days"),
    Unit.WORKING_DAYS: _("working days"),
    Unit.PERCENT: _("per cent"),
    Unit.HOURS: _("hours"),
    Unit.STUDENTS: _("students"),
}

"""The words for duties and decisions, in one place for every page."""

from collections.abc import Mapping
from datetime import date

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from adsum.compliance.changes import ABOUT as CHANGE
from adsum.compliance.confirmations import ABOUT as CODE
from adsum.compliance.duties import ABOUT
from adsum.compliance.duty_life import Because, Doubt, Event, Kind, Outcome, Reason, Result, Standing, State, Way
from adsum.compliance.models import Duty
from adsum.compliance.representation_life import Stance

KINDS: Mapping[Kind, Promise] = {
    Kind.NO_ENROLMENT: _("Did not enrol in time"),
    Kind.WITHDRAWAL: _("Withdrawn"),
    Kind.SUSPENSION: _("Studies suspended"),
    Kind.NON_ENGAGEMENT: _("No engagement"),
    Kind.EARLY_COMPLETION: _("Completed early"),
    Kind.CHANGE_OF_LOCATION: _("Studies elsewhere"),
    Kind.PLACEMENT_CHANGE: _("Work placement changed"),
    Kind.COURSE_CHANGE: _("Course changed"),
    Kind.PERMISSION: _("Permission to stay changed"),
    Kind.OTHER: _("Something else"),
}
BECAUSE: Mapping[Because, Promise] = {
    Because.NOT_ENGAGED: _("%(days)s days without engagement by the university’s clock."),
    Because.NOT_ENROLLED: _("Not enrolled by %(on)s, the latest day to enrol."),
    Because.PERMISSION_ENDED: _("The permission ended on %(on)s, and no application is known."),
    Because.ELSEWHERE: _("Studies elsewhere for %(days)s working days."),
    Because.OTHER_COURSE: _("Enrolled on another course than the CAS names."),
    Because.ENDED: _("The enrolment ended on %(on)s."),
    Because.SUSPENDED: _("The enrolment was suspended from %(on)s."),
    Because.COMPLETED: _("The course was completed on %(on)s, before the end that the CAS names."),
}
STATES: Mapping[State, Promise] = {
    State.OPEN: _("To look at"),
    State.PROPOSED: _("Needs a second officer"),
    State.REVIEW: _("Under further review"),
    State.TO_REPORT: _("To report"),
    State.REPORTED: _("Reported; the student is to be told"),
    State.NOT_REPORTED: _("Not reported; the student is to be told"),
    State.CLOSED: _("Closed"),
}
OUTCOMES: Mapping[Outcome, Promise] = {
    Outcome.REPORT: _("Report"),
    Outcome.NO_REPORT: _("No report"),
    Outcome.FURTHER_REVIEW: _("Further review"),
}
REASONS: Mapping[Reason, Promise] = {
    Reason.AS_RECORDED: _("it happened as the record says"),
    Reason.CONFIRMED: _("the student says so too"),
    Reason.NOT_RE_ENGAGED: _("we tried to bring the student back, and could not"),
    Reason.RE_ENGAGED: _("the student is back"),
    Reason.RECORD_WRONG: _("the record was wrong"),
    Reason.REVERSED: _("what happened was taken back"),
    Reason.NOT_REPORTABLE: _("the guidance does not ask for it"),
    Reason.REPORTED_ALREADY: _("it was reported already"),
    Reason.DOUBTED: _("the record has open questions"),
    Reason.ANSWER_TO_CHECK: _("what the student says has to be looked into"),
    Reason.ADVICE: _("we have asked for advice"),
}
EVENTS: Mapping[Event, Promise] = {
    Event.OPENED: _("Opened"),
    Event.CORRECTED: _("Day of the trigger put right"),
    Event.NOTED: _("Note"),
    Event.PROPOSED: _("Outcome proposed"),
    Event.TAKEN_BACK: _("Proposal taken back"),
    Event.CONFIRMED: _("Agreed by a second officer"),
    Event.RETURNED: _("Given back"),
    Event.REPORTED: _("Entered in the sponsor system"),
    Event.TRIED: _("Told the student"),
    Event.CLOSED: _("Closed: the student was told"),
    Event.REOPENED: _("Open again: a letter came back"),
}
DOUBTS: Mapping[Doubt, Promise] = {
    Doubt.HELD_SCAN: _("scans that nobody has decided about"),
    Doubt.OUTAGE: _("absences in classes that an outage touched"),
    Doubt.QUERY: _("open queries about marks"),
    Doubt.ABSENCE: _("absences that nobody has decided"),
}
WAYS: Mapping[Way, Promise] = {
    Way.UNIVERSITY_MAIL: _("University e-mail"),
    Way.PERSONAL_EMAIL: _("Personal e-mail"),
    Way.TELEPHONE: _("Telephone"),
    Way.ADDRESS: _("Letter by post"),
}
RESULTS: Mapping[Result, Promise] = {
    Result.SENT: _("sent"),
    Result.DELIVERED: _("delivered"),
    Result.OPENED: _("opened"),
    Result.BOUNCED: _("came back"),
    Result.REFUSED: _("not accepted"),
    Result.POSTED: _("posted"),
    Result.SPOKE: _("spoke with them"),
    Result.NO_ANSWER: _("no answer"),
}
STANDINGS: Mapping[Standing, Promise] = {
    Standing.COMPLIANT: _("Compliant"),
    Standing.AT_RISK: _("At risk"),
    Standing.CROSSED: _("Duty open"),
    Standing.REPORTED: _("Reported"),
    Standing.CLOSED: _("Closed"),
}
NATIONS: Mapping[str, Promise] = {
    "england-and-wales": _("England and Wales"),
    "scotland": _("Scotland"),
    "northern-ireland": _("Northern Ireland"),
}
STANCES: Mapping[Stance, Promise] = {Stance.AGREES: _("I agree"), Stance.CONTESTS: _("I see it differently")}

GROUNDS: Mapping[Kind, Promise] = {
    Kind.NO_ENROLMENT: _("You were expected to enrol by the last day for your course, and our record says that you have not."),
    Kind.WITHDRAWAL: _("Our record says that you have left your course."),
    Kind.SUSPENSION: _("Our record says that your studies are suspended."),
    Kind.NON_ENGAGEMENT: _("We know of no class, meeting or other contact with you for a long time, and could not reach you."),
    Kind.EARLY_COMPLETION: _("Our record says that you completed your course earlier than your CAS says."),
}
"""What the form proposes to tell the student, to be made exact by the officer."""

ABOUT_STUDIES = _("A decision about your studies")
ABOUTS: Mapping[str, Promise] = {
    ABOUT: _("A report to UK Visas and Immigration about your sponsorship"),
    CODE: _("What we tell the Student Loans Company about your attendance"),
    CHANGE: _("A change that we report to the Student Loans Company"),
}
"""What a decision is about, on the student's page: one line for each feature that tells students of decisions."""


def because_of(duty: Duty) -> str:
    """What happened, in the reader's language where Adsum found it, or in the words of the officer who opened the duty."""
    if not duty.happened:
        return duty.because
    facts = duty.facts
    on = date_format(date.fromisoformat(facts["on"]), "j F Y") if "on" in facts else ""
    return str(BECAUSE[Because(duty.happened)]) % {"days": facts.get("days"), "on": on}

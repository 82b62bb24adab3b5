"""What the parts of a person's file are called, and which texts an officer reads before they are handed over."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from adsum.core.declared import Field, From
from adsum.engagement.case_rules import ConductState, Readers

TITLES: Mapping[str, Promise] = {
    "classes": _("Your classes"),
    "looks": _("Who looked at your record"),
    "events": _("What the event log has of you"),
    "Person": _("You"),
    "Identifier": _("What other systems call you"),
    "RoleGrant": _("Your roles"),
    "ContactDetail": _("How we reach you"),
    "ContactStop": _("When nobody was to write to you"),
    "BreakGlass": _("When your record was opened from outside"),
    "Enrolment": _("Your courses"),
    "Place": _("Your groups"),
    "PlaceChange": _("How your groups changed"),
    "GroupStaff": _("Groups you teach"),
    "ModuleLeader": _("Modules you lead"),
    "Teaching": _("Classes you teach"),
    "ClassReport": _("Changes of classes you reported"),
    "CalendarKey": _("Your calendar"),
    "Mark": _("Your marks"),
    "MarkChange": _("How your marks changed"),
    "ProposedMark": _("Your marks in such changes"),
    "Query": _("Your queries"),
    "Foreseen": _("What was known before classes"),
    "Adjustment": _("Your standing adjustments"),
    "Contradiction": _("Records that contradicted each other"),
    "ReportedPeriod": _("What was reported to an authority about you alone"),
    "Correction": _("Corrections after a report"),
    "Scan": _("Your scans"),
    "HeldDecision": _("Decisions about scans that were held"),
    "CheckAnswer": _("Second checks"),
    "SpotCall": _("Spot checks"),
    "LateCode": _("Codes that came a little late"),
    "TypedTries": _("Wrong codes you typed"),
    "RevokedPass": _("Sign-ins that were ended"),
    "KnownBrowser": _("Browsers that know you"),
    "AbsenceRequest": _("Your absences"),
    "ChosenClass": _("Classes your absences name"),
    "AbsenceDecision": _("What was decided about your absences"),
    "Evidence": _("Evidence you sent"),
    "Alert": _("Alerts about your attendance"),
    "AlertClass": _("The classes each alert rested on"),
    "Tick": _("What a person checked before an alert left"),
    "Told": _("Who was told of an alert"),
    "ReminderAnswer": _("What you ticked on a reminder"),
    "WelfareHold": _("When reminders were held back for your sake"),
    "WouldBe": _("What rules would have found in a rehearsal"),
    "Judgement": _("What staff would have done in that rehearsal"),
    "Case": _("Work on your attendance"),
    "CaseStep": _("What happened in it"),
    "Meeting": _("Meetings"),
    "MeetingSlot": _("Times offered for meetings"),
    "Contacted": _("When staff and you were in touch"),
    "ContactPoint": _("Contact at other occasions"),
    "Concern": _("When somebody was concerned about you"),
    "Conduct": _("Questions about a check-in of yours"),
    "ConductClass": _("The classes such questions were about"),
    "Leave": _("When you were away, and who stood in"),
    "Fallback": _("Duties that fall to you"),
    "Message": _("What you were told"),
    "HandOver": _("Messages that somebody was asked to ring you about"),
    "Phone": _("Phones on which you are told at once"),
    "Push": _("Messages on their way to your phone"),
    "MailChoice": _("What you chose to have by mail"),
    "RightsRequest": _("Your requests and complaints about your data"),
    "RightsStep": _("What was done about them"),
    "ReviewedText": _("What was decided about each text an officer read for you"),
    "AccessFile": _("Files like this one"),
    "Duty": _("What has to be reported about you to the Home Office"),
    "DutyStep": _("What was done about it"),
    "Representation": _("Decisions you were heard about"),
    "Funding": _("Your funding"),
    "WorklistRow": _("You on lists of the Student Loans Company"),
    "Confirmation": _("What was confirmed to the Student Loans Company"),
    "ChangeOfCircumstance": _("Changes of circumstance told to the Student Loans Company"),
    "SponsorProfile": _("Your visa sponsorship"),
    "ArrivalStep": _("Your arrival and enrolment as a sponsored student"),
    "SponsorAlert": _("What was noticed about your engagement as a sponsored student"),
    "SponsorStanding": _("How you stood as a sponsored student when that was last looked at"),
    "LeaveApproval": _("Decisions about your absences as a sponsored student"),
    "LateChange": _("Absences that became attendance later, and who looked at that"),
    "Supervision": _("Your supervisions"),
    "SampledStudent": _("When you were drawn for a sample of evidence"),
    "Placement": _("Your placements"),
    "MonitoringGroup": _("What you told for the yearly look at equal treatment"),
    "LegalHold": _("When nothing of yours was to be erased"),
    "Ended": _("What of your data was ended, and when"),
    "Erasure": _("When your data was to be erased before its time"),
    "EmailAddress": _("Addresses you sign in with"),
    "EmailConfirmation": _("Confirmations of these addresses"),
    "SocialAccount": _("Who says at sign-in that it is you"),
    "SocialToken": _("What they gave us for it"),
    "Authenticator": _("Your second factors and passkeys"),
    "UserSession": _("Where you are signed in"),
    "Proposal": _("Changes of marks that needed a second person"),
    "Kiosk": _("Kiosks at which you were the last"),
    "Disclosure": _("What was given to an authority outside"),
}
"""By table. A table about people that is not here fails a test: somebody has to say what it is called."""


class Why(StrEnum):
    """Why a text is not in the file that one gets at once."""

    NOTE = "note"
    """A member of staff's own words, which nobody has read to the person yet: they may be about others, too."""
    CONCERN = "concern"
    INVESTIGATION = "investigation"
    """One that is still open."""
    DISCLOSURE = "disclosure"
    """Of which the person may not know yet: it is not even counted for them."""


READ = frozenset(
    {
        ("MarkChange", "reason"),
        ("Query", "answer"),
        ("Query", "text"),
        ("Adjustment", "instruction"),
        ("Adjustment", "source_id"),
        ("ReportedPeriod", "reference"),
        ("CaseStep", "service"),
        ("Representation", "ground"),
        ("Representation", "answer"),
        ("Duty", "reference"),
        ("ArrivalStep", "cas_number"),
        ("ChangeOfCircumstance", "reference"),
        ("Message", "facts"),
        ("Message", "problem"),
        ("ReviewedText", "redacted"),
        ("AbsenceRequest", "text"),
        ("AbsenceDecision", "words"),
        ("Case", "because"),
        ("Meeting", "about"),
        ("Meeting", "place"),
        ("Conduct", "words"),
        ("Conduct", "answer"),
        ("Conduct", "reasons"),
        ("RightsRequest", "words"),
        ("Disclosure", "asked_by"),
        ("Disclosure", "reference"),
        ("Disclosure", "why"),
        ("Disclosure", "given"),
    }
)
"""Words of staff that the person has on their own pages anyway, and so has in the file at once. All others wait for an officer:
a text that is new here is held back until somebody says otherwise."""


HELD_WHOLE = frozenset({"Concern", "Conduct", "ConductClass", "Disclosure"})
"""Tables with rows that wait as a whole."""


def held_row(row: Model) -> Why | None:
    """Why the whole row waits for an officer; None when it does not."""
    match row._meta.object_name:
        case "Concern":
            return Why.CONCERN
        case "Conduct":
            return Why.INVESTIGATION if _get(row, "state") != ConductState.DECIDED else None
        case "ConductClass":
            return Why.INVESTIGATION if _get(_get(row, "conduct"), "state") != ConductState.DECIDED else None
        case "Disclosure":
            return None if _get(row, "may_be_told") else Why.DISCLOSURE
    return None


def is_of_staff(field: Field) -> bool:
    """Whether a field may hold words that the person did not write and no other system did."""
    return field.text and field.source in {From.STAFF, From.ADSUM}


def held_text(row: Model, name: str, field: Field) -> Why | None:
    """Why one text of a row waits for an officer; None when it does not."""
    table = row._meta.object_name or ""
    if not is_of_staff(field) or (table, name) in READ:
        return None
    if table == "CaseStep" and _get(row, "readers") == Readers.STUDENT:
        return None
    if table == "RightsStep" and _get(row, "step") != "noted":
        return None
    return Why.NOTE


def _get(row: Any, name: str) -> Any:
    return getattr(row, name)

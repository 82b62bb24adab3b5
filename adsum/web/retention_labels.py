"""What pages call the classes of retention, and why something is kept."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from adsum.core.declared import Keep
from adsum.privacy.rules import Asked, Ground, State

CLASSES: Mapping[Keep, Promise] = {
    Keep.NETWORK: gettext_lazy("Networks and kinds of browsers"),
    Keep.SCANS: gettext_lazy("Evidence of scans and checks"),
    Keep.SIGN_INS: gettext_lazy("Sign-ins"),
    Keep.IMPORTS: gettext_lazy("What files said"),
    Keep.EVIDENCE: gettext_lazy("Evidence of absences"),
    Keep.LOOKS: gettext_lazy("Who looked"),
    Keep.CONTACT: gettext_lazy("Contact details"),
    Keep.MESSAGES: gettext_lazy("Messages"),
    Keep.ATTENDANCE: gettext_lazy("Attendance"),
    Keep.CASES: gettext_lazy("Alerts, absences and cases"),
    Keep.COMPLIANCE: gettext_lazy("Sponsorship and funding"),
    Keep.RIGHTS: gettext_lazy("Requests and complaints about data"),
    Keep.ACCOUNTS: gettext_lazy("Who they were"),
    Keep.FOREVER: gettext_lazy("What names nobody"),
}
GROUNDS: Mapping[Ground, Promise] = {
    Ground.HOLD: gettext_lazy("There is a legal hold."),
    Ground.SPONSOR: gettext_lazy("The records of a sponsor are kept for at least a year after sponsorship ends."),
    Ground.ENROLLED: gettext_lazy("They are still enrolled, and the university needs it to teach and look after them."),
    Ground.CLAIMS: gettext_lazy("A decision may still be complained of or reviewed, for a year after they left."),
}
WHY_ASKED: Mapping[Asked, Promise] = {
    Asked.FIRST: gettext_lazy("It is the first run, so nothing is ended before a person has read the numbers."),
    Asked.MORE: gettext_lazy("It is about many more students than the last run, so a person reads the numbers first."),
}
STATES: Mapping[State, Promise] = {
    State.WAITING: gettext_lazy("Waits for approval"),
    State.APPROVED: gettext_lazy("Approved, under way"),
    State.DECLINED: gettext_lazy("Declined"),
    State.DONE: gettext_lazy("Done"),
}

"""Words for purposes, lawful bases and retention classes, for documents and forms."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _gettext
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from adsum.core.declared import After, For, From, Keep
from adsum.privacy.purposes import Basis, Condition

PURPOSES: Mapping[For, tuple[Promise, Promise]] = {
    For.TEACHING: (
        _("Attendance and engagement"),
        _("Recording who was in which class, so that students see their own record and teaching can be planned."),
    ),
    For.SUPPORT: (
        _("Support"),
        _("Noticing early when somebody may need help, talking with them, and deciding about absences."),
    ),
    For.FUNDING: (_("Funding"), _("Confirming attendance to the Student Loans Company for students whom it funds.")),
    For.SPONSOR: (_("Visa sponsorship"), _("Meeting our duties towards the Home Office for students whom we sponsor.")),
    For.FRAUD: (
        _("Fair check-in"),
        _("Noticing when a check-in was shared or made for somebody else. A person decides, always."),
    ),
    For.AUDIT: (_("Security and audit"), _("Knowing who did and saw what, and being able to prove it.")),
    For.RIGHTS: (_("Your rights"), _("Answering requests and complaints about data, and what authorities ask of us.")),
    For.SERVICE: (_("Running the service"), _("Signing in, sending messages, and knowing where and when classes are.")),
}
"""By purpose: what it is called, and what it is."""
BASES: Mapping[Basis, Promise] = {
    Basis.PUBLIC_TASK: _("Public task (Article 6(1)(e))"),
    Basis.LEGAL_OBLIGATION: _("Legal obligation (Article 6(1)(c))"),
    Basis.CONTRACT: _("Contract with the student (Article 6(1)(b))"),
    Basis.LEGITIMATE_INTERESTS: _("Legitimate interests (Article 6(1)(f))"),
    Basis.RECOGNISED_INTERESTS: _("Recognised legitimate interests (Article 6(1)(ea))"),
    Basis.VITAL_INTERESTS: _("Vital interests (Article 6(1)(d))"),
    Basis.CONSENT: _("Consent (Article 6(1)(a))"),
}
CONDITIONS: Mapping[Condition, Promise] = {
    Condition.NONE: _("No special-category data"),
    Condition.PUBLIC_INTEREST: _("Substantial public interest (Article 9(2)(g))"),
    Condition.SOCIAL_PROTECTION: _("Employment, social security and social protection (Article 9(2)(b))"),
    Condition.HEALTH_CARE: _("Health or social care (Article 9(2)(h))"),
    Condition.EXPLICIT_CONSENT: _("Explicit consent (Article 9(2)(a))"),
    Condition.LEGAL_CLAIMS: _("Legal claims (Article 9(2)(f))"),
}
KEPT: Mapping[Keep, Promise] = {
    Keep.NETWORK: _("Networks and addresses of devices"),
    Keep.SCANS: _("Details of scans: the device, how old the code was"),
    Keep.SIGN_INS: _("Sign-ins"),
    Keep.IMPORTS: _("Files brought in from other systems"),
    Keep.EVIDENCE: _("Evidence of absences"),
    Keep.LOOKS: _("Who looked at whose record"),
    Keep.CONTACT: _("Contact details and choices"),
    Keep.MESSAGES: _("Messages"),
    Keep.ATTENDANCE: _("Classes, marks and their history"),
    Keep.CASES: _("Absences, alerts and cases"),
    Keep.COMPLIANCE: _("What was reported to authorities"),
    Keep.RIGHTS: _("Requests and complaints about data"),
    Keep.ACCOUNTS: _("The account: names, numbers, roles"),
    Keep.FOREVER: _("The event log, which names nobody, and how the university works"),
}
SOURCES: Mapping[From, Promise] = {
    From.PERSON: _("you"),
    From.STAFF: _("staff"),
    From.RECORDS: _("the student record and the timetable"),
    From.BROWSER: _("your phone or browser"),
    From.ADSUM: _("worked out here"),
}


def how_long(life: Mapping[str, Any]) -> str:
    """How long something is kept, in words, from the facts of a document."""
    after, days, sponsored = After(life["after"]), life["days"], life["sponsored"]
    if after == After.NEVER:
        return _gettext("for good")
    if after == After.OWN:
        return _gettext("until the day that each of them names")
    span = _span(days)
    if after == After.EVENT:
        return span
    words = {"span": span, "sponsored": _span(sponsored)}
    if sponsored:
        return _gettext("%(span)s after the end of your studies; %(sponsored)s for sponsored students") % words
    return _gettext("%(span)s after the end of your studies") % words


def _span(days: int) -> str:
    years, rest = divmod(days, 365)
    if years and not rest:
        return ngettext("%(n)s year", "%(n)s years", years) % {"n": years}
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}

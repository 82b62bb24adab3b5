"""Funding: the student hears what was told to the Student Loans Company, once it is said; the officers hear of what is due.
No letter says how much money it is, or why: that is on the page of the decision, where the student has read it before."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.audit.following import Reader
from adsum.compliance import changes, confirmations
from adsum.compliance.funding_reports import not_registered
from adsum.compliance.models import Confirmation, LiabilityPoint, Representation
from adsum.compliance.representation_life import Settled
from adsum.compliance.slc_codes import ConfirmationState
from adsum.compliance.slc_numbers import slc_numbers
from adsum.compliance.slc_rules import Timer
from adsum.core.errors import AdsumError
from adsum.core.holidays import working_days
from adsum.core.university import civil_date
from adsum.messages.letter import Facts, Letter
from adsum.messages.rules import KEPT_DUE, STALE
from adsum.messages.topic import Draft, Kind, Pending, Reading, Topic

SAID, DEADLINE, REGISTER = "funding_said", "funding_deadline", "funding_register"
BEFORE = (5, 2)
"""Working days before a deadline on which the officers are reminded of what is not confirmed."""
URGENT = (Timer.SECOND, Timer.DUE, Timer.OVERDUE)


def said(_reader: Reader, at: datetime, _zone: ZoneInfo) -> Pending:
    """A code that stops money is confirmed, or a change submitted: to the student, who was told before that it might be."""
    final = Representation.objects.filter(
        about__in=[confirmations.ABOUT, changes.ABOUT], settled=Settled.FINAL, settled_at__gt=at - STALE, settled_at__lte=at
    )
    return Pending(
        [
            Draft(one.student, SAID, f"{SAID}:{one.pk}", {"decision": str(one.ref)}, at + KEPT_DUE)
            for one in final.select_related("student")
        ]
    )


def due(_reader: Reader, at: datetime, _zone: ZoneInfo) -> Pending:
    """Deadlines that come near with codes to confirm, and students whose registration is not confirmed: to the officers, once
    a day at the most."""
    today = civil_date(at)
    there = list(_officers(today))
    if not there:
        return Pending()
    drafts = []
    for point, left in _near(today):
        facts = {"point": str(point.ref), "deadline": point.deadline.isoformat(), "left": left}
        drafts += [
            Draft(one, DEADLINE, f"{DEADLINE}:{point.pk}:{today}:{one.pk}", facts, at + timedelta(days=2)) for one in there
        ]
    try:
        timers = not_registered(today, slc_numbers(today))
    except AdsumError:  # no edition is in force yet: the officers' first page says so
        return Pending(drafts)
    if today.weekday() == 0 and (waiting := sum(timers[one] for one in URGENT)):
        late = timedelta(days=5)
        drafts += [Draft(one, REGISTER, f"{REGISTER}:{today}:{one.pk}", {"waiting": waiting}, at + late) for one in there]
    return Pending(drafts)


def _near(today: date) -> list[tuple[LiabilityPoint, int]]:
    """Liability points whose deadline is in five or two working days, with how many codes are to be confirmed."""
    days = working_days()
    near = {days.after(today, count) for count in BEFORE} if days.is_one(today) else set()
    found = []
    for point in LiabilityPoint.objects.filter(deadline__in=near):
        waits = Q(state__in=[ConfirmationState.OPEN, ConfirmationState.PROPOSED])
        if left := Confirmation.objects.filter(waits, point=point).count():
            found.append((point, left))
    return found


def _officers(today: date) -> list[Person]:
    held = RoleGrant.objects.held_on(today).filter(role=Role.COMPLIANCE_SLC, person__is_active=True)
    return list(Person.objects.filter(pk__in=held.values("person")).order_by("pk"))


# What it says


def _said(facts: Facts) -> Letter:
    return Letter(
        subject=_("What we have told the Student Loans Company about you"),
        opening=_("We told you that this might happen; now it has. The page says what was said, why, and what you can do."),
        action=(_("Read it"), f"/decisions/{facts['decision']}/"),
    )


def _deadline(facts: Facts) -> Letter:
    words = {"n": facts["left"], "day": date_format(date.fromisoformat(facts["deadline"]), "l j F")}
    subject = ngettext("%(n)s code to confirm by %(day)s", "%(n)s codes to confirm by %(day)s", facts["left"])
    return Letter(
        subject=subject % words,
        opening=_("What is confirmed after this day is paid later."),
        action=(_("Open the worklist"), f"/compliance/funding/points/{facts['point']}/"),
    )


def _register(facts: Facts) -> Letter:
    subject = ngettext(
        "%(n)s student whose registration is not confirmed",
        "%(n)s students whose registration is not confirmed",
        facts["waiting"],
    )
    return Letter(
        subject=subject % {"n": facts["waiting"]},
        opening=_("If they have not come, say N by the day that stands beside each of them."),
        action=(_("See the list"), "/compliance/funding/registration/"),
    )


TOPIC = Topic(
    kinds=(
        Kind(SAID, gettext_lazy("What was told to the Student Loans Company"), _said, mutable=False),
        Kind(DEADLINE, gettext_lazy("Deadlines of funding"), _deadline),
        Kind(REGISTER, gettext_lazy("Registrations that are not confirmed"), _register),
    ),
    readings=(Reading("funding_said", said), Reading("funding_due", due)),
)

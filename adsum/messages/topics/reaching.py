"""Reaching people: a message that a student has not opened is a named person's task; once a term students are asked whether
their contact details are right.

Letters never name people: they give numbers and a link to the page."""

from collections import defaultdict
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.accounts.models import ContactDetail, ContactStop, Person
from adsum.audit.following import Reader
from adsum.core.clock import civil_day
from adsum.core.university import civil_date
from adsum.messages.letter import Facts, Letter
from adsum.messages.models import HandOver, Message
from adsum.messages.rules import KEPT_DUE, STALE, is_night
from adsum.messages.topic import Draft, Kind, Pending, Reading, Topic
from adsum.timetable.reports import term_began

UNOPENED, CONFIRM = "unopened", "confirm_contact"
AT_ONCE = 1_000
"""How many students are asked by one run."""
ASKED_WITHIN = timedelta(weeks=4)
"""How long after a term begins students are asked."""


def handed_over(reader: Reader, at: datetime, zone: ZoneInfo) -> Pending:
    """New tasks of reaching a student, in the day: one draft for each owner."""
    rows = list(reader.left(HandOver.objects.filter(at__gt=at - STALE)).select_related("owner"))
    pending = Pending(done=[row.pk for row in rows if row.closed_at is not None])
    waiting = [row for row in rows if row.closed_at is None]
    if waiting and is_night(at, zone):
        pending.first_left = waiting[0].pk
        return pending
    by_owner: dict[Person, list[HandOver]] = defaultdict(list)
    for row in waiting:
        by_owner[row.owner].append(row)
        pending.done.append(row.pk)
    for owner, tasks in by_owner.items():
        key = f"{UNOPENED}:{owner.pk}:{tasks[-1].pk}"
        pending.drafts.append(Draft(owner, UNOPENED, key, {"tasks": len(tasks)}, at + KEPT_DUE))
    return pending


def to_confirm(_reader: Reader, at: datetime, zone: ZoneInfo) -> Pending:
    """Students whose contact details nobody has confirmed since the term began: one draft each, once a term."""
    began = term_began(civil_date(at))
    if began is None or civil_date(at) - began > ASKED_WITHIN:
        return Pending()
    start, _end = civil_day(began, zone)
    old = ContactDetail.objects.filter(Q(confirmed_at=None) | Q(confirmed_at__lt=start), ended_at=None, entered_at__lt=start)
    asked = Message.objects.filter(kind=CONFIRM, created_at__gte=start)
    stopped = ContactStop.objects.filter(ended_at=None)
    people = Person.objects.filter(pk__in=old.values("person"), is_active=True)
    left = people.exclude(pk__in=asked.values("person")).exclude(pk__in=stopped.values("person")).order_by("pk")[:AT_ONCE]
    return Pending([Draft(one, CONFIRM, f"{CONFIRM}:{began}:{one.pk}", {}, at + KEPT_DUE) for one in left])


# What it says


def _unopened(facts: Facts) -> Letter:
    count = facts["tasks"]
    return Letter(
        subject=ngettext("A formal message was not opened", "%(n)s formal messages were not opened", count) % {"n": count},
        opening=_(
            "Over two channels it was not opened, and unread is not refused. Please ring the student, and write down that you "
            "did. Until the message is opened, or you let the matter go on, no stage goes on."
        ),
        action=(_("See whom to ring"), "/unopened/"),
    )


def _confirm(_facts: Facts) -> Letter:
    return Letter(
        subject=_("Is this still how we reach you?"),
        opening=_(
            "A new term has begun. Please look once at your telephone number, personal e-mail and address. It takes a minute."
        ),
        action=(_("Look at my details"), "/record/contact/"),
    )


TOPIC = Topic(
    kinds=(
        Kind(UNOPENED, gettext_lazy("Formal messages that were not opened"), _unopened, mutable=False),
        Kind(CONFIRM, gettext_lazy("Whether your contact details are right"), _confirm, digest=True),
    ),
    readings=(Reading("hand_over", handed_over, follows=HandOver), Reading("confirm_contact", to_confirm)),
)

"""Unread is not refused: a formal message that is not opened goes on to the person's other address, and then to a named person
who rings. Until it is opened, or that person lets it go on, the feature it is about waits."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.accounts.reaching import personal_addresses
from adsum.audit.services import record
from adsum.core.errors import AdsumError
from adsum.core.holidays import working_days
from adsum.core.university import civil_date
from adsum.engagement.case_rules import Way
from adsum.engagement.models import Contacted
from adsum.engagement.owners import Staffing, owner_of
from adsum.messages.models import HandOver, Message, reader_is_stopped
from adsum.messages.rules import GONE_ON_AFTER, Closed, Next, State, may_go_on, next_channel
from adsum.messages.services import ACTOR, add, copy_of, hear
from adsum.messages.topic import Outcome
from adsum.messages.topics.registry import followed_kinds

FAILED = frozenset({State.REFUSED, State.BOUNCED, State.LAPSED})
"""States of a letter that nobody has got."""
FOLLOWED = FAILED | {State.WAITING, State.SENT, State.DELIVERED}


def unopened() -> Iterable[int]:
    """Formal messages that their readers have not opened, and nobody has taken over yet; the oldest first (one query)."""
    open_ = Message.objects.filter(~reader_is_stopped(), opened_at=None, copy_of=None, hand_over=None)
    found = open_.filter(kind__in=followed_kinds(), state__in=FOLLOWED)
    return found.order_by("created_at", "pk").values_list("pk", flat=True)


def follow(*, at: datetime) -> int:
    """Take every unopened formal message on to its next channel where it is time; how many went on. Tasks of people who have
    left, or are away, go to who stands in for them."""
    return sum(_follow(pk, at) for pk in list(unopened())) + _pass_on(at)


@transaction.atomic
def _follow(pk: int, at: datetime) -> bool:
    message = Message.objects.select_for_update(of=("self",)).select_related("person").get(pk=pk)
    if message.opened_at is not None or HandOver.objects.filter(message=message).exists():
        return False
    copy = message.copies.first()
    last = copy or message
    step = next_channel(
        failed=last.state in FAILED,
        waited=working_days().passed(civil_date(last.sent_at or last.created_at), civil_date(at)),
        other_address=bool(personal_addresses([message.person])),
        copied=copy is not None,
    )
    if step == Next.COPY:
        add([copy_of(message, at)], at=at)
    elif step == Next.HAND_OVER:
        _hand_over(message, at)
    return step is not None


def _hand_over(message: Message, at: datetime) -> None:
    owner = owner_of(message.person, at)
    due_on = working_days().after(civil_date(at), GONE_ON_AFTER)
    HandOver.objects.create(message=message, owner=owner, at=at, due_on=due_on)
    record(actor=ACTOR, verb="message.hand_over", subject=f"message:{message.ref}", at=at, person=owner.actor)
    hear([message], Outcome.HANDED_OVER, at=at)


def _pass_on(at: datetime) -> int:
    """Nobody's task stays with a person who is not there."""
    staffing = Staffing(civil_date(at))
    waiting = HandOver.objects.filter(closed_at=None).select_related("message__person")
    left = [one for one in waiting if not staffing.there(one.owner_id)]
    moved = 0
    for task in left:
        owner = owner_of(task.message.person, at)
        with transaction.atomic():
            if owner.pk != task.owner_id and HandOver.objects.filter(pk=task.pk, closed_at=None).update(owner=owner):
                subject = f"message:{task.message.ref}"
                record(actor=ACTOR, verb="message.hand_over", subject=subject, at=at, person=owner.actor)
                moved += 1
    return moved


def close_stopped(*, at: datetime) -> int:
    """End the tasks of reaching those to whom nobody writes any more; how many."""
    stopped = Message.objects.filter(reader_is_stopped()).values("pk")
    return HandOver.objects.filter(closed_at=None, message__in=stopped).update(closed_at=at, closed_as=Closed.STOPPED)


def calls_since(tasks: Iterable[HandOver]) -> dict[int, Contacted]:
    """By task, the latest call to its student that was written down since it began (one query)."""
    tasks = list(tasks)
    about = Q(pk__in=[])
    for task in tasks:
        about |= Q(student=task.message.person_id, at__gte=task.at)
    calls = Contacted.objects.filter(about, way=Way.CALL).order_by("at", "pk")
    found: dict[int, Contacted] = {}
    for call in calls:
        for task in tasks:
            if call.student_id == task.message.person_id and call.at >= task.at:
                found[task.pk] = call
    return found


@transaction.atomic
def go_on(task: HandOver, *, by: Person, at: datetime) -> None:
    """Let the matter go on although its message was never opened. Raises AdsumError `not_yet` before a call is written down or
    the days are over, `moved_on` when the task is done already."""
    task = HandOver.objects.select_for_update(of=("self",)).select_related("message").get(pk=task.pk)
    if task.closed_at is not None:
        raise AdsumError("moved_on", _("This is done already: the message was opened, or somebody let it go on."))
    if not may_go_on(called=bool(calls_since([task])), today=civil_date(at), due_on=task.due_on):
        day = {"day": date_format(task.due_on, "l j F")}
        raise AdsumError("not_yet", _("Ring first, and write the call down here; or wait until %(day)s.") % day)
    HandOver.objects.filter(pk=task.pk).update(closed_at=at, closed_as=Closed.GONE_ON, closed_by=by)
    record(actor=by.actor, verb="message.go_on", subject=f"message:{task.message.ref}", at=at)
    hear([task.message], Outcome.GONE_ON, at=at)


@transaction.atomic
def give_task(task: HandOver, to: Person, *, by: Person, at: datetime) -> None:
    """A colleague reaches the reader from now on. Does nothing once it is done."""
    if HandOver.objects.filter(pk=task.pk, closed_at=None).exclude(owner=to).update(owner=to):
        record(actor=by.actor, verb="message.hand_over", subject=f"message:{task.message.ref}", at=at, person=to.actor)

"""Which channel a message takes: what its reader chose, the week's letter, and a formal one that nobody opens."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from adsum.accounts.models import Person
from adsum.accounts.reaching import enter_details
from adsum.accounts.rules import ContactBy, Role, StopReason
from adsum.attendance.weighing import Act
from adsum.audit.models import Event
from adsum.core.errors import AdsumError
from adsum.engagement.case_rules import Reply, Way
from adsum.engagement.contacts import log_contact
from adsum.engagement.stopping import resume_contact, stop_contact
from adsum.messages import mail, services, unopened, week
from adsum.messages.choices import choose
from adsum.messages.letter import Letter
from adsum.messages.models import WEEK, HandOver, Message
from adsum.messages.reports import unread
from adsum.messages.rules import Address, Closed, How, Next, State, chosen, may_go_on, next_channel, week_at
from adsum.messages.topic import Draft, Kind, Outcome
from adsum.messages.topics import registry
from adsum.ops import jobs
from tests.kit.mail import Post, mail_server
from tests.kit.world import LONDON, NINE, World

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
MONDAY = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


@pytest.fixture
def post() -> Iterator[Post]:
    with mail_server() as post:
        yield post


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[Outcome]:
    """Two kinds: `stage` is formal, `nudge` waits for the week's letter; what their feature hears."""
    found: list[Outcome] = []
    kinds: dict[str, dict[str, Any]] = {"stage": {"formal": True}, "nudge": {"digest": True}}
    for name, more in kinds.items():
        kind = Kind(name, name, lambda facts: Letter(facts["says"], "We noticed."), lambda _m, o, _at: found.append(o), **more)
        monkeypatch.setitem(registry.KINDS, name, kind)
    return found


def write(person: Person, kind: str, says: str = "Hello", *, at: datetime = NINE) -> Message | None:
    services.write([Draft(person, kind, f"{kind}:{says}:{person.pk}", {"says": says}, at + 30 * DAY)], at=at)
    return Message.objects.filter(kind=kind, person=person, copy_of=None).order_by("-pk").first()


def send(at: datetime) -> int:
    return mail.send_due(lambda: at)


# What its reader chose


@pytest.mark.parametrize(("formal", "mutable", "digest", "choice"), list(product([0, 1], [0, 1], [0, 1], [None, *How])))
def test_what_is_chosen_and_what_cannot_be(formal: int, mutable: int, digest: int, choice: How | None):
    how = chosen(formal=bool(formal), mutable=bool(mutable), digest=bool(digest), choice=choice)
    if formal:
        assert how == How.EACH, "a formal stage always goes"
    elif choice == How.NEVER:
        assert (how == How.NEVER) == mutable
    elif choice == How.WEEKLY or choice is None:
        assert how == (How.WEEKLY if digest else How.EACH)
    else:
        assert how == How.EACH


@pytest.mark.parametrize(
    ("written", "goes"),
    [
        (datetime(2026, 11, 23, 9, 0, tzinfo=UTC), datetime(2026, 11, 30, 9, 0, tzinfo=UTC)),
        (datetime(2026, 11, 23, 8, 59, tzinfo=UTC), datetime(2026, 11, 23, 9, 0, tzinfo=UTC)),
        (datetime(2026, 11, 29, 23, 0, tzinfo=UTC), datetime(2026, 11, 30, 9, 0, tzinfo=UTC)),
        (datetime(2026, 10, 23, 12, 0, tzinfo=UTC), datetime(2026, 10, 26, 9, 0, tzinfo=UTC)),  # the clock goes back between
        (datetime(2027, 3, 26, 12, 0, tzinfo=UTC), datetime(2027, 3, 29, 8, 0, tzinfo=UTC)),  # and forward
    ],
)
def test_the_weeks_letter_goes_on_monday_at_nine(written: datetime, goes: datetime):
    assert week_at(written, LONDON) == goes


def test_what_is_muted_is_read_here_and_a_formal_stage_is_not_muted(world: World, heard: list[Outcome], post: Post):
    alice = world.student()
    choose(alice, {"nudge": How.NEVER, "stage": How.NEVER}, at=NINE)
    muted, formal = write(alice, "nudge"), write(alice, "stage")
    assert muted is not None and formal is not None  # noqa: PT018 - for the type
    assert (muted.state, formal.state) == (State.MUTED, State.WAITING)
    assert send(NINE) == 1
    assert unread(alice) == 2
    assert choose(alice, {"nudge": How.NEVER}, at=NINE) == 0
    assert list(Event.objects.filter(verb="message.choose").values_list("detail", flat=True)) == [{"kinds": ["nudge", "stage"]}]


def test_a_week_is_one_letter_and_each_message_hears_of_it(world: World, heard: list[Outcome], post: Post):
    alice, bob = world.student(), world.student()
    for says in ("Algorithms: a class missed", "Databases: a class missed"):
        write(alice, "nudge", says)
    write(bob, "nudge", "One he reads here")
    services.mark_read(bob, at=NINE + DAY)
    heard.clear()
    assert (week.gather(at=MONDAY - timedelta(minutes=1)), send(MONDAY - timedelta(minutes=1))) == (0, 0)
    assert (week.gather(at=MONDAY), week.gather(at=MONDAY)) == (1, 0), "Bob has read his"
    assert send(MONDAY) == 1
    (letter,) = post.letters
    assert letter["Subject"] == "Your week: 2 messages"
    text = post.text()
    assert text.index("Algorithms: a class missed") < text.index("Databases: a class missed")
    assert heard == [Outcome.SENT] * 2
    states = Message.objects.filter(kind="nudge").order_by("pk").values_list("state", flat=True)
    assert list(states) == [State.SENT, State.SENT, State.MUTED]
    assert unread(alice) == 2, "the letter itself is nothing to read here"
    services.bounced(Message.objects.get(kind=WEEK), "no such mailbox", at=MONDAY)
    assert heard[2:] == [Outcome.BOUNCED] * 2


def test_what_a_withdrawn_weeks_letter_carried_is_still_read_here(world: World, heard: list[Outcome], post: Post):
    alice = world.student()
    write(alice, "nudge")
    week.gather(at=MONDAY)
    services.withdraw(Message.objects.get(kind=WEEK), by=world.person(), at=MONDAY)
    late = NINE + 31 * DAY
    assert (send(MONDAY), services.lapse(at=late), unread(alice)) == (0, 1, 1)
    assert Message.objects.get(kind="nudge").state == State.LAPSED


# Formal, and unopened


@pytest.mark.parametrize(
    ("failed", "waited", "other", "copied", "goes"),
    [
        (False, 0, True, False, None),
        (False, 1, True, False, None),
        (False, 2, True, False, Next.COPY),
        (False, 2, False, False, Next.HAND_OVER),
        (True, 0, True, False, Next.COPY),
        (True, 0, False, False, Next.HAND_OVER),
        (False, 1, True, True, None),
        (False, 2, True, True, Next.HAND_OVER),
        (True, 0, True, True, Next.HAND_OVER),
    ],
)
def test_where_an_unopened_message_goes(failed: bool, waited: int, other: bool, copied: bool, goes: Next | None):
    assert next_channel(failed=failed, waited=waited, other_address=other, copied=copied) == goes


@pytest.mark.parametrize(("called", "today", "may"), [(True, 1, True), (False, 6, False), (False, 7, True), (False, 8, True)])
def test_who_rang_or_waited_may_go_on(called: bool, today: int, may: bool):
    assert may_go_on(called=called, today=date(2026, 12, today), due_on=date(2026, 12, 7)) == may


def followed(at: datetime) -> int:
    return unopened.follow(at=at)


def test_an_unopened_stage_goes_to_the_other_address_and_then_to_a_person(world: World, heard: list[Outcome], post: Post):
    tutor, alice = world.person(Role.TUTOR), world.student()
    world.enrol(alice, tutor=tutor)
    enter_details(alice, {ContactBy.PERSONAL_EMAIL: "alice@home.example"}, by=alice, actor=alice.actor, at=NINE)
    message = write(alice, "stage")
    assert message is not None
    send(NINE)
    assert [followed(NINE + n * DAY) for n in range(3)] == [0, 0, 1], "two working days"
    send(NINE + 2 * DAY)
    assert post.recipients == [alice.username, "alice@home.example"]
    assert f"/messages/{message.ref}/" in post.text(1)
    assert unread(alice) == 1, "one message, however often it is sent"
    assert [followed(NINE + n * DAY) for n in (3, 4, 5, 6, 7)] == [0, 1, 0, 0, 0]
    task = HandOver.objects.get()
    assert (task.owner, task.due_on) == (tutor, date(2026, 12, 4))
    assert heard == [Outcome.SENT, Outcome.HANDED_OVER], "no word that lets a stage go on"

    friday = NINE + 4 * DAY
    with pytest.raises(AdsumError, match="Ring first, and write the call down here; or wait until Friday 4 December"):
        unopened.go_on(task, by=tutor, at=friday)
    log_contact(alice, Way.EMAIL, Reply.SENT, act=Act(tutor, friday))
    with pytest.raises(AdsumError, match="Ring first"):
        unopened.go_on(task, by=tutor, at=friday)
    log_contact(alice, Way.CALL, Reply.NO_ANSWER, act=Act(tutor, friday))
    unopened.go_on(task, by=tutor, at=friday)
    assert heard[-1] == Outcome.GONE_ON
    with pytest.raises(AdsumError, match="done already"):
        unopened.go_on(task, by=tutor, at=friday)


def test_a_stage_that_bounced_and_has_no_other_address_is_a_persons_task_at_once(
    world: World, heard: list[Outcome], post: Post
):
    tutor, alice = world.person(Role.TUTOR), world.student()
    world.enrol(alice, tutor=tutor)
    message = write(alice, "stage")
    assert message is not None
    send(NINE)
    services.bounced(message, "550 no such mailbox", at=NINE)
    assert followed(NINE) == 1
    assert services.open_message(message, at=NINE + DAY), "unread is not refused: it can be opened still"
    assert not services.open_message(message, at=NINE + DAY)
    assert HandOver.objects.get().closed_as == Closed.OPENED
    assert heard == [Outcome.SENT, Outcome.BOUNCED, Outcome.HANDED_OVER, Outcome.OPENED]


def test_all_read_opens_nothing_formal(world: World, heard: list[Outcome]):
    alice = world.student()
    write(alice, "stage")
    write(alice, "nudge")
    assert services.mark_read(alice, at=NINE) == 1
    assert list(Message.objects.filter(opened_at=None).values_list("kind", flat=True)) == ["stage"]


def test_no_task_stays_with_a_person_who_has_left(world: World, heard: list[Outcome]):
    tutor, alice, team = world.person(Role.TUTOR), world.student(), world.person(Role.ATTENDANCE_TEAM)
    world.enrol(alice, tutor=tutor)
    write(alice, "stage")
    assert followed(NINE + 2 * DAY) == 1
    Person.objects.filter(pk=tutor.pk).update(is_active=False)
    assert (followed(NINE + 3 * DAY), followed(NINE + 3 * DAY)) == (1, 0)
    assert HandOver.objects.get().owner == team


# Nobody writes to them any more


@pytest.mark.parametrize("reason", StopReason)
def test_one_action_stops_every_kind_of_message_at_once_queued_ones_too(
    world: World, heard: list[Outcome], post: Post, reason: StopReason
):
    alice, bob, by = world.student(), world.student(), world.person(Role.ATTENDANCE_TEAM)
    drafts = [
        Draft(person, kind, f"{kind}:{person.pk}", {"says": "Hello"}, NINE + 30 * DAY)
        for person in (alice, bob)
        for kind in registry.KINDS
        if kind != WEEK
    ]
    services.write(drafts, at=NINE)
    Message.objects.filter(kind="stage", person=alice).update(due_at=NINE + DAY)
    stop_contact(alice, reason, act=Act(by, NINE))
    assert unread(alice) == 0, "nor here"
    again = [Draft(one.person, one.kind, f"again {one.key}", one.facts, one.useful_until) for one in drafts]
    assert services.write(again, at=NINE) == len(drafts) // 2, "nothing new is written to her"
    Message.objects.exclude(kind__in=["stage", "nudge"]).update(kind="stage")  # facts of every kind are not made up here
    for day in range(15):
        at = NINE + day * DAY
        week.gather(at=at)
        send(at)
        unopened.follow(at=at)
    assert set(post.recipients) == {bob.username}
    assert services.stop(at=NINE) == len(drafts) // 2
    assert set(Message.objects.filter(person=alice).values_list("state", flat=True)) == {State.STOPPED}
    resume_contact(alice, act=Act(by, NINE + 15 * DAY))
    assert send(NINE + 15 * DAY) == 0, "what was stopped stays stopped"
    assert write(alice, "stage", "New", at=NINE + 15 * DAY) is not None
    assert send(NINE + 15 * DAY) == 1


def test_a_letter_in_a_workers_hand_is_stopped_before_it_leaves(world: World, heard: list[Outcome]):
    students = [world.student() for _ in range(3)]
    by = world.person(Role.ATTENDANCE_TEAM)
    for student in students:
        write(student, "stage")

    taken = services.claim(at=NINE, most=50)
    stop_contact(students[1], StopReason.DECEASED, act=Act(by, NINE))
    assert [services.may_leave(one) for one in taken] == [True, False, True]


def test_the_tasks_about_a_stopped_student_are_done(world: World, heard: list[Outcome]):
    by, alice = world.person(Role.ATTENDANCE_TEAM), world.student()
    write(alice, "stage")
    followed(NINE + 2 * DAY)
    stop_contact(alice, StopReason.NO_CONTACT, act=Act(by, NINE))
    assert (unopened.close_stopped(at=NINE), unopened.close_stopped(at=NINE)) == (1, 0)
    assert jobs.follow_unopened() == 0


def test_a_copy_goes_to_the_address_that_holds_when_it_is_sent(world: World, heard: list[Outcome], post: Post):
    alice = world.student()
    world.person(Role.ATTENDANCE_TEAM)
    details = {ContactBy.PERSONAL_EMAIL: "old@home.example"}
    enter_details(alice, details, by=alice, actor=alice.actor, at=NINE)
    write(alice, "stage")
    followed(NINE + 2 * DAY)
    enter_details(alice, {ContactBy.PERSONAL_EMAIL: "new@home.example"}, by=alice, actor=alice.actor, at=NINE)
    send(NINE + 2 * DAY)
    assert set(post.recipients) == {alice.username, "new@home.example"}
    assert Message.objects.get(address=Address.PERSONAL).state == State.SENT

"""From rows to messages: everyone concerned is told, once, at a decent hour, and of nothing that was undone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.attendance.amendments import undoable
from adsum.attendance.closing import close_registers
from adsum.attendance.labels import REASONS, STATUSES
from adsum.attendance.models import MarkChange, Query
from adsum.attendance.queries import cannot_say, raise_query
from adsum.attendance.rules import Reason, Status
from adsum.attendance.services import count_heads
from adsum.audit.following import OVERLAP
from adsum.audit.models import Cursor, Processed
from adsum.checkin import kiosks
from adsum.checkin.services import add_display, open_checkin
from adsum.messages import rules
from adsum.messages.models import Message
from adsum.messages.rules import DIGESTS
from adsum.messages.telling import tell
from adsum.messages.topics import marks, queries, registers
from adsum.messages.topics.registry import KINDS, TOPICS, letter_of
from adsum.timetable.models import ClassSession, Module
from tests.kit.marking import act, answer_query, let_in, mark_students, undo
from tests.kit.told import FIVE, House, text, told
from tests.kit.world import LONDON, NINE, cancel_class

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> House:
    return House()


# Marks


def amend(house: House, status: Status, *, at: datetime, student: Person | None = None, reason: str = "") -> None:
    students = [student or house.alice]
    mark_students(house.past, students, status, by=house.ada, at=at, reason_code=Reason.SEEN_IN_CLASS, reason=reason)


@pytest.fixture
def marked(house: House) -> House:
    house.past = house.session(house.l1, starts_at=NINE, staff=[house.ada])
    mark_students(house.past, [house.alice], Status.ABSENT, by=house.ada, at=NINE)
    tell(marks.TOPIC, at=NINE)
    return house


def test_a_changed_mark_is_told_the_same_day_with_everything_but_the_words(marked: House):
    amend(marked, Status.LATE, at=NINE + timedelta(hours=2), reason="She told me of her hospital visit")
    assert tell(marks.TOPIC, at=FIVE - timedelta(minutes=1)) == 0
    assert tell(marks.TOPIC, at=FIVE) == 1
    assert tell(marks.TOPIC, at=FIVE + timedelta(hours=5)) == 0
    said = text(Message.objects.get(person=marked.alice))
    assert "CS201 Algorithms, Monday 23 November, 09:00" in said
    assert "Absent → Late" in said
    assert "Changed by your lecturer on Monday 23 November, 11:00." in said
    assert "The reason: Seen in class." in said
    assert "My mark is wrong" in said
    assert "hospital" not in said, "what was written beside it stays in the product: docs/rules.md D 10"


def test_changes_of_a_day_are_one_message_from_first_to_last(marked: House):
    other = marked.session(marked.l1, starts_at=NINE + timedelta(hours=2), staff=[marked.ada])
    mark_students(other, [marked.alice], Status.ABSENT, by=marked.ada, at=NINE + timedelta(hours=2))
    amend(marked, Status.LATE, at=NINE + timedelta(hours=1))
    amend(marked, Status.PRESENT, at=NINE + timedelta(hours=3))
    team = marked.person(Role.ATTENDANCE_TEAM)
    mark_students(other, [marked.alice], Status.REMOTE, by=team, at=NINE + timedelta(hours=3), reason_code=Reason.OTHER)
    assert tell(marks.TOPIC, at=FIVE) == 1
    said = text(Message.objects.get(person=marked.alice))
    assert told(marked.alice) == ["2 of your marks have changed"]
    assert "Absent → Present" in said
    assert "Absent → Attended remotely" in said
    assert "Changed by the attendance team" in said


def test_a_mark_that_is_again_what_it_was_is_told_to_nobody(marked: House):
    amend(marked, Status.PRESENT, at=NINE + timedelta(hours=1))
    amend(marked, Status.ABSENT, at=NINE + timedelta(hours=2))
    assert tell(marks.TOPIC, at=FIVE) == 0


def test_a_first_mark_is_not_a_change(marked: House):
    mark_students(marked.past, [marked.bob], Status.PRESENT, by=marked.ada, at=NINE)
    close_registers([marked.past], at=NINE + timedelta(hours=1))
    assert tell(marks.TOPIC, at=FIVE) == 0


def test_the_absence_of_the_close_that_a_person_changes_is_told(marked: House):
    close_registers([marked.past], at=NINE + timedelta(hours=1))
    mark_students(marked.past, [marked.bob], Status.PRESENT, by=marked.ada, at=NINE + timedelta(hours=2))
    assert tell(marks.TOPIC, at=FIVE) == 1
    assert told(marked.bob) == ["Your mark in Algorithms has changed: Present"]


def test_a_swap_of_groups_is_told_with_who_said_so(marked: House):
    ben = marked.lecturer("Ben Lecturer")
    visited = marked.session(marked.group(marked.l1.module), starts_at=NINE + timedelta(hours=1), staff=[ben])
    why = Reason.OTHER_GROUP_AGREED
    assert let_in(visited, marked.alice, by=ben, at=NINE + timedelta(hours=1), swap=True, reason_code=why) == marked.past
    assert tell(marks.TOPIC, at=FIVE) == 1
    assert told(marked.alice) == ["2 of your marks have changed"]
    said = text(Message.objects.get(person=marked.alice))
    assert "Absent → Swapped groups" in said
    assert said.count("Changed by your lecturer") == 2
    assert "the attendance team" not in said.partition("My mark is wrong")[0]


# Queries


def test_a_query_is_told_to_the_lecturer_and_its_answer_to_the_student(marked: House):
    query = raise_query(marked.past, marked.alice, at=NINE + timedelta(hours=1), text="I was there, ask Bob Baker")
    raise_query(marked.past, marked.bob, at=NINE + timedelta(hours=1))
    assert tell(queries.TOPIC, at=NINE + timedelta(hours=2)) == 0
    assert tell(queries.TOPIC, at=FIVE) == 1
    assert told(marked.ada) == ["2 queries wait for you"]
    assert "Bob" not in text(Message.objects.get(person=marked.ada))
    answer_query(query, by=marked.ada, at=FIVE, reason="Seen", status=Status.PRESENT)
    assert tell(queries.TOPIC, at=FIVE) == 1
    assert tell(queries.TOPIC, at=FIVE) == 0
    assert tell(marks.TOPIC, at=FIVE + timedelta(hours=5)) == 0, "told with the answer, not twice"
    assert told(marked.alice) == ["Your query about Algorithms is answered: Present"]
    assert "Seen" not in text(Message.objects.get(person=marked.alice))


def test_an_answer_at_night_waits_for_the_morning(marked: House):
    query = raise_query(marked.past, marked.alice, at=NINE)
    late = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
    answer_query(query, by=marked.ada, at=late, reason="No")
    tell(queries.TOPIC, at=late)
    message = Message.objects.get(person=marked.alice)
    assert message.due_at == datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
    assert "The mark stays as it is: Absent." in text(message)


def test_a_query_answered_before_the_digest_asks_nobody(marked: House):
    query = raise_query(marked.past, marked.alice, at=NINE)
    answer_query(query, by=marked.ada, at=NINE + timedelta(minutes=5), reason="No")
    tell(queries.TOPIC, at=FIVE)
    assert told(marked.ada) == []
    assert Query.objects.count() == 1


def test_queries_about_a_cancelled_class_ask_nobody_until_it_is_restored(marked: House):
    raise_query(marked.past, marked.alice, at=NINE)
    team, past = marked.person(Role.ATTENDANCE_TEAM), ClassSession.objects.filter(pk=marked.past.pk)
    for asked, subject, days in ((marked.ada, "1 query waits for you", 1), (team, "1 query is now yours to answer", 4)):
        past.update(status="cancelled")
        for hours in range(0, days * 24, 6):
            tell(queries.TOPIC, at=FIVE + timedelta(hours=hours))
        assert told(asked) == []
        past.update(status="scheduled")
        tell(queries.TOPIC, at=FIVE + timedelta(days=days))
        assert told(asked) == [subject]


EIGHT = timedelta(hours=8)


def test_a_query_nobody_answers_is_told_to_the_team_once_on_its_day(marked: House):
    """Asked on a Monday: three working days later it is Thursday, and at eight the team is told."""
    here, everywhere = marked.department("CS", "Computing"), marked.person(Role.ATTENDANCE_TEAM)
    elsewhere = marked.person(Role.ATTENDANCE_TEAM, department=marked.department("HI", "History"))
    ours = marked.person(Role.ATTENDANCE_TEAM, department=here)
    gone = marked.person(Role.ATTENDANCE_TEAM)
    Person.objects.filter(pk=gone.pk).update(is_active=False)
    Module.objects.filter(pk=marked.l1.module_id).update(department=here)
    answered = raise_query(marked.past, marked.bob, at=NINE + timedelta(hours=1))
    raise_query(marked.past, marked.alice, at=NINE + timedelta(hours=1), text="I was there, ask Bob Baker")
    thursday = datetime(2026, 11, 26, tzinfo=UTC)
    tell(queries.TOPIC, at=FIVE)
    answer_query(answered, by=marked.ada, at=FIVE, reason="No")
    tell(queries.TOPIC, at=FIVE)
    assert tell(queries.TOPIC, at=thursday + EIGHT - timedelta(minutes=1)) == 0
    raise_query(marked.past, marked.bob, at=thursday)
    assert tell(queries.TOPIC, at=thursday + EIGHT) == 2 + 1, "and the lecturer hears of the new one"
    for hours in range(9, 200, 12):
        tell(queries.TOPIC, at=thursday + timedelta(hours=hours))
    subjects = ["1 query is now yours to answer"]
    assert told(ours)[:1] == told(everywhere)[:1] == subjects
    assert told(ours) == subjects * 2, "Bob's on Tuesday, each of them once"
    assert told(elsewhere) == told(gone) == []
    letter = Message.objects.filter(person=ours).earliest("pk")
    assert letter.due_at == thursday + EIGHT
    said = text(letter)
    assert "not answered in 3 working days" in said
    assert "CS201 Algorithms, Monday 23 November, 09:00" in said
    assert not any(name in said for name in ("Alice", "Bob"))
    assert letter_of(letter.kind, letter.facts).action[1] == "/office/queries/?who=team"


def test_a_query_of_which_the_lecturer_cannot_say_is_the_teams_at_once(marked: House):
    team = marked.person(Role.ATTENDANCE_TEAM)
    query = raise_query(marked.past, marked.bob, at=NINE + timedelta(hours=1))
    tell(queries.TOPIC, at=FIVE)
    assert told(team) == []
    cannot_say(query, act=act(marked.ada, FIVE))
    for _ in range(2):
        tell(queries.TOPIC, at=FIVE + timedelta(minutes=1))
    assert told(team) == ["1 query is now yours to answer"]


def test_ones_own_query_is_nothing_to_answer(marked: House):
    RoleGrant.objects.create(person=marked.alice, role=Role.ATTENDANCE_TEAM)
    raise_query(marked.past, marked.alice, at=NINE)
    tell(queries.TOPIC, at=NINE + timedelta(days=4))
    assert told(marked.alice) == []


def test_what_is_told_and_answered_is_forgotten(marked: House):
    query = raise_query(marked.past, marked.alice, at=NINE)
    tell(queries.TOPIC, at=NINE + timedelta(days=4))
    assert Processed.objects.filter(source="query_team").count() == 1
    answer_query(query, by=marked.ada, at=NINE + timedelta(days=4), reason="No")
    tell(queries.TOPIC, at=NINE + timedelta(days=4))
    assert Processed.objects.filter(source="query_team").count() == 0


def test_what_a_kiosk_took_back_at_once_is_told_to_nobody(marked: House):
    opening = open_checkin(marked.past, by=marked.ada, at=NINE)
    kiosk = kiosks.open_kiosk(opening, by=marked.ada, at=NINE).kiosk
    kiosks.enter(kiosk, marked.bob.number, at=NINE)
    assert kiosks.take_back(kiosk, at=NINE) == marked.bob
    assert tell(marks.TOPIC, at=FIVE) == 0


def test_a_first_mark_that_is_undone_is_told_to_nobody(marked: House):
    """It was told to nobody either; and closing may have given another since."""
    mark_students(marked.past, [marked.bob], Status.ABSENT, by=marked.ada, at=NINE + timedelta(minutes=1))
    close_registers([marked.past], at=NINE + timedelta(hours=2))
    act, _ = undoable(marked.past, marked.ada, at=NINE + timedelta(hours=3))
    undo(marked.past, act[-1].pk, by=marked.ada, at=NINE + timedelta(hours=3))
    assert tell(marks.TOPIC, at=FIVE) == 0


# Registers


def test_a_class_without_its_code_asks_its_lecturer_once(house: House):
    now = house.session(house.l1, starts_at=NINE, staff=[house.ada])
    assert tell(registers.TOPIC, at=NINE + rules.NO_CODE_AFTER - timedelta(seconds=1)) == 0
    assert tell(registers.TOPIC, at=NINE + rules.NO_CODE_AFTER) == 1
    assert tell(registers.TOPIC, at=NINE + timedelta(minutes=30)) == 0
    assert told(house.ada) == ["Algorithms has begun: show the code?"]
    assert Message.objects.get().useful_until == now.ends_at


@pytest.mark.parametrize("sign", ["screen", "mark", "headcount", "cancelled", "over"])
def test_a_class_with_any_sign_of_a_register_is_left_in_peace(house: House, sign: str):
    now = house.session(house.l1, starts_at=NINE, staff=[house.ada])
    at = NINE + timedelta(minutes=10)
    if sign == "screen":
        add_display(open_checkin(now, by=house.ada, at=NINE), by=house.ada, at=NINE)
    elif sign == "mark":
        mark_students(now, [house.alice], Status.PRESENT, by=house.ada, at=NINE)
    elif sign == "headcount":
        count_heads(now, 2, by=house.ada, at=NINE)
    elif sign == "cancelled":
        cancel_class(now, at=NINE, actor="system:feed")
    else:
        at = now.ends_at
    assert tell(registers.TOPIC, at=at) == 0


def test_registers_nobody_took_are_one_message_in_the_evening(house: House):
    for hour in (0, 1):
        close_registers([house.session(house.l1, starts_at=NINE + timedelta(hours=hour), staff=[house.ada])], at=NINE)
    after = FIVE + timedelta(minutes=1)  # both classes are over
    assert tell(registers.TOPIC, at=FIVE - timedelta(hours=1)) == 0
    assert tell(registers.TOPIC, at=after) == 1
    assert tell(registers.TOPIC, at=after) == 0
    assert told(house.ada) == ["No register was taken in 2 classes"]


# How far was read


def test_a_row_that_becomes_visible_late_is_not_skipped(marked: House):
    """On PostgreSQL a row with a lower id may be committed after one with a higher id was read and told."""
    amend(marked, Status.PRESENT, at=NINE + timedelta(hours=1))
    late = MarkChange.objects.get(after="present")
    kept = {field.attname: getattr(late, field.attname) for field in MarkChange._meta.concrete_fields}
    with connection.cursor() as cursor:  # as if it were not committed yet
        cursor.execute("DELETE FROM adsum_markchange WHERE id = %s", [late.pk])
    mark_students(marked.past, [marked.bob], Status.ABSENT, by=marked.ada, at=NINE + timedelta(minutes=1))
    amend(marked, Status.PRESENT, at=NINE + timedelta(hours=2), student=marked.bob)
    assert tell(marks.TOPIC, at=FIVE) == 1
    MarkChange.objects.bulk_create([MarkChange(**kept)])
    tell(marks.TOPIC, at=FIVE + OVERLAP / 2)
    assert told(marked.alice) == ["Your mark in Algorithms has changed: Present"]


def test_the_cursor_moves_on_and_forgets_what_is_done(marked: House):
    amend(marked, Status.PRESENT, at=NINE + timedelta(hours=1))
    for hours in range(4):
        tell(marks.TOPIC, at=FIVE + hours * OVERLAP)
    cursor = Cursor.objects.get(source="mark_change")
    assert cursor.row == cursor.seen > 0
    assert Processed.objects.count() == 0
    assert len(told(marked.alice)) == 1


def test_the_cursor_waits_for_what_is_not_told_yet(marked: House):
    amend(marked, Status.PRESENT, at=NINE)
    for hours in range(4):
        tell(marks.TOPIC, at=NINE + hours * OVERLAP)
    assert told(marked.alice) == []
    tell(marks.TOPIC, at=FIVE)
    assert len(told(marked.alice)) == 1


# Times

FIRST, LAST = datetime(2026, 1, 1), datetime(2027, 12, 31)  # noqa: DTZ001 - the zone comes with the strategy
INSTANTS = st.datetimes(FIRST, LAST, timezones=st.just(UTC))


@given(INSTANTS)
def test_every_change_is_told_within_a_day_and_in_the_day(changed_at: datetime):
    slot = rules.digest_at(changed_at, LONDON)
    assert timedelta(0) <= slot - changed_at <= timedelta(hours=13)
    assert slot.astimezone(LONDON).time() in DIGESTS
    if changed_at.astimezone(LONDON).time() <= DIGESTS[-1]:
        assert slot.astimezone(LONDON).date() == changed_at.astimezone(LONDON).date(), "the same day"


@given(INSTANTS)
def test_nobody_is_woken(at: datetime):
    morning = rules.awake(at, LONDON)
    assert not rules.is_night(morning, LONDON)
    assert timedelta(0) <= morning - at <= timedelta(hours=11)
    assert (morning == at) == (not rules.is_night(at, LONDON))


@pytest.mark.parametrize(("hour", "night"), [(0, True), (6, True), (7, False), (20, False), (21, True), (23, True)])
def test_the_night(hour: int, night: bool):
    assert rules.is_night(datetime(2026, 7, 1, hour, tzinfo=ZoneInfo("Europe/London")), LONDON) is night


def test_no_two_kinds_have_one_name():
    assert len(KINDS) == 1 + sum(len(topic.kinds) for topic in TOPICS.values()), "and the week's letter"


def test_every_status_and_every_reason_has_its_words():
    assert set(STATUSES) == set(Status)
    assert set(REASONS) == set(Reason)

"""A student's own pages: today, the record, why each mark is what it is, and "I was there"."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.closing import close_registers
from adsum.attendance.models import Mark, Query
from adsum.attendance.queries import raise_query
from adsum.attendance.rules import Reason, Status
from adsum.checkin.models import Scan
from adsum.checkin.rules import Refusal
from adsum.checkin.services import open_checkin
from adsum.checkin.writer import record_scans
from adsum.timetable.changes import Wanted, change_class
from adsum.timetable.models import ClassChange, ClassSession, Group, Room
from adsum.timetable.services import facts_json, facts_of
from tests.kit.marking import decide_held, mark_students
from tests.kit.reading import words
from tests.kit.scans import attempt
from tests.kit.world import NINE, World

MINUTE, HOUR, DAY, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
TODAY, RECORD = "/today/", "/record/"


@pytest.fixture
def group(world: World) -> Group:
    return world.group(world.module("Algorithms", code="CS201"))


@pytest.fixture
def student(world: World, group: Group) -> Person:
    return world.student("Gŵyneth Llŷr", groups=[group])


@pytest.fixture
def lecturer(world: World) -> Person:
    return world.lecturer("Elin Marsh")


@pytest.fixture
def look(client: Client, student: Person) -> Iterator[Callable[..., str]]:
    """The words of a page, as the student sees it at that instant."""
    with time_machine.travel(NINE, tick=False) as clock:

        def seen(url: str, at: datetime = NINE) -> str:
            clock.move_to(at)
            client.force_login(student)
            answer = client.get(url)
            assert answer.status_code == 200
            return words(answer.content.decode())

        yield seen


def scan(session: ClassSession, student: Person, at: datetime, by: Person, *, late: bool = False, **fields: object) -> Scan:
    """A scan of an open class, as the gate would have written it."""
    opening = open_checkin(session, by=by, at=session.starts_at - MINUTE)
    minutes = int((at - session.starts_at) / MINUTE) if late else 0
    one = attempt(opening, student, first_seen_at=at, finished_at=at, late=late, minutes_late=minutes, **fields)
    record_scans([one])
    return Scan.objects.get(ref=one.ref)


# Today


def test_the_class_now_and_the_next_come_first(world: World, group: Group, look: Callable[..., str]):
    world.session(group, starts_at=NINE, title="Graphs")
    world.session(group, starts_at=NINE + 2 * HOUR, title="Trees", room="B1.12")
    world.session(group, starts_at=NINE + 4 * HOUR, title="Heaps")
    world.session(group, starts_at=NINE - 2 * HOUR, title="Lists")
    world.session(group, starts_at=NINE + DAY, title="Sorting")
    page = look(TODAY, NINE + 5 * MINUTE)
    assert re.findall(r"Graphs|Trees|Heaps|Lists|Sorting", page) == ["Graphs", "Trees", "Heaps", "Lists", "Sorting"]
    assert "Graphs Lecture · C2.01 Now" in page
    assert "Trees Lecture · B1.12 Next Check-in opens at 10:50" in page
    assert "Tomorrow 09:00 Sorting" in page


@pytest.mark.parametrize(
    ("minutes", "opened", "said"),
    [
        (-20, False, "Check-in opens at 08:50"),
        (2, False, "Check-in starts when your lecturer shows the code."),
        (2, True, "Open until 09:15, then late until 09:30. Scan the code on the screen, or type it. Check in"),
        (16, True, "Late until 09:30. Scan the code on the screen, or type it. Check in"),
        (31, True, "Check-in has closed, and you have no mark yet. I was there"),
    ],
)
def test_how_check_in_stands(
    world: World, group: Group, lecturer: Person, look: Callable[..., str], minutes: int, opened: bool, said: str
):
    session = world.session(group, staff=[lecturer])
    if opened:
        open_checkin(session, by=lecturer, at=NINE - MINUTE)
    assert said in look(TODAY, NINE + minutes * MINUTE)


def test_once_in_the_page_says_when(world: World, group: Group, student: Person, lecturer: Person, look: Callable[..., str]):
    scan(world.session(group), student, NINE + 3 * MINUTE, lecturer)
    page = look(TODAY, NINE + 5 * MINUTE)
    assert "Checked in at 09:03 Present" in page
    assert "Scan the code" not in page


def test_a_cancelled_class_stays_on_the_list_and_asks_for_nothing(world: World, group: Group, look: Callable[..., str]):
    world.session(group, status="cancelled", title="Graphs", starts_at=NINE + HOUR)
    page = look(TODAY)
    assert "Graphs Lecture · C2.01 Cancelled" in page
    assert "Check-in" not in page


def test_a_class_that_moved_says_from_where(world: World, group: Group, look: Callable[..., str]):
    session = world.session(group, starts_at=NINE + HOUR, room="C3.04")
    now = facts_json(facts_of(session)) or {}
    ClassChange.objects.create(
        session=session,
        version=2,
        at=NINE - DAY,
        change="moved",
        actor="system:test",
        after=now,
        before={**now, "rooms": ["C2.01"], "starts_at": (NINE + 3 * HOUR).isoformat()},
    )
    page = look(TODAY)
    assert "C3.04 Next Moved, was 12:00 Room changed, was C2.01" in page
    assert "changed" not in look(TODAY, NINE + 6 * DAY + 20 * HOUR)


def test_a_room_with_a_new_name_is_the_same_room(world: World, group: Group, look: Callable[..., str]):
    session, times = world.session(group, starts_at=NINE + 2 * HOUR, room="C3.04"), (NINE + HOUR, NINE + 2 * HOUR)
    change_class(session, Wanted(times=times), by=world.person(Role.TIMETABLING), at=NINE, final=True)
    Room.objects.filter(name="C3.04").update(name="Ada Hall")
    page = look(TODAY)
    assert "Ada Hall Next Moved, was 11:00" in page
    assert "Room changed" not in page


@pytest.mark.parametrize(("delivery", "said"), [("remote", "Remote"), ("hybrid_optional", "In the room or remote")])
def test_how_a_class_is_taught(world: World, group: Group, look: Callable[..., str], delivery: str, said: str):
    world.session(group, delivery=delivery, mandatory=False)
    assert f"Now {said} Optional" in look(TODAY)


def test_a_free_day_says_what_comes_next(world: World, group: Group, look: Callable[..., str]):
    world.session(group, starts_at=NINE + 2 * DAY, title="Trees", room="B1.12")
    assert "No classes today Your next class is Trees, Wednesday at 09:00, B1.12." in look(TODAY)


def test_an_empty_week_says_whom_to_ask(look: Callable[..., str]):
    page = look(TODAY)
    assert "No classes this week" in page
    assert "ask your department which group you are in" in page
    assert "No class has counted in the last four weeks." in page


# How am I doing?


@pytest.fixture
def term(world: World, group: Group, student: Person, lecturer: Person) -> list[ClassSession]:
    """Eight Mondays before: six that count or not for a reason each, two more that came to nothing."""
    lessons = [world.session(group, starts_at=NINE - n * DAY, staff=[lecturer]) for n in range(1, 8)]
    present, late, absent, not_observed, cancelled, authorised, optional = lessons
    scan(present, student, present.starts_at + 3 * MINUTE, lecturer)
    scan(late, student, late.starts_at + 17 * MINUTE, lecturer, late=True)
    world.student("Someone Else", groups=[group])
    scan(absent, world.student(groups=[group]), absent.starts_at, lecturer)
    close_registers([absent], at=absent.ends_at + HOUR)
    close_registers([not_observed], at=not_observed.ends_at + DAY)
    ClassSession.objects.filter(pk=cancelled.pk).update(status="cancelled")
    mark_students(authorised, [student], Status.AUTHORISED, by=lecturer, at=authorised.ends_at)
    ClassSession.objects.filter(pk=optional.pk).update(mandatory=False)
    scan(optional, student, optional.starts_at, lecturer)
    return lessons


def test_the_sum_says_what_it_counts_and_what_it_leaves_out(term: list[ClassSession], look: Callable[..., str]):
    page = look(TODAY)
    assert "You attended 2 of 3 classes in the last four weeks." in page
    assert "Left out of the sum: 1 cancelled, 1 not observed, 1 authorised absence, 1 optional." in page
    assert "You attended 2 of 3 classes. Left out: 1 cancelled" in look(RECORD)


def test_a_missed_class_does_not_count_while_it_is_under_query(
    term: list[ClassSession], student: Person, look: Callable[..., str]
):
    """Pitfall 23: warned, while the mark was in doubt."""
    raise_query(term[2], student, at=NINE)
    page = look(TODAY)
    assert "You attended 2 of 2 classes in the last four weeks." in page
    assert "1 under query" in page


def test_classes_older_than_four_weeks_are_not_in_the_sum(term: list[ClassSession], look: Callable[..., str]):
    assert "You attended 2 of 3 classes" in look(TODAY, NINE + 3 * WEEK)
    assert "No class has counted in the last four weeks." in look(TODAY, NINE + 4 * WEEK)


def test_one_class_is_said_as_one(world: World, group: Group, student: Person, lecturer: Person, look: Callable[..., str]):
    scan(world.session(group, starts_at=NINE - DAY), student, NINE - DAY, lecturer)
    assert "You attended 1 of 1 class in the last four weeks." in look(TODAY)


# The record


def test_the_record_opens_by_module(term: list[ClassSession], world: World, student: Person, look: Callable[..., str]):
    other = world.group(world.module("Zoology", code="ZO1"))
    world.place(student, other)
    world.session(other, starts_at=NINE - DAY)
    page = look(RECORD)
    assert page.index("Algorithms CS201") < page.index("Zoology ZO1")
    assert "Zoology ZO1 No class has counted yet. Left out: 1 not marked yet" in page


def test_a_module_says_why_each_mark_is_what_it_is(term: list[ClassSession], group: Group, look: Callable[..., str]):
    page = look(reverse("student_module", args=[group.module_id]))
    for session, why in zip(
        term,
        [
            "You scanned at 09:03. Scans until 09:15 count as present. Present",
            "You scanned at 09:17. Scans from 09:15 until 09:30 count as late. Late counts as attended. Late, 17 min",
            "The register was taken, and when it closed there was neither a scan nor a mark for you. Absent",
            "No register was taken in this class, so it counts for nobody. Not observed",
            "This class was cancelled, so it counts for nobody. Cancelled",
            "Elin Marsh set it by hand on 17 November, 10:00. It is left out of your sum. Authorised absence",
            "You scanned at 09:00. Scans until 09:15 count as present. The class is optional, so it is left out of your sum.",
        ],
        strict=True,
    ):
        assert f"{session.starts_at:%a} {session.starts_at.day} Nov, 09:00 Lecture · C2.01 {why}" in page


def test_an_amended_mark_says_who_and_why(
    term: list[ClassSession], student: Person, lecturer: Person, look: Callable[..., str]
):
    mark_students(
        term[2], [student], Status.PRESENT, by=lecturer, at=NINE, reason_code=Reason.SCAN_TROUBLE, reason="Seen in row 3"
    )
    page = look(reverse("student_class", args=[term[2].ref]))
    assert "Elin Marsh set it by hand on 23 November, 09:00. The reason: Trouble with scanning: Seen in row 3." in page
    assert "Absent became Present 23 November 2026, 09:00 · Elin Marsh · by hand" in page
    assert "Adsum · closing the register" in page
    assert "Is this wrong?" not in page


def test_a_refused_and_a_held_scan_are_on_the_page_of_their_class(
    world: World, group: Group, student: Person, lecturer: Person, look: Callable[..., str]
):
    session = world.session(world.group(), starts_at=NINE)
    url = reverse("student_class", args=[session.ref])
    mine = world.session(group, starts_at=NINE)
    scan(mine, student, NINE + 40 * MINUTE, lecturer, verdict=Refusal.CLOSED)
    assert "What you tried 09:40 Check-in for this class has closed" in look(reverse("student_class", args=[mine.ref]))
    held = scan(session, student, NINE + 2 * MINUTE, lecturer, verdict=Refusal.NOT_EXPECTED)
    raise_query(session, student, at=NINE + 3 * MINUTE)
    assert (
        "09:02 You are not on this class’s list Your scan waits for your lecturer: you are not on this class’s list."
        in look(url)
    )
    decide_held(held, accept=True, by=lecturer, at=NINE + 5 * MINUTE)
    page = look(url)
    assert "Your lecturer accepted it." in page
    assert "Attended another group" in page
    assert "It counts as attended, like your own group’s class." in page


def test_nothing_yet_is_said_kindly(look: Callable[..., str]):
    assert "Nothing to show yet" in look(RECORD)


def test_a_module_before_its_first_class(world: World, group: Group, look: Callable[..., str]):
    world.session(group, starts_at=NINE + WEEK)
    assert "No class has taken place yet" in look(reverse("student_module", args=[group.module_id]))


# Only one's own


@pytest.mark.parametrize("who", ["another student", "a lecturer of the class", "the attendance team"])
def test_nobody_else_finds_these_pages(
    client: Client, world: World, group: Group, term: list[ClassSession], lecturer: Person, who: str
):
    person = {
        "another student": world.student,
        "a lecturer of the class": lambda: lecturer,
        "the attendance team": lambda: world.person(Role.ATTENDANCE_TEAM),
    }[who]()
    client.force_login(person)
    own = [reverse("student_class", args=[term[0].ref]), reverse("student_module", args=[group.module_id])]
    assert [client.get(url).status_code for url in own] == [404, 404]
    assert client.post(reverse("student_query", args=[term[2].ref])).status_code == 404
    expected = 200 if who == "another student" else 404
    assert [client.get(url).status_code for url in (TODAY, RECORD)] == [expected, expected]
    assert not Query.objects.exists()


def test_a_group_left_before_the_class_is_not_on_the_record(
    client: Client, world: World, group: Group, look: Callable[..., str]
):
    """Pitfall 21: a group move rewrites history."""
    left = world.student()
    world.place(left, group, ends_on=(NINE - DAY).date())
    session = world.session(group)
    client.force_login(left)
    assert client.get(reverse("student_class", args=[session.ref])).status_code == 404


# "I was there"


def test_three_taps_put_a_mark_under_query(
    term: list[ClassSession], client: Client, group: Group, student: Person, look: Callable[..., str]
):
    missed = term[2]
    assert f"/record/modules/{group.module_id}/" in client_page(client, student, RECORD)
    assert f"/record/classes/{missed.ref}/" in client_page(client, student, f"/record/modules/{group.module_id}/")
    answer = client.post(reverse("student_query", args=[missed.ref]), {"text": " My phone was empty "}, follow=True)
    page = words(answer.content.decode())
    assert "Your lecturer will see it. Until someone answers, your mark is under query." in page
    assert "Absent Under query" in page
    assert "You asked about this mark On 23 November, 09:00." in page
    query = Query.objects.get()
    assert (query.student, query.session, query.state) == (student, missed, "open")
    assert query.text == "My phone was empty"
    assert Mark.objects.get(session=missed, student=student).status == Status.ABSENT


def client_page(client: Client, student: Person, url: str) -> str:
    client.force_login(student)
    return client.get(url).content.decode()


def test_asking_twice_asks_once(term: list[ClassSession], client: Client, look: Callable[..., str]):
    look(TODAY)
    url = reverse("student_query", args=[term[2].ref])
    client.post(url)
    answer = client.post(url, {"text": "again"}, follow=True)
    assert "You have already asked about this mark." in words(answer.content.decode())
    assert Query.objects.count() == 1


@pytest.mark.parametrize(
    ("lesson", "days", "may"),
    [(2, 7 - 3 - 1, True), (2, 7 - 3 + 1, False), (1, 1, True), (0, 1, False), (4, 1, False)],
    ids=["missed, in time", "missed, a week later", "late", "present", "cancelled"],
)
def test_when_a_mark_can_be_queried(
    term: list[ClassSession], client: Client, look: Callable[..., str], lesson: int, days: int, may: bool
):
    url = reverse("student_class", args=[term[lesson].ref])
    assert ("Is this wrong?" in look(url, NINE + days * DAY)) is may
    answer = client.post(f"{url}query/", follow=True)
    assert ("This mark can no longer be queried here." in words(answer.content.decode())) is not may
    assert Query.objects.exists() is may


def test_the_last_moment_of_a_query_is_a_week_after_the_end_of_the_class(term: list[ClassSession], look: Callable[..., str]):
    missed = term[2]
    url = reverse("student_class", args=[missed.ref])
    assert "Is this wrong?" in look(url, missed.ends_at + WEEK - timedelta(seconds=1))
    assert "Is this wrong?" not in look(url, missed.ends_at + WEEK)


def test_an_answer_is_shown_with_who_gave_it(
    term: list[ClassSession], student: Person, lecturer: Person, look: Callable[..., str]
):
    query = raise_query(term[2], student, at=NINE)
    query.state, query.answer, query.answered_by, query.answered_at = "declined", "Row 3 was empty.", lecturer, NINE + HOUR
    query.save()
    page = look(reverse("student_class", args=[term[2].ref]), NINE + 2 * HOUR)
    assert "Your query was declined Row 3 was empty. Elin Marsh, 23 November, 10:00" in page


# What a page costs


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize(("which", "queries"), [(TODAY, 16), (RECORD, 11), ("module", 12), ("class", 21)])
def test_pages_cost_the_same_for_one_class_as_for_three(
    client: Client,
    world: World,
    group: Group,
    student: Person,
    lecturer: Person,
    django_assert_num_queries: Callable[..., AbstractContextManager[object]],
    rows: int,
    which: str,
    queries: int,
):
    with time_machine.travel(NINE, tick=False):
        for n in range(rows):
            for starts in (NINE - HOUR - n * DAY, NINE + n * HOUR, NINE + (n + 1) * DAY):
                session = world.session(group, starts_at=starts, staff=[lecturer], room=f"R{n}")
                if starts < NINE:
                    scan(session, student, starts, lecturer)
        first = ClassSession.objects.earliest("starts_at")
        urls = {"module": f"/record/modules/{group.module_id}/", "class": f"/record/classes/{first.ref}/"}
        client.force_login(student)
        client.get(TODAY)
        with django_assert_num_queries(queries):
            assert client.get(urls.get(which, which)).status_code == 200

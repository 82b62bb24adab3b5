"""Changing many marks, or old ones, asks for a fresh proof of who does it; the everyday does not."""

from datetime import timedelta
from typing import Any

import pytest

from adsum.accounts.rules import Role
from adsum.attendance.closing import close_registers
from adsum.attendance.models import Mark, MarkChange, Proposal
from adsum.attendance.queries import raise_query
from adsum.attendance.rules import Reason, Status
from adsum.checkin.rules import Refusal
from adsum.integrations.files.sheets import row_reference
from tests.kit.marking import mark_students
from tests.kit.room import FIVE_PAST, Room, notices
from tests.kit.signing_in import prove
from tests.kit.world import NINE

WHY = {"reason_code": "seen_in_class", "status": "present"}
OLD = NINE + timedelta(days=14, hours=2)


@pytest.fixture
def seven(room: Room) -> list[Any]:
    """Seven students who are marked absent."""
    students = [room.alice, room.bob, room.cara, *(room.world.student(groups=[room.group]) for _ in range(4))]
    mark_students(room.session, students, Status.ABSENT, by=room.lecturer, at=FIVE_PAST)
    return students


@pytest.mark.parametrize(("how_many", "asks"), [(1, False), (5, False), (6, True), (7, True)])
def test_from_the_sixth_mark(room: Room, seven: list[Any], how_many: int, asks: bool) -> None:
    chosen = [student.ref for student in seven[:how_many]]
    answer = room.client.post(room.url("amend_marks"), {"student": chosen, **WHY})
    assert answer.status_code == (403 if asks else 302)
    assert Mark.objects.filter(status=Status.PRESENT).count() == (0 if asks else how_many)
    if asks:
        page = answer.content.decode()
        assert all(f'name="student" value="{ref}"' in page for ref in chosen), "nothing chosen is lost"
        prove(room.client)
        assert room.client.post(room.url("amend_marks"), {"student": chosen, **WHY}).status_code == 302
        assert Mark.objects.filter(status=Status.PRESENT).count() == how_many


@pytest.mark.parametrize(("later", "asks"), [(timedelta(0), False), (timedelta(days=1), True)])
def test_after_fourteen_days_even_one(room: Room, seven: list[Any], later: timedelta, asks: bool) -> None:
    room.sign_in(room.world.person(Role.ATTENDANCE_TEAM), OLD - timedelta(hours=1, seconds=1) + later)
    answer = room.client.post(room.url("amend_marks"), {"student": [seven[0].ref], **WHY})
    assert (answer.status_code == 403) is asks


def test_who_may_not_do_it_is_refused_before_anything_is_asked(room: Room, seven: list[Any]) -> None:
    room.sign_in(room.lecturer, OLD + timedelta(days=1))
    assert "Ask the attendance team" in notices(room.post("amend_marks", student=[seven[0].ref], **WHY))


@pytest.mark.parametrize(("how_many", "asks"), [(5, False), (6, True)])
def test_late_marks_timed_again_are_changes_too(room: Room, seven: list[Any], how_many: int, asks: bool) -> None:
    """The same status, another time: so many are asked about like any others."""
    late: dict[str, Any] = {"reason_code": Reason.SEEN_IN_CLASS, "seen_at": NINE + timedelta(minutes=20)}
    mark_students(room.session, seven, Status.LATE, by=room.lecturer, at=NINE + timedelta(minutes=21), **late)
    room.sign_in(room.lecturer, NINE + timedelta(minutes=30))
    form = {"student": [one.ref for one in seven[:how_many]], **WHY, "status": "late", "arrived": "09:25"}
    assert room.client.post(room.url("amend_marks"), form).status_code == (403 if asks else 302)
    assert Mark.objects.filter(minutes_late=25).count() == (0 if asks else how_many)
    if asks:
        prove(room.client)
        assert room.client.post(room.url("amend_marks"), form).status_code == 302
        assert Mark.objects.filter(minutes_late=25).count() == how_many


def test_an_old_query_is_declined_without_and_granted_with(room: Room, seven: list[Any]) -> None:
    queries = [raise_query(room.session, student, at=FIVE_PAST) for student in seven[:2]]
    room.sign_in(room.lecturer, OLD + timedelta(days=1))
    grant = room.client.post(room.url("answer_query", queries[0].ref), {"status": "present", "reason": "Seen"})
    stays = room.client.post(room.url("answer_query", queries[1].ref), {"status": "stays", "reason": "Not seen"})
    assert (grant.status_code, stays.status_code) == (403, 302)
    prove(room.client)
    assert (
        room.client.post(room.url("answer_query", queries[0].ref), {"status": "present", "reason": "Seen"}).status_code == 302
    )
    assert Mark.objects.get(student=seven[0]).status == Status.PRESENT


def test_a_form_that_is_wrong_is_put_right_first(room: Room, seven: list[Any]) -> None:
    answer = room.client.post(room.url("amend_marks"), {"student": [s.ref for s in seven], "status": "present"})
    assert answer.status_code == 422


@pytest.mark.parametrize(("rows", "asks"), [(5, False), (6, True)])
def test_a_sheet_that_changes_more_than_five_marks(room: Room, seven: list[Any], rows: int, asks: bool) -> None:
    typed = {
        "action": "typed",
        "reference": [row_reference(room.session, student) for student in seven[:rows]],
        "status": ["present"] * rows,
        "arrived": [""] * rows,
    }
    shown = room.client.post(room.url("class_sheet"), typed).context
    done = {"action": "apply", "kept": shown["kept"], "digest": shown["plan"].digest}
    assert room.client.post(room.url("class_sheet"), done).status_code == (403 if asks else 302)
    assert Mark.objects.filter(status=Status.PRESENT).count() == (0 if asks else rows)
    if asks:
        prove(room.client)
        assert room.client.post(room.url("class_sheet"), done).status_code == 302
        assert Mark.objects.filter(status=Status.PRESENT).count() == rows


@pytest.mark.parametrize(
    ("first", "later", "how_many", "asks"),
    [
        (True, timedelta(minutes=59), 7, False),  # one's own slip, in the class
        (True, timedelta(hours=1), 5, False),
        (True, timedelta(hours=1), 6, True),
        (False, timedelta(minutes=1), 5, False),
        (False, timedelta(minutes=1), 6, True),
    ],
)
def test_undoing_many_marks(room: Room, seven: list[Any], first: bool, later: timedelta, how_many: int, asks: bool) -> None:
    chosen = [room.world.student(groups=[room.group]) for _ in seven] if first else seven
    at = FIVE_PAST + timedelta(seconds=1)
    mark_students(room.session, chosen[:how_many], Status.LATE, by=room.lecturer, at=at, reason_code=Reason.NO_PHONE)
    room.sign_in(room.lecturer, at + later)
    sent = {"change": MarkChange.objects.latest("pk").pk}
    assert room.client.post(room.url("undo_marks"), sent).status_code == (403 if asks else 302)
    assert Mark.objects.filter(status=Status.LATE).count() == (how_many if asks else 0)
    if asks:
        prove(room.client)
        assert room.client.post(room.url("undo_marks"), sent).status_code == 302
        assert Mark.objects.filter(status=Status.LATE).count() == 0


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_register_leaves_with_a_proof_and_its_empty_form_without(room: Room, form: str) -> None:
    assert room.client.post(room.url("class_register_file", form), {"empty": "1"}).status_code == 200
    assert room.client.post(room.url("class_register_file", form)).status_code == 403
    prove(room.client)
    assert room.client.post(room.url("class_register_file", form)).status_code == 200


@pytest.mark.parametrize(("scans", "asks"), [(5, False), (6, True)])
def test_held_scans_accepted_together(room: Room, seven: list[Any], scans: int, asks: bool) -> None:
    for student in seven[:scans]:
        room.scan(student, Refusal.AMENDED)
    assert room.client.post(room.url("accept_all_held")).status_code == (403 if asks else 302)
    assert Mark.objects.filter(status=Status.PRESENT).count() == (0 if asks else scans)
    if asks:
        prove(room.client)
        assert room.client.post(room.url("accept_all_held")).status_code == 302
        assert Mark.objects.filter(status=Status.PRESENT).count() == scans


def test_an_old_held_scan_and_an_old_rest_are_asked_of_a_colleague(room: Room) -> None:
    scan = room.scan(room.alice, Refusal.SAME_DEVICE)
    close_registers([room.session], at=OLD - timedelta(days=1))
    room.sign_in(room.world.person(Role.ATTENDANCE_TEAM), OLD + timedelta(days=1))
    for post in (
        lambda: room.client.post(f"/held/{scan.ref}/", {"decision": "accept"}, follow=True),
        lambda: room.post("mark_rest"),
    ):
        prove(room.client, NINE)
        assert post().status_code == 403
        prove(room.client)
        assert "A colleague has to confirm this change" in notices(post())
    assert list(Proposal.objects.order_by("pk").values_list("status", flat=True)) == [Status.PRESENT, Status.ABSENT]
    assert set(Mark.objects.values_list("status", flat=True)) == {Status.NOT_OBSERVED}, "nothing has changed yet"


def test_many_held_scans_after_the_close_say_what_to_do(room: Room) -> None:
    students = [room.world.student(groups=[room.group]) for _ in range(21)]
    mark_students(room.session, students, Status.ABSENT, by=room.lecturer, at=FIVE_PAST)
    for student in students:
        room.scan(student, Refusal.AMENDED)
    prove(room.client)
    assert "Accept the scans one by one" in notices(room.post("accept_all_held"))
    assert not Mark.objects.filter(status=Status.PRESENT).exists()


@pytest.mark.parametrize(("queries", "asks"), [(5, False), (6, True)])
def test_queries_upheld_together(room: Room, seven: list[Any], queries: int, asks: bool) -> None:
    refs = [raise_query(room.session, student, at=FIVE_PAST).ref for student in seven[:queries]]
    room.sign_in(room.world.person(Role.ATTENDANCE_TEAM), FIVE_PAST)
    sent = {"query": refs, "status": "present", "reason": "Seen"}
    answer = room.client.post("/office/queries/together/", sent)
    assert answer.status_code == (403 if asks else 302)
    assert Mark.objects.filter(status=Status.PRESENT).count() == (0 if asks else queries)
    if asks:
        prove(room.client)
        assert room.client.post("/office/queries/together/", sent).status_code == 302
        assert Mark.objects.filter(status=Status.PRESENT).count() == queries

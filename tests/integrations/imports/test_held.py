"""A row that cannot be used ends nothing: whoever and whatever it may mean stays as it is until it is put right."""

import pytest

from adsum.accounts.models import Person, RoleGrant
from adsum.timetable.models import Enrolment, Group, GroupStaff, Module, Place
from tests.kit.feeds import Row, bring, enrolment, oneroster, said, table, university, user

pytestmark = pytest.mark.django_db
STUDENTS = 8
WHOLE = university(STUDENTS)


def others(number: int) -> list[Row]:
    """The users of the university but one."""
    return [row for row in WHOLE["users"] if row["sourcedId"] != f"S{number}"]


def referring(number: int, id_: str) -> dict[str, list[Row]]:
    """Roles and places of the university, in which somebody is called otherwise."""
    return {
        name: [{**row, "userSourcedId": id_} if row["userSourcedId"] == f"S{number}" else row for row in WHOLE[name]]
        for name in ("roles", "enrollments")
    }


@pytest.fixture(autouse=True)
def _roster(db: None) -> None:
    bring(oneroster(WHOLE))


def stays_whole() -> None:
    """Everybody is as they were after the first roster."""
    assert not Person.objects.filter(is_active=False).exists()
    assert not RoleGrant.objects.exclude(ends_on=None).exists()
    assert Place.objects.filter(ends_on=None).count() == STUDENTS
    assert GroupStaff.objects.count() == 1


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (user(1, sourcedId="X1", familyName="Married", username="new", email="new@uni.example"), "ambiguous"),
        (user(1, sourcedId="X1", username="", email=""), "blank"),
        (user(1, sourcedId="X1", enabledUser="perhaps", email="new@uni.example"), "choice"),
        (user(1, sourcedId="X1", givenName="x" * 200), "two_ids"),
        (user(1, sourcedId="X1", username="s2", email="s2@uni.example"), "username_twice"),
        (user(1, username="", email=""), "blank"),
    ],
)
def test_a_person_whom_a_row_means_that_cannot_be_used_stays(row: Row, code: str):
    run = bring(oneroster({**WHOLE, **referring(1, row["sourcedId"]), "users": [row, *others(1)]}), confirm=True)
    assert (run.state, code in {code for *_, code in said(run)}) == ("applied", True)
    stays_whole()


def test_the_same_when_places_and_roles_have_other_ids_too():
    again = {**WHOLE, **referring(1, "X1"), "users": [user(1, sourcedId="X1", enabledUser="perhaps"), *others(1)]}
    again["enrollments"] = [{**row, "sourcedId": f"again {row['sourcedId']}"} for row in again["enrollments"]]
    again["roles"] = [{**row, "sourcedId": f"again {row['sourcedId']}"} for row in again["roles"]]
    run = bring(oneroster(again), confirm=True)
    assert run.state == "applied"
    held = Person.objects.get(source_id="S1")
    assert (held.is_active, Place.objects.get(person=held).ends_on, RoleGrant.objects.get(person=held).ends_on) == (
        True,
        None,
        None,
    )


def test_a_person_whom_no_row_means_ends_as_before():
    bring(oneroster({**WHOLE, "users": others(1)}))
    gone = Person.objects.get(source_id="S1")
    assert (gone.is_active, Place.objects.get(person=gone).ends_on is None) == (False, False)


def test_ids_that_lost_their_zeros_are_a_hint_and_end_nobody():
    def with_(id_: str) -> bytes:
        return oneroster(
            {
                **WHOLE,
                "users": [user(9, sourcedId=id_), *WHOLE["users"]],
                "enrollments": [enrolment("E9", "K1", id_), *WHOLE["enrollments"]],
            }
        )

    bring(with_("007"))
    run = bring(with_("7"))
    assert run.state == "applied"
    hint = run.problems.get(code="zeros")
    assert (hint.file, hint.message.split("?")[0]) == ("users.csv", "7 is not known; did you mean 007")
    assert Person.objects.get(source_id="007").is_active
    assert Place.objects.filter(person__source_id="007", ends_on=None).exists()


def test_a_group_or_module_whose_row_cannot_be_used_stays_under_its_old_id():
    classes = [{**WHOLE["classes"][0], "sourcedId": "K9", "title": ""}, *WHOLE["classes"][1:]]
    courses = [{**WHOLE["courses"][0], "sourcedId": "C9", "title": ""}, *WHOLE["courses"][1:]]
    bring(oneroster({**WHOLE, "classes": classes}), confirm=True)
    bring(oneroster({**WHOLE, "courses": courses}), confirm=True)
    assert not Group.objects.exclude(ended_on=None).exists()
    assert not Module.objects.exclude(ended_on=None).exists()


def test_a_student_whose_new_place_cannot_be_used_keeps_the_old_one():
    moved = [enrolment("M1", "K99", "S1"), *(row for row in WHOLE["enrollments"] if row["userSourcedId"] != "S1")]
    run = bring(oneroster({**WHOLE, "enrollments": moved}), confirm=True)
    assert said(run) == [("enrollments.csv", 2, "unknown")]
    stays_whole()


# Numbers that lost the zeros they begin with


def test_a_roster_that_would_take_the_zeros_from_numbers_asks():
    run = bring(oneroster({**WHOLE, "users": [user(n, identifier=str(n)) for n in range(1, STUDENTS + 1)]}), confirm=False)
    assert "In users.csv the numbers of 8 people have lost or gained leading zeros" in run.stop_reason
    assert "1 is not known; did you mean 00000001?" in run.stop_reason
    assert Person.objects.get(source_id="S1").number == "00000001"


def test_a_roster_that_would_give_many_other_numbers_asks_and_one_is_no_question():
    one = [user(1, identifier="55"), *others(1)]
    assert bring(oneroster({**WHOLE, "users": one})).state == "applied"
    many = [user(n, identifier=f"A{n}") for n in range(1, STUDENTS + 1)] + WHOLE["users"][STUDENTS:]
    run = bring(oneroster({**WHOLE, "users": many}))
    assert run.stop_reason.startswith("users.csv would give 8 of 9 people different numbers (A1 instead of 55, for example).")


ENROLMENTS = "student,course,status,starts_on"
ROLES = "person,role"


def enrolled(*students: str) -> bytes:
    return table(
        ENROLMENTS, [dict(zip(ENROLMENTS.split(","), [s, "BSC", "current", "2026-09-21"], strict=True)) for s in students]
    )


@pytest.mark.parametrize(("lost", "left"), [("1", "2"), ("01", "00000002")])
def test_a_number_without_its_zeros_is_a_hint_in_every_table(lost: str, left: str):
    bring(enrolled("00000001", "00000002"))
    run = bring(enrolled(lost, "00000002"))
    assert [problem.message.split("?")[0] for problem in run.problems.filter(code="zeros")] == [
        f"{lost} is not known; did you mean 00000001"
    ]
    assert Enrolment.objects.filter(ends_on=None).count() == 2, "nothing ends"
    roles = table(ROLES, [{"person": "00000001", "role": "tutor"}, {"person": "00000002", "role": "tutor"}])
    bring(roles, roles=True)
    run = bring(table(ROLES, [{"person": lost, "role": "tutor"}, {"person": left, "role": "tutor"}]), roles=True)
    assert run.problems.filter(code="zeros").exists()
    assert RoleGrant.objects.filter(role="tutor", ends_on=None).count() == 2


def test_roles_that_ended_long_ago_do_not_make_the_stop_blind():
    people = [{"person": f"{n:08d}", "role": "tutor"} for n in range(1, STUDENTS + 1)]
    bring(table(ROLES, people), roles=True)
    bring(table(ROLES, people[:2]), roles=True, confirm=True)
    assert "would remove 1 of 2 rows" in bring(table(ROLES, people[:1]), roles=True).stop_reason

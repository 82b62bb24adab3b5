"""Trying a version against a term: the sums, what was known then, and that no student can be picked out of them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.accounts.models import Person
from adsum.attendance.rules import Status
from adsum.engagement.models import Alert, RuleTrial
from adsum.engagement.rules import Rule
from adsum.engagement.small_numbers import FEWEST, gathered, hidden
from adsum.engagement.trials import begin_trial, run_trial
from adsum.engagement.versions import make_version
from adsum.messages.models import Message
from adsum.timetable.models import Term
from tests.kit.alerted import DAY, Missing
from tests.kit.marking import mark_students
from tests.kit.seen import BELOW, NUDGE
from tests.kit.world import NINE


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [
        ([0, 5, 9], [0, 5, 9]),
        ([3, 4, 9], [None, None, 9]),
        ([3, 6, 9], [None, None, 9]),  # else 3 could be worked out from the total
        ([3, 0, 0], [None, 0, 0]),
        ([], []),
    ],
)
def test_small_numbers_are_hidden(numbers: list[int], shown: list[int | None]) -> None:
    assert hidden(numbers) == shown


@given(st.lists(st.integers(0, 60), max_size=8))
def test_no_small_number_can_be_worked_out(numbers: list[int]) -> None:
    shown = hidden(numbers)
    assert all(number is None or number == 0 or number >= FEWEST for number in shown)
    missing = [number for number, seen in zip(numbers, shown, strict=True) if seen is None]
    assert len(missing) != 1 or sum(numbers) == missing[0]


def test_small_groups_are_added_up() -> None:
    groups = {("A", "4"): [10, 5], ("A", "5"): [9, 9], ("B", ""): [1, 0]}
    assert gathered(groups, ("", "")) == {("A", "4"): [10, 5], ("", ""): [10, 9]}


TERM = {"name": "Autumn", "starts_on": NINE.date() - timedelta(days=7), "ends_on": NINE.date() + timedelta(days=11)}


def tried(missing: Missing, *rules: Rule, others: int = 11, week: str = "PAA..") -> RuleTrial:
    """A term in which all of a group of twelve miss Tuesday and Wednesday."""
    together = [missing.alice, *(missing.student(groups=[missing.group_]) for _ in range(others))]
    for one in together[1:]:
        missing.enrol(one)
    sessions = missing.week(week)
    for session in sessions:
        status = Status(session.marks.get(student=missing.alice).status)
        mark_students(session, together[1:], status, by=missing.ada, at=session.ends_at)
    version = make_version(rules, name="New", by=missing.team, at=NINE + 20 * DAY)
    return begin_trial(version, Term.objects.create(**TERM), by=missing.team, at=NINE + 20 * DAY)


@pytest.mark.django_db
def test_a_term_is_replayed_and_only_sums_are_kept(db: None) -> None:
    missing = Missing()
    trial = tried(missing, NUDGE, BELOW, week="PAAA.")
    assert run_trial(pk=trial.pk) == RuleTrial.State.DONE
    trial.refresh_from_db()
    assert (trial.students, trial.looked_at, trial.beside) == (12, 12, missing.version)
    assert trial.result == {
        "sets": 2,
        "total": [12, 12, 12, 0, 0, 12, 12, 0, 0],
        "rows": [{"department": "Computing", "level": "", "students": 12, "reached": [12, 12, 0, 0, 12, 12, 0, 0]}],
    }
    assert not Alert.objects.exists()
    assert not Message.objects.exists()


@pytest.mark.django_db
def test_what_was_put_right_before_it_left_flags_nobody_but_later_it_does(db: None) -> None:
    missing = Missing()
    trial = tried(missing, NUDGE)
    everyone = list(Person.objects.filter(pk__in=missing.classes[1].marks.values("student")))
    put_right = {"by": missing.team, "seen_at": NINE + DAY, "reason_code": "seen_in_class"}
    mark_students(missing.classes[1], everyone[:6], Status.PRESENT, at=NINE + 2 * DAY + timedelta(hours=9), **put_right)  # type: ignore[arg-type]
    mark_students(missing.classes[1], everyone[6:], Status.PRESENT, at=NINE + 8 * DAY, **put_right)  # type: ignore[arg-type]
    run_trial(pk=trial.pk)
    trial.refresh_from_db()
    assert trial.result["total"][:2] == [12, 6]


@pytest.mark.django_db
def test_one_trial_at_a_time_of_a_version_and_term(db: None) -> None:
    missing = Missing()
    trial = tried(missing, NUDGE, others=0)
    again = begin_trial(trial.version, trial.term, by=missing.team, at=NINE + 21 * DAY)
    assert again.pk == trial.pk
    run_trial(pk=trial.pk)
    trial.refresh_from_db()
    assert (trial.result["total"][0], set(trial.result["total"][1:])) == (1, {None, 0})
    assert begin_trial(trial.version, trial.term, by=missing.team, at=NINE + 21 * DAY).pk != trial.pk

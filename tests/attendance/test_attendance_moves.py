"""What may become of a mark: the table, precedence, and what a change by hand still needs. No database."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.attendance.rules import (
    MARKABLE,
    MOVES,
    OF_THE_CLASS,
    Kept,
    Needs,
    Precedence,
    Source,
    Standing,
    Stands,
    Status,
    is_change,
    may_replace,
    needs,
    why_kept,
    why_not,
)
from tests.kit.world import NINE

E, P, L, A = Status.EXPECTED, Status.PRESENT, Status.LATE, Status.ABSENT
ENDS = NINE + timedelta(hours=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STATUSES, SOURCES = st.sampled_from(Status), st.sampled_from(Source)


@pytest.mark.parametrize(
    ("status", "source", "to", "by", "why"),
    [
        (E, None, P, Source.SCAN, None),
        (A, Source.SYSTEM, P, Source.SCAN, None),  # a scan that arrives after the register closed
        (A, Source.IMPORT, L, Source.SCAN, None),
        (A, Source.STAFF, P, Source.SCAN, Stands.BEATEN),
        (Status.AUTHORISED, Source.ABSENCE, P, Source.SCAN, Stands.BEATEN),
        (P, Source.IMPORT, L, Source.SCAN, Stands.NO_MOVE),  # who is in is in
        (E, None, A, Source.SCAN, Stands.NO_MOVE),
        (E, None, A, Source.SYSTEM, None),
        (E, None, P, Source.SYSTEM, Stands.NO_MOVE),  # nobody is present by silence
        (A, Source.SYSTEM, Status.NOT_OBSERVED, Source.SYSTEM, None),  # an outage takes back what closing gave
        (A, Source.STAFF, Status.NOT_OBSERVED, Source.SYSTEM, Stands.BEATEN),
        (Status.NOT_OBSERVED, Source.SYSTEM, A, Source.SYSTEM, Stands.NO_MOVE),
        (A, Source.SYSTEM, Status.AUTHORISED, Source.ABSENCE, None),
        (P, Source.SCAN, Status.AUTHORISED, Source.ABSENCE, Stands.NO_MOVE),  # who came was not absent
        (Status.NOT_OBSERVED, Source.SYSTEM, Status.AUTHORISED, Source.ABSENCE, None),  # its register is completed
        (P, Source.SCAN, Status.SWAPPED, Source.ABSENCE, Stands.NO_MOVE),
        (Status.PENDING, Source.ABSENCE, A, Source.ABSENCE, None),
        (Status.AUTHORISED, Source.ABSENCE, P, Source.STAFF, None),
        (P, Source.STAFF, Status.NOT_OBSERVED, Source.STAFF, Stands.NO_MOVE),
        (P, Source.SCAN, A, Source.IMPORT, Stands.BEATEN),
    ],
)
def test_what_may_become_of_a_mark(status: Status, source: Source | None, to: Status, by: Source, why: Stands | None):
    assert why_not(status=status, source=source, to=to, by=by) == why


def test_every_status_and_every_source_is_in_the_table():
    assert set(MOVES) == set(Source)
    marks = set(Status) - OF_THE_CLASS
    assert set(MOVES[Source.STAFF]) == marks
    for moves in MOVES.values():
        for status, targets in moves.items():
            assert status in marks
            assert targets <= marks - {Status.EXPECTED, status}
    reached = {to for moves in MOVES.values() for targets in moves.values() for to in targets}
    assert reached == marks - {Status.EXPECTED}
    assert all(set(MARKABLE) - {status} <= targets for status, targets in MOVES[Source.STAFF].items())


def test_a_person_outranks_an_absence_outranks_a_scan_outranks_an_import_outranks_the_system() -> None:
    order = [Source.SYSTEM, Source.IMPORT, Source.SCAN, Source.ABSENCE, Source.STAFF]
    for low, current in enumerate(order):
        for high, new in enumerate(order):
            assert may_replace(current=current, new=new) == (high >= low)


@given(STATUSES, SOURCES, STATUSES, SOURCES)
def test_a_person_is_never_overruled_and_may_always_correct(status: Status, source: Source, to: Status, by: Source):
    why = why_not(status=status, source=source, to=to, by=by)
    if source == Source.STAFF and by != Source.STAFF:
        assert why == Stands.BEATEN
    if by == Source.STAFF and to in MARKABLE and to != status and status not in OF_THE_CLASS:
        assert why is None
    if why is None:
        assert Precedence[by.name] >= Precedence[source.name]


@pytest.mark.parametrize(
    ("after", "team", "changing", "reported", "missing"),
    [
        (-HOUR, False, 20, False, None),
        (-HOUR, False, 21, False, Needs.SECOND_PERSON),
        (7 * DAY - HOUR, False, 1, False, None),
        (7 * DAY, False, 1, False, Needs.TEAM),
        (7 * DAY, False, 0, False, None),  # a register nobody took is completed, not amended
        (7 * DAY, True, 1, False, None),
        (14 * DAY - HOUR, True, 20, False, None),
        (14 * DAY - HOUR, True, 21, False, Needs.SECOND_PERSON),
        (14 * DAY, True, 1, False, Needs.SECOND_PERSON),
        (14 * DAY, False, 0, False, Needs.SECOND_PERSON),
        (14 * DAY, False, 1, False, Needs.TEAM),
        (HOUR, False, 1, True, Needs.REPORTED),
        (HOUR, False, 0, True, Needs.REPORTED),
        (HOUR, True, 1, True, None),
        (14 * DAY, True, 1, True, Needs.SECOND_PERSON),
    ],
)
def test_what_a_change_by_hand_still_needs(after: timedelta, team: bool, changing: int, reported: bool, missing: Needs | None):
    given = {"ends_at": ENDS, "amend_hours": 168, "team": team, "changing": changing, "reported": reported}
    assert needs(at=ENDS + after, **given) == missing  # type: ignore[arg-type]


def test_what_a_file_changes_needs_a_second_person_once_the_class_is_over():
    assert needed(-HOUR, from_file=True) is None
    assert needed(timedelta(0), from_file=True) == Needs.SECOND_PERSON
    assert needed(timedelta(0), from_file=True, changing=0) is None, "it completes a register that nobody took"


def needed(after: timedelta, **given: Any) -> Needs | None:
    plain: dict[str, Any] = {"ends_at": ENDS, "amend_hours": 168, "team": True, "changing": 1, "reported": False}
    return needs(at=ENDS + after, **plain | given)


@pytest.mark.parametrize(
    ("after", "changing", "proof"),
    [(-HOUR, 5, False), (-HOUR, 6, True), (14 * DAY - HOUR, 1, False), (14 * DAY, 1, True), (14 * DAY, 0, True)],
)
def test_when_a_person_first_proves_who_they_are(after: timedelta, changing: int, proof: bool):
    assert (needed(after, changing=changing, proved=False) == Needs.PROOF) is proof
    assert needed(after, changing=changing, proved=True) != Needs.PROOF


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"amends": True, "reason": False}, Needs.REASON),
        ({"amends": False, "reason": False}, None),
        ({"changing": 21, "reason": False}, Needs.REASON),  # whoever confirms it reads why
        ({"changing": 20, "reason": False}, None),
    ],
)
def test_who_changes_what_somebody_has_said_gives_a_reason(given: dict[str, Any], missing: Needs | None):
    assert needed(-HOUR, **given) == missing


@pytest.mark.parametrize(
    ("standing", "after", "given", "missing"),
    [
        (Standing.ASKED, 15 * DAY, {"team": False}, None),
        (Standing.ASKED, 15 * DAY, {"team": False, "proved": False}, Needs.PROOF),
        (Standing.ASKED, 15 * DAY, {"team": False, "reported": True}, Needs.REPORTED),
        (Standing.CONFIRMED, 15 * DAY, {"changing": 21}, None),
        (Standing.CONFIRMED, -HOUR, {"proved": False}, Needs.PROOF),  # however little it is
        (Standing.CONFIRMED, 15 * DAY, {"team": False}, Needs.TEAM),
        (Standing.OWN_SLIP, 15 * DAY, {"changing": 21}, None),
        (Standing.OWN_SLIP, -HOUR, {"changing": 6, "proved": False}, Needs.PROOF),
        (Standing.OWN_SLIP, 8 * DAY, {"team": False}, Needs.TEAM),
    ],
)
def test_who_else_stands_behind_a_change(standing: Standing, after: timedelta, given: dict[str, Any], missing: Needs | None):
    assert needed(after, standing=standing, **given) == missing


def test_what_is_missing_is_asked_for_in_one_order():
    """Refused, reason, proof, second person: of any two that are missing the first is said."""
    lacking = {
        Needs.REPORTED: {"reported": True, "team": False},
        Needs.TEAM: {"team": False},
        Needs.REASON: {"reason": False},
        Needs.PROOF: {"proved": False},
        Needs.SECOND_PERSON: {},
    }
    assert list(lacking) == list(Needs)
    every: dict[str, Any] = {"changing": 21, "amends": True}
    for first in Needs:
        assert needed(8 * DAY, **every | lacking[first]) == first
        later = {name: value for one in list(Needs)[list(Needs).index(first) :] for name, value in lacking[one].items()}
        assert needed(8 * DAY, **every | later) == first


@pytest.mark.parametrize(
    ("before", "closed", "changes"),
    [
        ("", False, False),  # a first mark
        ("", True, True),
        (Status.EXPECTED, False, False),
        (Status.EXPECTED, True, True),
        (Status.NOT_OBSERVED, False, False),
        (Status.NOT_OBSERVED, True, False),
        (Status.PRESENT, False, True),
        (Status.ABSENT, True, True),
    ],
)
def test_what_a_change_of_a_register_is(before: str, closed: bool, changes: bool):
    assert is_change(before, closed=closed) is changes


def test_why_a_change_stays_says_the_first_reason():
    for steps, *flags in product((0, 1), *([False, True],) * 5):
        itself, newer, answers, confirmed, alone = flags
        expected = (
            Kept.NOTHING
            if not steps or itself
            else Kept.NEWER
            if newer
            else Kept.ANSWERED
            if answers
            else Kept.CONFIRMED
            if confirmed
            else Kept.ALONE
            if alone
            else None
        )
        told = why_kept(steps=steps, undo_itself=itself, newer=newer, answers=answers, confirmed=confirmed, alone=alone)
        assert told == expected

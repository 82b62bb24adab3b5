"""How attendance is counted, and which policy a class is held to: tables, and properties over many policies."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.attendance.counting import Authorised, Counted, Counting, Terms, Weighting, in_force, tally
from adsum.attendance.presets import PRESETS
from adsum.attendance.rules import Status, Windows
from adsum.checkin.rules import PACES

MINUTES = Counting(weighting=Weighting.MINUTES)


@pytest.mark.parametrize(
    ("marks", "attended", "counted"),
    [
        ([], 0, 0),
        ([Status.PRESENT, Status.ABSENT], 1, 2),
        ([Status.LATE, Status.LEFT_EARLY, Status.OTHER_GROUP, Status.REMOTE], 4, 4),
        ([Status.CANCELLED, Status.NOT_OBSERVED, Status.NOT_EXPECTED, Status.EXPECTED, Status.AUTHORISED], 0, 0),
        ([Status.SWAPPED, Status.OTHER_GROUP], 1, 1),  # two classes, attended once
        ([Status.PENDING, Status.PRESENT], 1, 2),
    ],
)
def test_how_attendance_is_counted(marks: list[Status], attended: int, counted: int) -> None:
    result = tally(Counted(status) for status in marks)
    assert (result.attended, result.counted, result.classes) == (attended, counted, counted)
    assert result.percent == (round(100 * attended / counted, 1) if counted else None)


@pytest.mark.parametrize(
    ("counting", "marks", "attended", "counted"),
    [
        (Counting(authorised=Authorised.AS_PRESENT), [Status.AUTHORISED, Status.ABSENT], 1, 2),
        (Counting(authorised=Authorised.AS_ABSENT), [Status.AUTHORISED, Status.PRESENT], 1, 2),
        (Counting(late_percent=50), [Status.LATE, Status.PRESENT], 1.5, 2),
        (Counting(late_percent=0), [Status.LATE, Status.PRESENT], 1, 2),
        (Counting(remote_counts=False), [Status.REMOTE, Status.PRESENT], 1, 2),
        (Counting(authorised=Authorised.AS_PRESENT), [Status.CANCELLED, Status.NOT_OBSERVED, Status.NOT_EXPECTED], 0, 0),
    ],
)
def test_a_policy_says_how_a_status_counts(counting: Counting, marks: list[Status], attended: float, counted: int) -> None:
    result = tally(Counted(status, counting=counting) for status in marks)
    assert (result.attended, result.counted) == (attended, counted)


def test_optional_classes_never_count() -> None:
    assert tally([Counted(Status.ABSENT, mandatory=False), Counted(Status.PRESENT)]).counted == 1


def test_minutes_are_added_up_only_where_every_class_is_weighted_so() -> None:
    long, short = Counted(Status.PRESENT, minutes=120, counting=MINUTES), Counted(Status.ABSENT, minutes=50, counting=MINUTES)
    by_minutes = tally([long, short])
    assert (by_minutes.attended, by_minutes.counted, by_minutes.weighting) == (120, 170, Weighting.MINUTES)
    mixed = tally([long, short, Counted(Status.PRESENT, minutes=60)])
    assert (mixed.attended, mixed.counted, mixed.weighting) == (2, 3, Weighting.SESSIONS)
    uncounted = tally([long, short, Counted(Status.CANCELLED, minutes=60)])
    assert (uncounted.counted, uncounted.weighting) == (170, Weighting.MINUTES)


@pytest.mark.parametrize(("classes", "enough"), [(0, False), (3, False), (4, True), (5, True)])
def test_a_percentage_of_few_classes_says_little(classes: int, enough: bool) -> None:
    assert tally([Counted(Status.PRESENT)] * classes).enough is enough
    assert tally([Counted(Status.PRESENT, minutes=120, counting=MINUTES)] * classes).enough is enough


def test_nothing_is_the_sum_of_nothing() -> None:
    nothing = tally([])
    assert (nothing.attended, nothing.counted, nothing.classes, nothing.min_events) == (0, 0, 0, 0)
    assert (nothing.percent, nothing.weighting) == (None, Weighting.SESSIONS)


@pytest.mark.parametrize(
    ("terms", "wrong"),
    [
        (Terms(), None),
        (Terms(windows=Windows(0, 15, 15)), None),
        (Terms(windows=Windows(10, 0, 30)), "present_until"),
        (Terms(windows=Windows(10, 20, 15)), "late_until"),
        (Terms(windows=Windows(121, 15, 30)), "opens_before"),
        (Terms(amend_hours=-1), "amend_hours"),
        (Terms(query_hours=367 * 24), "query_hours"),
        (Terms(counting=Counting(late_percent=101)), "late_percent"),
        (Terms(counting=Counting(min_events=0)), "min_events"),
    ],
)
def test_terms_that_cannot_be(terms: Terms, wrong: str | None) -> None:
    assert terms.wrong() == wrong


EDGES = {
    "opens_before": (lambda n: Terms(windows=Windows(n, 15, 30)), 0, 120),
    "present_until": (lambda n: Terms(windows=Windows(10, n, 480)), 1, 480),
    "late_until": (lambda n: Terms(windows=Windows(10, 15, n)), 15, 480),
    "amend_hours": (lambda n: Terms(amend_hours=n), 0, 366 * 24),
    "query_hours": (lambda n: Terms(query_hours=n), 0, 366 * 24),
    "late_percent": (lambda n: Terms(counting=Counting(late_percent=n)), 0, 100),
    "min_events": (lambda n: Terms(counting=Counting(min_events=n)), 1, 100),
}


@pytest.mark.parametrize("name", EDGES)
def test_terms_go_as_far_as_they_say_and_no_further(name: str) -> None:
    terms, least, most = EDGES[name]
    assert [terms(n).wrong() for n in (least, most)] == [None, None]
    assert [terms(n).wrong() for n in (least - 1, most + 1)] == [name, name]


def test_presets_can_be_used_and_name_what_their_source_says() -> None:
    for preset in PRESETS.values():
        assert preset.terms.wrong() is None
        assert preset.terms.pace in PACES
        assert preset.source
    windows = {key: preset.terms.windows for key, preset in PRESETS.items() if "present_until" in preset.says}
    assert windows == {
        "de_montfort": Windows(0, 15, 15),
        "east_london": Windows(0, 10, 10),
        "essex": Windows(15, 15, 15),
        "northampton": Windows(0, 30, 55),
        "regents": Windows(10, 10, 10),
    }


# Which policy: the university (1) has a faculty (2) with a school (3); another faculty (4) stands apart

PARENTS = {2: None, 3: 2, 4: None}
MONDAY = date(2026, 11, 23)


@dataclass(frozen=True)
class Version:
    """A version of a policy, as far as it decides which classes it is for."""

    department_id: int | None = None
    kind: str = ""
    valid_from: date = MONDAY
    inherits: bool = False


def chosen(versions: list[Version], department: int | None, kind: str, on: date = MONDAY) -> Version | None:
    return in_force(versions, parents=PARENTS, department=department, kind=kind, on=on)


def test_departments_that_are_above_each_other_have_their_policies_all_the_same() -> None:
    """The table of departments forbids a circle; were there one, nobody would wait for its end."""
    versions = [Version(2), Version()]
    assert in_force(versions, parents={2: 3, 3: 2}, department=3, kind="", on=MONDAY) == versions[0]
    assert in_force(versions[1:], parents={2: 3, 3: 2}, department=3, kind="", on=MONDAY) == versions[1]


EVERYONE, LABS, FACULTY, FACULTY_LABS, SCHOOL = (Version(), Version(kind="lab"), Version(2), Version(2, "lab"), Version(3))


@pytest.mark.parametrize(
    ("versions", "department", "kind", "wins"),
    [
        ([], 3, "lab", None),
        ([EVERYONE], 3, "lab", EVERYONE),
        ([EVERYONE], None, "lab", EVERYONE),
        ([EVERYONE, LABS], 3, "lab", LABS),
        ([EVERYONE, LABS], 3, "lecture", EVERYONE),
        ([LABS], 3, "lecture", None),
        ([EVERYONE, LABS, FACULTY], 2, "lab", FACULTY),  # a department's own word before the university's on a kind
        ([EVERYONE, LABS, FACULTY], 3, "lab", FACULTY),  # also for what is below it
        ([EVERYONE, LABS, FACULTY], 4, "lab", LABS),
        ([EVERYONE, FACULTY, FACULTY_LABS], 3, "lab", FACULTY_LABS),
        ([EVERYONE, FACULTY, FACULTY_LABS, SCHOOL], 3, "lab", SCHOOL),
        ([EVERYONE, FACULTY, FACULTY_LABS, SCHOOL], 2, "lecture", FACULTY),
        ([SCHOOL], 2, "lab", None),
        ([EVERYONE, replace(EVERYONE, valid_from=MONDAY + timedelta(days=1))], 3, "lab", EVERYONE),
        ([FACULTY, replace(FACULTY, valid_from=MONDAY - timedelta(days=1))], 3, "lab", FACULTY),
        (
            [EVERYONE, replace(FACULTY, valid_from=MONDAY - timedelta(days=9)), replace(FACULTY, inherits=True)],
            3,
            "lab",
            EVERYONE,
        ),
        ([FACULTY, replace(FACULTY_LABS, inherits=True)], 2, "lab", FACULTY),
    ],
)
def test_the_most_specific_policy_wins(
    versions: list[Version], department: int | None, kind: str, wins: Version | None
) -> None:
    assert chosen(versions, department, kind) == wins
    assert chosen(versions[::-1], department, kind) == wins


VERSIONS = st.builds(
    Version,
    department_id=st.sampled_from([None, 2, 3, 4]),
    kind=st.sampled_from(["", "lab", "lecture"]),
    valid_from=st.integers(-3, 3).map(lambda days: MONDAY + timedelta(days=days)),
    inherits=st.booleans(),
)
SETS = st.lists(VERSIONS, max_size=12, unique_by=lambda one: (one.department_id, one.kind, one.valid_from))


@given(SETS, st.sampled_from([None, 2, 3, 4]), st.sampled_from(["lab", "lecture", "exam"]))
def test_what_wins_applies_and_nothing_nearer_does(versions: list[Version], department: int | None, kind: str) -> None:
    chains: dict[int | None, list[int | None]] = {None: [None], 2: [2, None], 3: [3, 2, None], 4: [4, None]}

    def latest(scope: int | None, of_kind: str) -> Version | None:
        own = [one for one in versions if (one.department_id, one.kind) == (scope, of_kind) and one.valid_from <= MONDAY]
        newest = max(own, key=lambda one: one.valid_from, default=None)
        return None if newest is None or newest.inherits else newest

    walked = [latest(scope, of_kind) for scope in chains[department] for of_kind in (kind, "")]
    assert chosen(versions, department, kind) == next((one for one in walked if one), None)


@given(SETS, VERSIONS, st.sampled_from([None, 2, 3, 4]), st.sampled_from(["lab", "lecture"]))
def test_a_version_changes_nothing_before_its_day(
    versions: list[Version], later: Version, department: int | None, kind: str
) -> None:
    """The rules a class began with are never rewritten: what is made now begins later."""
    later = replace(later, valid_from=MONDAY + timedelta(days=1))
    assert chosen(versions, department, kind) == chosen([*versions, later], department, kind)

"""What holds for every file: the order of rows never matters, the same file twice changes nothing, and applying does
exactly what checking showed."""

import random
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from adsum.accounts.models import Person, RoleGrant
from adsum.integrations.imports import runs as imports
from adsum.timetable.models import ClassSession, Group, GroupStaff, Module, Place
from adsum.timetable.rules import Change
from tests.kit import feeds
from tests.kit.feeds import ACTOR, AT, bring, check, event, events, oneroster, university

pytestmark = pytest.mark.django_db
SLOWLY = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
ZONE = ZoneInfo("Europe/London")


@contextmanager
def rolled_back() -> Iterator[None]:
    """One example: its rows are gone afterwards."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


GIVEN_AWAY = re.compile(r"^~\d+$")
"""What a class is called whose id another took: by the key of its row."""


def state() -> dict[str, list[tuple[object, ...]]]:
    """Everything an import writes, without the keys and times of this machine."""
    person = ("source_id", "username", "family_name", "is_active")
    return {
        "people": sorted(Person.objects.values_list(*person)),
        "roles": sorted(RoleGrant.objects.values_list("person__source_id", "role", "ends_on")),
        "modules": sorted(Module.objects.values_list("code", "title", "ended_on")),
        "groups": sorted(Group.objects.values_list("source_id", "code", "name", "ended_on")),
        "places": sorted(
            map(str, Place.objects.values_list("source_id", "group__source_id", "person__source_id", "starts_on", "ends_on"))
        ),
        "staff": sorted(GroupStaff.objects.values_list("group__source_id", "person__source_id")),
        "classes": sorted(
            (
                GIVEN_AWAY.sub("~", s.source_id),
                s.occurrence,
                s.starts_at,
                s.ends_at,
                s.status,
                s.version,
                bool(s.suspect_since),
                tuple(sorted(room.name for room in s.rooms.all())),
                tuple(sorted(g.source_id for g in s.groups.all())),
                tuple(sorted(p.source_id for p in s.staff.all())),
            )
            for s in ClassSession.objects.prefetch_related("rooms", "groups", "staff")
        ),
    }


def shuffled(rows: Sequence[feeds.Row], seed: int) -> list[feeds.Row]:
    """The rows in another order, some of them twice."""
    rng = random.Random(seed)
    more = [*rows, *rng.choices(rows, k=min(3, len(rows)))] if rows else []
    rng.shuffle(more)
    return more


def after(*contents: bytes) -> dict[str, list[tuple[object, ...]]]:
    """The state that these files lead to, one after the other, from nothing."""
    with rolled_back():
        for content in contents:
            bring(content, confirm=True)
        return state()


people = st.lists(st.integers(1, 6), unique=True, min_size=1, max_size=6)
flaws = st.sampled_from(["", "", "", "email", "familyName", "identifier"])


@st.composite
def rosters(draw: st.DrawFn) -> dict[str, list[feeds.Row]]:
    """A roster with some students, some of their rows flawed, some contradicting each other."""
    numbers = draw(people)
    whole = university(6)
    whole["users"] = [feeds.user(n, **{flaw: ""} if (flaw := draw(flaws)) else {}) for n in numbers]
    if draw(st.booleans()):
        whole["users"].append(feeds.user(numbers[0], familyName="Contradiction"))
    pairs = draw(st.lists(st.tuples(st.integers(1, 7), st.sampled_from(["K1", "K2", "K9"])), max_size=8))
    whole["enrollments"] = [feeds.enrolment(f"E{n}", group, f"S{n}") for n, group in pairs]
    return whole


@st.composite
def timetables(draw: st.DrawFn) -> list[feeds.Row]:
    """Some classes of some events, some rows flawed, some contradicting each other."""
    rows = []
    for _ in range(draw(st.integers(0, 8))):
        day = date(2026, 9, 21) + timedelta(days=draw(st.integers(0, 60)))
        changes = draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "location": st.sampled_from(["C2.01", "D1;D2", ""]),
                    "status": st.sampled_from(["scheduled", "cancelled", "odd"]),
                    "group_ids": st.sampled_from(["K1", "K1;K3", "K9", ""]),
                    "staff_ids": st.sampled_from(["L1", "", "L9"]),
                    "last_changed": st.sampled_from(["", "2026-09-01T09:00:00Z", "2026-09-02T09:00:00Z"]),
                },
            )
        )
        rows.append(event(draw(st.sampled_from("ABC")), f"{day}T09:00:00", f"{day}T10:00:00", **changes))
    return rows


@SLOWLY
@given(roster=rosters(), seed=st.integers())
def test_the_order_and_repetition_of_rows_never_matter_in_a_roster(roster, seed):
    assert after(oneroster(roster)) == after(oneroster({name: shuffled(rows, seed) for name, rows in roster.items()}))


@SLOWLY
@given(first=timetables(), second=timetables(), seed=st.integers())
def test_the_order_and_repetition_of_rows_never_matter_in_a_timetable(first, second, seed):
    roster = oneroster(university())
    straight = after(roster, events(*first), events(*second))
    assert straight == after(roster, events(*shuffled(first, seed)), events(*shuffled(second, seed)))


@SLOWLY
@given(first=timetables(), second=timetables())
def test_the_same_file_twice_is_the_same_as_once(first, second):
    roster = oneroster(university())
    assert after(roster, events(*first), events(*second)) == after(roster, events(*first), events(*second), events(*second))


@SLOWLY
@given(first=rosters(), second=rosters())
def test_the_same_roster_twice_is_the_same_as_once(first, second):
    assert after(oneroster(first), oneroster(second)) == after(oneroster(first), oneroster(second), oneroster(second))


def _versions() -> dict[int, int]:
    """The classes there are. One that its source names anew is still the same class."""
    return dict(ClassSession.objects.values_list("pk", "version"))


@SLOWLY
@given(first=timetables(), second=timetables())
@example(
    first=[event("A", "2026-09-21T09:00:00", "2026-09-21T10:00:00")],
    second=[event("B", "2026-09-21T09:00:00", "2026-09-21T10:00:00")],
)
def test_applying_does_exactly_what_checking_showed(first, second):
    with rolled_back():
        bring(oneroster(university()))
        bring(events(*first))
        before = _versions()
        run = check(events(*second))
        assert _versions() == before
        shown = run.changes.filter(what="class").count()
        imports.apply(run, at=AT, actor=ACTOR, confirm=True)
        now = _versions()
        assert sum(1 for pk, version in now.items() if before.get(pk) != version) == shown
        counted = sum(number for change, number in run.counts.get("class", {}).items() if change != Change.UNCHANGED)
        assert counted == shown


@SLOWLY
@given(weeks=st.integers(1, 30), start=st.dates(date(2026, 9, 1), date(2027, 6, 1)), hour=st.integers(4, 22))
def test_a_weekly_class_is_always_at_the_same_time_of_day(weeks, start, hour):
    days = [start + timedelta(weeks=n) for n in range(weeks)]
    rows = [event("A", f"{day}T{hour:02}:00:00", f"{day}T{hour:02}:50:00", group_ids="", staff_ids="") for day in days]
    with rolled_back():
        bring(oneroster(university()))
        bring(events(*rows))
        found = [s.starts_at.astimezone(ZONE) for s in ClassSession.objects.order_by("starts_at")]
        assert [(at.date(), at.hour) for at in found] == [(day, hour) for day in days]
        assert found[0] == datetime(start.year, start.month, start.day, hour, tzinfo=ZONE).astimezone(UTC)

"""Policies as rows: which one a class is held to, what uses it, and that a version in force never changes."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from adsum.accounts.models import Department, Person
from adsum.accounts.rules import Role
from adsum.attendance.counting import Authorised, Counting, Terms
from adsum.attendance.models import Mark
from adsum.attendance.policies import DEFAULTS, make_policy, policies, terms_of, withdraw_policy
from adsum.attendance.policy_table import Policy
from adsum.attendance.record import account, own_classes
from adsum.attendance.rules import Source, Status, Windows
from adsum.audit.models import Event
from adsum.audit.services import alias_of
from adsum.checkin.models import Epoch
from adsum.checkin.rules import PACES
from adsum.checkin.services import open_checkin
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession
from tests.kit.world import NINE, World

TODAY = NINE.date()
TOMORROW = TODAY + timedelta(days=1)
STRICT = Terms(windows=Windows(5, 10, 20), pace="strict")


@pytest.fixture
def team(world: World) -> Person:
    return world.person(Role.ATTENDANCE_TEAM)


def make(team: Person, terms: Terms = STRICT, **more: Any) -> Policy:
    more = {"department": None, "kind": "", "valid_from": TOMORROW, "today": TODAY, **more}
    return make_policy(terms, by=team, at=NINE, **more)


def test_without_a_policy_the_defaults_hold_and_that_costs_one_query(world: World, django_assert_num_queries):
    session = world.session()
    with django_assert_num_queries(1):
        assert terms_of(session) == DEFAULTS


def test_a_class_is_held_to_the_policy_of_its_kind_department_and_own_date(world: World, team: Person):
    group = world.group()
    department = Department.objects.get(code="CS")
    make(team)
    make(team, Terms(windows=Windows(0, 15, 15)), department=department, kind="lab")
    make(team, replace(STRICT, pace="brisk"), valid_from=TOMORROW + timedelta(days=7))
    today, lecture, lab, later = (
        world.session(group, starts_at=NINE + timedelta(days=days), kind=kind)
        for days, kind in ((0, "lecture"), (1, "lecture"), (1, "lab"), (8, "seminar"))
    )
    rules = policies()
    assert [rules.of(one) for one in (today, lecture, lab, later)] == [
        DEFAULTS,
        STRICT,
        Terms(windows=Windows(0, 15, 15)),
        replace(STRICT, pace="brisk"),
    ]


def test_a_departments_policy_is_also_for_those_below_it(world: World, team: Person):
    group = world.group()
    faculty = Department.objects.create(code="F", name="Faculty")
    Department.objects.filter(code="CS").update(parent=faculty)
    make(team, department=faculty)
    session = ClassSession.objects.get(pk=world.session(group, starts_at=NINE + timedelta(days=1)).pk)
    assert terms_of(session) == STRICT


def test_check_in_opens_as_the_policy_says(world: World, team: Person):
    make(team)
    session = world.session(starts_at=NINE + timedelta(days=1))
    opening = open_checkin(session, by=team, at=session.starts_at)
    assert opening.opens_at == session.starts_at - timedelta(minutes=5)
    assert opening.present_until == session.starts_at + timedelta(minutes=10)
    assert opening.late_until == session.starts_at + timedelta(minutes=20)
    epoch = Epoch.objects.get()
    assert (epoch.period_ms, epoch.grace_ms) == (PACES["strict"].period_ms, PACES["strict"].grace_ms)


def test_students_may_query_for_as_long_as_the_policy_says(world: World, team: Person):
    make(team, replace(STRICT, query_hours=48))
    group = world.group()
    student = world.student(groups=[group])
    session = world.session(group, starts_at=NINE + timedelta(days=1))
    (one,) = own_classes(student, ClassSession.objects.all())
    assert one.may_query(session.ends_at + timedelta(hours=47, minutes=59))
    assert not one.may_query(session.ends_at + timedelta(hours=48))


def test_a_sum_counts_each_class_by_its_own_policy(world: World, team: Person):
    make(team, replace(STRICT, counting=Counting(authorised=Authorised.AS_ABSENT, late_percent=50)))
    group = world.group()
    student = world.student(groups=[group])
    for days, status in ((0, Status.AUTHORISED), (0, Status.LATE), (1, Status.AUTHORISED), (1, Status.LATE)):
        session = world.session(group, starts_at=NINE + timedelta(days=days))
        Mark.objects.create(session=session, student=student, status=status, source=Source.STAFF, at=NINE, changed_at=NINE)
    told = account(own_classes(student, ClassSession.objects.all()), NINE + timedelta(days=2))
    assert (told.tally.attended, told.tally.counted, told.authorised) == (1.5, 3, 1)


@pytest.mark.parametrize("days", [-1, 0])
def test_a_policy_begins_tomorrow_at_the_earliest(world: World, team: Person, days: int):
    with pytest.raises(AdsumError) as refused:
        make(team, valid_from=TODAY + timedelta(days=days))
    assert refused.value.code == "too_soon"
    assert not Policy.objects.exists()


@pytest.mark.parametrize("kind", ["", "lab"])
@pytest.mark.parametrize("scoped", [True, False])
def test_one_version_for_each_scope_and_day(world: World, team: Person, kind: str, scoped: bool):
    world.module()
    department = Department.objects.get() if scoped else None
    first = make(team, kind=kind, department=department)
    with pytest.raises(AdsumError) as refused:
        make(team, kind=kind, department=department)
    assert refused.value.code == "taken"
    withdraw_policy(first, today=TODAY, by=team, at=NINE)
    assert make(team, kind=kind, department=department).number == 2


def test_a_version_that_has_begun_stays(world: World, team: Person):
    policy = make(team)
    with pytest.raises(AdsumError) as refused:
        withdraw_policy(policy, today=TOMORROW, by=team, at=NINE)
    assert refused.value.code == "begun"
    withdraw_policy(policy, today=TODAY, by=team, at=NINE)
    withdraw_policy(policy, today=TODAY, by=team, at=NINE)
    assert terms_of(world.session(starts_at=NINE + timedelta(days=1))) == DEFAULTS
    assert list(Event.objects.order_by("id").values_list("verb", "actor")) == [
        ("policy.make", alias_of(team.pk)),
        ("policy.withdraw", alias_of(team.pk)),
    ]


@pytest.mark.parametrize("fields", [{"late_until": 5}, {"late_percent": 101}, {"withdrawn_at": NINE}])
def test_the_database_keeps_what_must_never_be_false(world: World, team: Person, fields: dict[str, Any]):
    make(team)
    with pytest.raises(IntegrityError), transaction.atomic():
        Policy.objects.update(**fields)

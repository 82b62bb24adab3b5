"""Monitoring groups: brought in as a whole, added up by month, and seen singly by nobody."""

import ast
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from adsum.accounts.rules import Role
from adsum.attendance.weighing import Act
from adsum.audit.models import Event
from adsum.engagement.equity import bring_groups, brought, equity_of, months_over
from adsum.engagement.models import Alert, MonitoringGroup, Told
from adsum.integrations.imports.monitoring_csv import bring_monitoring
from adsum.integrations.imports.problems import Refused
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
NOVEMBER = date(2026, 11, 1)


def test_a_file_takes_the_place_of_the_one_before(world: World):
    ann, ben = world.student("Ann Abel"), world.student("Ben Best")
    admin = Act(world.person(Role.ADMINISTRATOR), NINE)
    first = (
        f"student,characteristic,group\n{ann.number},Sex,female\n{ben.number},Sex,male\n{ben.number},Sex,female\nnobody,Sex,x\n"
    )
    done = bring_monitoring(first.encode(), "groups.csv", act=admin)
    assert done.students == 2
    assert [line for line, _why in done.problems] == [4, 5]
    assert "another group by the same characteristic" in done.problems[0][1]
    bring_monitoring(f"student,characteristic,group\n{ben.number},Age,21\n".encode(), "groups.csv", act=admin)
    assert list(MonitoringGroup.objects.values_list("student", "characteristic", "group")) == [(ben.pk, "Age", "21")]
    with pytest.raises(Refused):
        bring_monitoring(b"student,characteristic,group\nnobody,Sex,x\n", "groups.csv", act=admin)
    assert brought().students == 1, "a file without one good line changes nothing"
    assert "21" not in str(list(Event.objects.filter(verb="monitoring.import").values_list("subject", "detail")))


def test_the_sums_of_a_month_that_is_over(world: World):
    students = [world.student() for _ in range(60)]
    for one in students:
        world.enrol(one)
    tutor = world.person(Role.TUTOR)
    groups = {one.pk: {"Sex": "female" if nth % 2 else "male"} for nth, one in enumerate(students[:50])}
    bring_groups(groups, act=Act(world.person(Role.ADMINISTRATOR), NINE))
    for nth, one in enumerate(students[:30]):
        alert = Alert.objects.create(student=one, stage=0, rule="0a", version=1, found_at=NINE, held_until=NINE, facts={})
        told_at = NINE if nth < 28 else datetime(2026, 12, 1, tzinfo=UTC)
        Told.objects.create(alert=alert, person=one, capacity="student", at=told_at)
        Told.objects.create(alert=alert, person=tutor, capacity="tutor", at=told_at)
    table = equity_of(NOVEMBER)["Sex"]
    said = [(row.group, row.students, row.reminded) for row in table.rows]
    assert said == [("female", 25, None), ("male", 25, 14), ("–", 10, None)], "none of the ten: another number goes with it"
    assert table.total is not None
    assert (table.total.students, table.total.reminded) == (60, 28)


def test_only_months_that_are_over_are_counted():
    assert months_over(date(2026, 12, 1))[:2] == [date(2026, 11, 1), date(2026, 10, 1)]
    assert months_over(date(2026, 11, 30))[0] == date(2026, 10, 1)


def test_nothing_else_reads_the_groups():
    """Never on a person's page: one file reads the table, and what the pages get of it are sums."""
    readers = {
        path.relative_to("adsum").as_posix()
        for path in Path("adsum").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name | ast.alias) and "MonitoringGroup" in (getattr(node, "id", ""), getattr(node, "name", ""))
        if "migrations" not in path.parts
    }
    assert readers == {"models.py", "engagement/models/__init__.py", "engagement/equity.py"}

"""What happens by itself: registers are closed when they are due, once."""

from datetime import timedelta

import pytest
import time_machine
from django_q.models import Schedule

from adsum.attendance.models import Mark, Register
from adsum.attendance.rules import Status
from adsum.ops import jobs, work
from adsum.timetable.models import ClassSession
from tests.kit.marking import mark_students
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
OVER = NINE + timedelta(minutes=60)


@pytest.fixture
def world() -> World:
    return World()


def run(at):
    with time_machine.travel(at, tick=False):
        return jobs.close_registers()


def test_an_observed_class_closes_ten_minutes_after_its_end(world):
    lecturer, group = world.lecturer(), world.group(students=2)
    session = world.session(group, staff=[lecturer])
    here = group.places.first().person
    mark_students(session, [here], Status.PRESENT, by=lecturer, at=NINE)
    assert run(OVER + timedelta(minutes=9)) == 0
    assert run(OVER + timedelta(minutes=10)) == 1
    assert run(OVER + timedelta(minutes=11)) == 0, "once"
    assert Register.objects.get().state == Register.State.CLOSED
    assert sorted(Mark.objects.values_list("status", flat=True)) == [Status.ABSENT, Status.PRESENT]


def test_a_class_nobody_observed_waits_a_day_and_counts_for_nobody(world):
    """Pitfall 23: warned of a class nobody took the register of."""
    world.session(world.group(students=2), staff=[world.lecturer()])
    assert run(OVER + timedelta(hours=23, minutes=59)) == 0
    assert run(OVER + timedelta(hours=24)) == 1
    assert Register.objects.get().state == Register.State.NOT_OBSERVED
    assert set(Mark.objects.values_list("status", flat=True)) == {Status.NOT_OBSERVED}


def test_a_headcount_settles_when_it_closes(world):
    session = world.session(world.group(students=1))
    Register.objects.create(session=session, headcount=1)
    assert run(OVER + timedelta(minutes=9)) == 0
    assert run(OVER + timedelta(minutes=10)) == 1
    assert Register.objects.get().state == Register.State.NOT_OBSERVED


def test_a_class_restored_long_after_is_closed_within_the_day(world):
    world.session(world.group(students=1), status="cancelled")
    later = NINE + timedelta(days=30)
    with time_machine.travel(later, tick=False):
        assert jobs.close_older_registers() == 0
        ClassSession.objects.update(status="scheduled")
        assert jobs.close_registers() == 0, "each minute looks at the last days alone"
        assert jobs.close_older_registers() == 1
    assert Register.objects.get().state == Register.State.NOT_OBSERVED


def test_the_schedules_are_those_of_the_code():
    Schedule.objects.create(name="forgotten", func="adsum.ops.jobs.forgotten", schedule_type=Schedule.DAILY)
    for _ in range(2):
        work.keep_schedules()
    assert list(Schedule.objects.order_by("name").values_list("name", "func", "minutes")) == [
        ("ask_supervisors", "adsum.ops.jobs.ask_supervisors", 720),
        ("close_older_registers", "adsum.ops.jobs.close_older_registers", 1_440),
        ("close_registers", "adsum.ops.jobs.close_registers", 1),
        ("empty_packs", "adsum.ops.jobs.empty_packs", 1_440),
        ("end_reports", "adsum.ops.jobs.end_reports", 60),
        ("end_what_is_over", "adsum.ops.jobs.end_what_is_over", 1_440),
        ("find_alerts", "adsum.ops.jobs.find_alerts", 1_440),
        ("find_contradictions", "adsum.ops.jobs.find_contradictions", 1_440),
        ("follow_alerts", "adsum.ops.jobs.follow_alerts", 1),
        ("follow_unopened", "adsum.ops.jobs.follow_unopened", 60),
        ("link_absences", "adsum.ops.jobs.link_absences", 1),
        ("open_duties", "adsum.ops.jobs.open_duties", 15),
        ("poll_feeds", "adsum.ops.jobs.poll_feeds", 1),
        ("publish_notices", "adsum.ops.jobs.publish_notices", 1_440),
        ("push_messages", "adsum.ops.jobs.push_messages", 1),
        ("read_bounces", "adsum.ops.jobs.read_bounces", 2),
        ("reconcile_the_record", "adsum.ops.jobs.reconcile_the_record", 1_440),
        ("rehearse_rules", "adsum.ops.jobs.rehearse_rules", 1_440),
        ("report_access", "adsum.ops.jobs.report_access", 60),
        ("seal_events", "adsum.ops.jobs.seal_events", 1),
        ("send_messages", "adsum.ops.jobs.send_messages", 1),
        ("send_webhooks", "adsum.ops.jobs.send_webhooks", 1),
        ("sign_the_log", "adsum.ops.jobs.sign_the_log", 60),
        ("suggest_codes", "adsum.ops.jobs.suggest_codes", 1_440),
        ("sweep_corrections", "adsum.ops.jobs.sweep_corrections", 1_440),
        ("sweep_the_log", "adsum.ops.jobs.sweep_the_log", 1_440),
        ("tell_people", "adsum.ops.jobs.tell_people", 1),
        ("tend_absences", "adsum.ops.jobs.tend_absences", 1_440),
        ("tend_cases", "adsum.ops.jobs.tend_cases", 30),
        ("tend_checks", "adsum.ops.jobs.tend_checks", 1),
        ("verify_the_log", "adsum.ops.jobs.verify_the_log", 1_440),
        ("watch_sponsored", "adsum.ops.jobs.watch_sponsored", 1_440),
    ]

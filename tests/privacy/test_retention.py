"""What is over is ended: exactly what the declarations say, counted first, approved where a person must, and certified."""

from datetime import date, timedelta

import pytest

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.models import Mark, MarkChange
from adsum.attendance.reconciliation import compare_marks
from adsum.attendance.weighing import Act
from adsum.audit.models import Alias, Event
from adsum.audit.reconciliation import Compared, who_is_who
from adsum.audit.services import record
from adsum.core.declared import Keep
from adsum.core.errors import AdsumError
from adsum.core.university import civil_date
from adsum.engagement.models import Contacted
from adsum.privacy import due, holds, retention
from adsum.privacy.models import Ended, RetentionRun
from adsum.privacy.rules import Asked, Left, must_be_asked, over, over_on
from adsum.timetable.models import Enrolment
from tests.kit.world import NINE, World

LEFT = date(2026, 11, 30)
YEAR = timedelta(days=365)


@pytest.mark.parametrize(
    ("keep", "left", "days"),
    [
        (Keep.CONTACT, Left(LEFT), 366),
        (Keep.ATTENDANCE, Left(LEFT), 366),
        (Keep.ATTENDANCE, Left(LEFT, sponsored=True), 2 * 365 + 1),
        (Keep.ATTENDANCE, Left(LEFT, sponsored=True, sponsored_until=LEFT + 3 * YEAR), 4 * 365 + 1),
        (Keep.CASES, Left(LEFT), 6 * 365 + 1),
        (Keep.COMPLIANCE, Left(LEFT, sponsored=True, sponsored_until=LEFT + 6 * YEAR), 7 * 365 + 1),
    ],
)
def test_a_class_is_over_so_long_after_they_left(keep: Keep, left: Left, days: int):
    assert over_on(keep, left) == LEFT + timedelta(days=days)


@pytest.mark.parametrize(
    ("days", "done", "holding", "ended"),
    [
        (365, (), False, []),
        (366, (), False, ["contact", "messages", "attendance", "accounts"]),
        (366, (), True, ["contact", "messages", "attendance"]),
        (366, ("contact", "messages", "attendance"), True, []),
        (366, ("contact", "messages", "attendance"), False, ["accounts"]),
        (6 * 365 + 1, ("contact", "messages", "attendance"), True, ["cases", "compliance", "rights", "accounts"]),
        (6 * 365 + 1, ("contact", "messages", "attendance", "cases", "compliance", "rights", "accounts"), True, []),
    ],
)
def test_who_they_were_is_over_when_nothing_longer_is_left(days: int, done: tuple[str, ...], holding: bool, ended: list[str]):
    assert over(Left(LEFT), LEFT + timedelta(days=days), done=done, holding=holding) == ended


@pytest.mark.parametrize(
    ("students", "last", "asked"),
    [
        (0, None, None),
        (1, None, Asked.FIRST),
        (120, 100, None),
        (121, 100, Asked.MORE),
        (30, 20, None),
        (31, 20, Asked.MORE),
        (5, 100, None),
        (10, 0, None),
        (11, 0, Asked.MORE),
    ],
)
def test_a_person_is_asked_the_first_time_and_for_a_fifth_more(students: int, last: int | None, asked: Asked | None):
    assert must_be_asked(students, last) == asked


def leaver(world: World, name: str, *, kept: bool = False, ended: date = LEFT) -> Person:
    """A student who left that day, with a mark, a reason in somebody's words, and perhaps a case."""
    student = world.student(name)
    Enrolment.objects.filter(pk=world.enrol(student).pk).update(ends_on=ended)
    lecturer = world.lecturer()
    session = world.session()
    Mark.objects.create(session=session, student=student, status="present", source="staff", at=NINE, changed_at=NINE)
    step = MarkChange.objects.create(
        session=session,
        student=student,
        after="present",
        source="staff",
        at=NINE,
        seen_at=NINE,
        by=lecturer,
        reason="Ada said so",
    )
    subject, detail = f"session:{session.pk}", {"before": "", "after": "present", "student": student.pk, "by": lecturer.actor}
    record(actor=lecturer.actor, verb="mark.set", subject=subject, at=NINE, row=step.digest, **detail)
    if kept:
        Contacted.objects.create(student=student, way="call", reply="spoke", at=NINE, by=lecturer, words="They are well.")
    return student


@pytest.mark.django_db(transaction=True)
def test_the_first_run_waits_for_a_person_and_then_leaves_what_is_declared(world: World):
    officer = world.person(Role.DATA_PROTECTION)
    gone, kept, here = leaver(world, "Ada Byron"), leaver(world, "Mary Somerville", kept=True), world.student("Joan Clarke")
    world.enrol(here)
    held = leaver(world, "Grace Hopper")
    holds.hold(held, "A claim.", LEFT + 2 * YEAR, act=Act(officer, NINE))
    at = NINE + timedelta(days=400)

    run = retention.propose(at=at)
    assert run is not None
    assert (run.state, run.why_asked, run.students) == ("waiting", "first", 2)
    assert run.preview["classes"]["attendance"]["students"] == 2
    assert run.preview["classes"]["attendance"]["Mark"] == 2
    assert run.preview["classes"]["accounts"]["students"] == 1
    assert run.preview["kept"] == {"hold": 1}
    with pytest.raises(AdsumError, match="not approved"):
        retention.carry_out(run, at=at)
    assert retention.propose(at=at + timedelta(days=1)) is None, "the first still waits"

    run = retention.decide(run, approve=True, act=Act(officer, at))
    certificate = retention.carry_out(run, at=at)
    assert certificate["classes"]["attendance"]["students"] == 2
    for one in (gone, kept, held, here):
        one.refresh_from_db()
    assert [one.display_name for one in (gone, kept, held, here)] == [
        "(erased)",
        "Mary Somerville",
        "Grace Hopper",
        "Joan Clarke",
    ]
    assert Mark.objects.count() == MarkChange.objects.count() == 3, "sums stay right"
    assert Mark.objects.filter(student=gone).exists(), "it leads to somebody of whom nothing is known"
    assert not Mark.objects.filter(student=kept).exists(), "and hers to a stand-in, while she is known for what was said"
    assert not Enrolment.objects.filter(person=kept).exists()
    assert sorted(MarkChange.objects.values_list("reason", flat=True)) == ["", "", "Ada said so"]
    assert Contacted.objects.get().words == "They are well."
    assert set(who_is_who().values()) == {
        officer.pk,
        held.pk,
        *Person.objects.filter(grants__role="lecturer").values_list("pk", flat=True),
    }
    compared = Compared()
    compare_marks(compared, who_is_who())
    assert compared.difference is None, "the log still proves every mark"
    assert due.due(civil_date(at))[0] == {}, "twice is once"
    assert Event.objects.filter(verb="privacy.retention_done").count() == 1
    assert Ended.objects.filter(at=None).count() == Ended.objects.exclude(stand_in=None).count() == 0

    years = at + 5 * YEAR
    run = retention.propose(at=years)
    assert run is not None
    assert run.state == "approved", "no more than the last"
    retention.carry_out(run, at=years)
    kept.refresh_from_db()
    assert (kept.display_name, Contacted.objects.get().words) == ("(erased)", "")
    assert Alias.objects.count() == len(who_is_who())


@pytest.mark.django_db(transaction=True)
def test_a_run_that_was_killed_goes_on(world: World, monkeypatch: pytest.MonkeyPatch):
    student = leaver(world, "Ada Byron")
    at = NINE + timedelta(days=400)
    run = retention.propose(at=at)
    assert run is not None
    run = retention.decide(run, approve=True, act=Act(world.person(Role.DATA_PROTECTION), at))

    def killed(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("adsum.privacy.ending._move", killed)
        with pytest.raises(KeyboardInterrupt):
            retention.carry_out(run, at=at)
    assert RetentionRun.objects.get().state == "approved"
    retention.carry_out(run, at=at)
    student.refresh_from_db()
    assert student.display_name == "(erased)"
    assert not Ended.objects.filter(at=None).exists()


@pytest.mark.django_db
def test_staff_and_students_who_are_back_have_not_left(world: World):
    back, staff = leaver(world, "Ada Byron"), leaver(world, "Mary Somerville")
    again = Enrolment.objects.get(person=back)
    again.pk, again.starts_on, again.ends_on = None, LEFT + YEAR, None
    again.save()
    world.person(Role.LECTURER)
    staff.grants.create(role=Role.LECTURER)
    assert due.left(LEFT + 2 * YEAR) == {}

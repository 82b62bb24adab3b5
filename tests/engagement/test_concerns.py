"""Concerns are acknowledged within a working day, or another has them; conduct referrals are heard, then decided."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.models import Mark, MarkChange
from adsum.attendance.rules import Needs, Status
from adsum.attendance.weighing import Act
from adsum.audit.models import Event
from adsum.core.errors import AdsumError
from adsum.engagement.case_rules import ConductState, Finding, Worry
from adsum.engagement.concerns import acknowledge, pass_on_unacknowledged, raise_concern
from adsum.engagement.conduct import About, decide_conduct, hear, refer_conduct
from adsum.engagement.covering import end_leave, name_fallback, settle_owners, take_leave
from adsum.engagement.models import Case, Concern, Conduct, Fallback, Leave
from tests.kit.marking import mark_students
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
FRIDAY = NINE + 4 * DAY


class Scene:
    """A student in a class, their teacher and tutor, and two of the attendance team."""

    def __init__(self, world: World) -> None:
        self.world, group = world, world.group()
        self.student = world.student(groups=[group])
        self.teacher, self.tutor = world.lecturer(), world.person(Role.TUTOR)
        self.team, self.second = (world.person(Role.ATTENDANCE_TEAM) for _ in range(2))
        self.session = world.session(group, starts_at=NINE - DAY, staff=[self.teacher])
        world.enrol(self.student, tutor=self.tutor)

    def act(self, by: Person, at: Any = NINE) -> Act:
        return Act(by, at, proved_at=at)

    def concern(self, at: Any = NINE) -> Concern:
        return raise_concern(self.student, Worry.STOPPED_COMING, "", act=self.act(self.teacher, at), session=self.session)

    def referral(self) -> Conduct:
        mark_students(self.session, [self.student], Status.PRESENT, by=self.teacher, at=NINE)
        return refer_conduct(self.student, [About(self.session)], "Two phones, one second", act=self.act(self.team))


@pytest.fixture
def scene(world: World) -> Scene:
    return Scene(world)


def test_a_concern_goes_to_the_tutor_and_the_wellbeing_contact_and_is_acknowledged_once(scene: Scene):
    name_fallback(None, Fallback.Duty.WELLBEING, scene.second, act=scene.act(scene.team))
    concern = scene.concern(FRIDAY)
    assert (concern.owner, concern.wellbeing, concern.due_on) == (scene.tutor, scene.second, date(2026, 11, 30))
    with pytest.raises(AdsumError, match="A colleague acknowledges"):
        acknowledge(concern, act=scene.act(scene.teacher))
    acknowledge(concern, act=scene.act(scene.second))
    with pytest.raises(AdsumError, match="already"):
        acknowledge(concern, act=scene.act(scene.tutor))


def test_a_concern_that_waits_goes_to_the_stand_in_once(scene: Scene):
    concern = scene.concern(FRIDAY)
    assert pass_on_unacknowledged(at=FRIDAY + 3 * DAY) == 0, "Monday is the working day it had"
    assert pass_on_unacknowledged(at=FRIDAY + 4 * DAY) == 1
    concern.refresh_from_db()
    assert concern.owner in {scene.team, scene.second}
    assert pass_on_unacknowledged(at=FRIDAY + 5 * DAY) == 0


@pytest.mark.parametrize(
    ("by", "worry", "code"), [("student", Worry.STOPPED_COMING, "own_record"), ("teacher", Worry.OTHER, "needs_words")]
)
def test_concerns_that_are_refused(scene: Scene, by: str, worry: Worry, code: str):
    with pytest.raises(AdsumError) as refused:
        raise_concern(scene.student, worry, " ", act=scene.act(getattr(scene, by)))
    assert refused.value.code == code


def test_a_mark_changes_only_after_a_second_person_found_misuse(scene: Scene):
    conduct = scene.referral()
    assert (conduct.owner, conduct.state) == (scene.second, ConductState.ASKED)
    with pytest.raises(AdsumError) as early:
        decide_conduct(conduct, Finding.MISUSE, "x", act=scene.act(scene.second), absent_in=[scene.session])
    assert early.value.code == "too_early"
    hear(conduct, "My phone was in my bag", act=scene.act(scene.student))
    for by, finding, code in ((scene.team, Finding.MISUSE, "same_person"), (scene.second, Finding.ADVICE, "no_misuse")):
        with pytest.raises(AdsumError) as refused:
            decide_conduct(conduct, finding, "x", act=scene.act(by), absent_in=[scene.session])
        assert refused.value.code == code
    assert Mark.objects.get().status == Status.PRESENT
    decided = decide_conduct(conduct, Finding.MISUSE, "Both", act=scene.act(scene.second), absent_in=[scene.session])
    assert isinstance(decided, Conduct)
    assert Mark.objects.get().status == Status.ABSENT
    assert conduct.classes.get().change == MarkChange.objects.latest("pk")
    with pytest.raises(AdsumError, match="decided already"):
        hear(conduct, "More", act=scene.act(scene.student))
    assert not Case.objects.exists(), "it feeds no case and no stage"


def test_what_the_mark_still_needs_leaves_the_referral_undecided(scene: Scene):
    conduct = scene.referral()
    late = NINE + 30 * DAY
    decided = decide_conduct(
        conduct, Finding.MISUSE, "x", act=Act(scene.second, late, proved_at=None), absent_in=[scene.session]
    )
    assert isinstance(decided, Needs)
    conduct.refresh_from_db()
    assert (conduct.state, Mark.objects.get().status) == (ConductState.ASKED, Status.PRESENT)


def test_the_database_refuses_a_decision_by_the_person_who_referred_it(scene: Scene):
    conduct = scene.referral()
    with pytest.raises(IntegrityError), transaction.atomic():
        Conduct.objects.filter(pk=conduct.pk).update(state="decided", finding="misuse", decided_at=NINE, decided_by=scene.team)


def test_leave_moves_the_cases_at_once_and_a_fallback_has_to_be_there(scene: Scene):
    from adsum.engagement.cases import open_case

    open_case(scene.student, because="x", act=scene.act(scene.team))
    leave = take_leave(scene.tutor, scene.second, NINE.date(), NINE.date(), act=scene.act(scene.team))
    assert Case.objects.get().owner == scene.second
    with pytest.raises(AdsumError) as refused:
        name_fallback(None, Fallback.Duty.CASES, scene.tutor, act=scene.act(scene.team))
    assert refused.value.code == "not_there"
    end_leave(leave, act=scene.act(scene.team))
    assert not Leave.objects.exists()
    for deputy, last, code in ((scene.tutor, NINE, "own_deputy"), (None, NINE - DAY, "order")):
        with pytest.raises(AdsumError) as refused:
            take_leave(scene.tutor, deputy, NINE.date(), last.date(), act=scene.act(scene.team))
        assert refused.value.code == code


def test_what_a_leaver_had_in_hand_goes_to_others_once(scene: Scene):
    concern, conduct = scene.concern(), scene.referral()
    third = scene.world.person(Role.ATTENDANCE_TEAM)
    Person.objects.filter(pk__in=[scene.tutor.pk, scene.second.pk]).update(is_active=False)
    assert (settle_owners(at=NINE), settle_owners(at=NINE)) == (2, 0)
    concern.refresh_from_db()
    conduct.refresh_from_db()
    assert concern.owner in {scene.team, third}
    assert conduct.owner == third, "never the person who referred it"
    told = Event.objects.filter(actor="system:cases").order_by("pk").values_list("verb", flat=True)
    assert list(told) == ["concern.pass_on", "conduct.pass_on"]

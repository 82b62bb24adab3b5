"""Queries: whose they are and until when, which look alike, and many upheld together."""

from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.attendance.models import Mark, MarkChange, Query
from adsum.attendance.queries import cannot_say, raise_query
from adsum.attendance.reports import QueryDates, alike_among, open_queries, with_the_team
from adsum.attendance.rules import Status
from adsum.attendance.similar_queries import ALIKE_FROM, Asked, alike
from adsum.audit.models import Event
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession
from tests.kit.marking import act, answer_query, mark_students, uphold_together
from tests.kit.world import NINE, World

HOUR = timedelta(hours=1)


def asked(query: int, session: int = 1, rooms: tuple[int, ...] = (1,), refusal: str = "closed", hours: float = 0) -> Asked:
    return Asked(query, session, rooms, refusal, NINE + hours * HOUR)


@pytest.mark.parametrize(
    ("given", "groups"),
    [
        ([asked(1), asked(2)], []),  # two are no group
        ([asked(1), asked(2), asked(3)], [[1, 2, 3]]),
        ([asked(1), asked(2), asked(3, refusal="stale_code")], []),
        ([asked(1), asked(2, session=2, hours=2), asked(3, session=3, hours=4)], [[1, 2, 3]]),  # one room, no gap above two
        ([asked(1), asked(2, session=2, hours=2), asked(3, session=3, hours=4.1)], []),
        ([asked(1), asked(2, session=2, rooms=(2,)), asked(3, session=3, rooms=(3,))], []),
        ([asked(n, session=n, refusal="") for n in (1, 2, 3)], []),  # nothing tried, in different classes
        ([asked(n, refusal="") for n in (1, 2, 3)], [[1, 2, 3]]),
        ([*(asked(n) for n in (1, 2, 3)), *(asked(n, session=2, rooms=(2,)) for n in (4, 5, 6, 7))], [[4, 5, 6, 7], [1, 2, 3]]),
    ],
)
def test_which_look_alike(given: list[Asked], groups: list[list[int]]):
    assert alike(given) == groups


@given(
    st.lists(
        st.builds(
            Asked,
            st.integers(1, 10_000),
            st.integers(1, 4),
            st.sets(st.integers(1, 3)).map(tuple),
            st.sampled_from(["", "closed", "stale_code"]),
            st.integers(0, 9).map(lambda hours: NINE + hours * HOUR),
        ),
        unique_by=lambda one: one.query,
        max_size=40,
    )
)
def test_a_query_is_in_one_group_at_most_and_shares_what_was_refused(given: list[Asked]):
    groups = alike(given)
    refusals = {one.query: one.refusal for one in given}
    members = [pk for group in groups for pk in group]
    assert len(members) == len(set(members))
    assert all(len(group) >= ALIKE_FROM and len({refusals[pk] for pk in group}) == 1 for group in groups)


def test_the_dates_are_working_days():
    """Asked on Christmas Eve, a Thursday."""
    dates = QueryDates.of(Query(raised_at=datetime(2026, 12, 24, 12, tzinfo=UTC)))
    assert dates == (date(2026, 12, 31), date(2027, 1, 5))


@pytest.mark.django_db
class TestCannotSay:
    """A lecturer does not know whether the student was there."""

    @pytest.fixture(autouse=True)
    def _asked(self, world: World):
        self.lecturer, session = world.lecturer(), world.session()
        self.query = raise_query(session, world.student(), at=NINE)

    def test_it_stays_open_and_is_the_teams_from_that_day(self):
        before = QueryDates.of(self.query)
        said = cannot_say(self.query, act=act(self.lecturer, NINE))
        assert (said.state, said.unsure_by, said.unsure_at) == ("open", self.lecturer, NINE)
        assert QueryDates.of(said) == (NINE.date(), before.answer_by) != before, "the day to answer by stays"
        assert list(Query.objects.filter(with_the_team(NINE))) == [said]

    def test_said_twice_is_said_once(self):
        for minute in (0, 5):
            cannot_say(self.query, act=act(self.lecturer, NINE + timedelta(minutes=minute)))
        assert Query.objects.get().unsure_at == NINE
        assert Event.objects.filter(verb="query.unsure").count() == 1

    def test_the_team_answers_it(self):
        cannot_say(self.query, act=act(self.lecturer, NINE))
        assert answer_query(self.query, by=self.lecturer, at=NINE, reason="Seen", status=Status.PRESENT).state == "upheld"
        with pytest.raises(AdsumError, match="answered"):
            cannot_say(self.query, act=act(self.lecturer, NINE))

    def test_nobody_says_it_of_their_own_query(self):
        with pytest.raises(AdsumError, match="own"):
            cannot_say(self.query, act=act(self.query.student, NINE))


@pytest.mark.django_db
class TestTogether:
    @pytest.fixture(autouse=True)
    def _class(self, world: World):
        self.team, group = world.person(), world.group()
        self.session = world.session(group)
        students = [world.student(groups=[group]) for _ in range(4)]
        self.queries = [raise_query(self.session, one, at=NINE, evidence={"refusal": "closed"}) for one in students]

    def test_each_has_its_own_history_and_events(self):
        done = uphold_together(self.queries, Status.PRESENT, by=self.team, at=NINE, reason="The screen showed no code.")
        assert {(one.state, one.answer, one.answered_by) for one in done} == {
            ("upheld", "The screen showed no code.", self.team)
        }
        assert set(Mark.objects.values_list("status", flat=True)) == {Status.PRESENT}
        changes = MarkChange.objects.values_list("by", "reason_code", "reason")
        assert list(changes) == [(self.team.pk, "query_upheld", "The screen showed no code.")] * 4
        assert Event.objects.filter(verb="query.upheld").count() == 4

    def test_one_answered_meanwhile_is_left_alone(self):
        answer_query(self.queries[0], by=self.team, at=NINE, reason="Row 3 was empty.")
        done = uphold_together(self.queries, Status.PRESENT, by=self.team, at=NINE, reason="x")
        assert len(done) == 3
        assert Query.objects.get(pk=self.queries[0].pk).state == "declined"

    def test_a_class_cancelled_meanwhile_is_left_alone(self, world: World):
        other = raise_query(world.session(), world.student(), at=NINE)
        ClassSession.objects.filter(pk=self.session.pk).update(status="cancelled")
        assert list(open_queries(ClassSession.objects.all())) == [other], "nothing to answer"
        done = uphold_together([*self.queries, other], Status.PRESENT, by=self.team, at=NINE, reason="x")
        assert done == [other]
        ClassSession.objects.filter(pk=self.session.pk).update(status="scheduled")
        assert list(open_queries(ClassSession.objects.all())) == self.queries, "restored, they wait again"

    def test_what_fails_for_one_is_done_for_none(self):
        with pytest.raises(AdsumError, match="own"):
            uphold_together(self.queries, Status.PRESENT, by=self.queries[2].student, at=NINE, reason="x")
        assert Mark.objects.count() == 0
        assert set(Query.objects.values_list("state", flat=True)) == {"open"}

    @pytest.mark.parametrize(("number", "refused"), [(20, False), (21, True)])
    def test_more_than_twenty_marks_are_not_one_persons_to_change(self, world: World, number: int, refused: bool):
        """The bundle is what counts, over every class in it; whoever has no mark yet changes none."""
        group = world.group(students=0)
        sessions = [world.session(group) for _ in range(2)]
        students = [world.student(groups=[group]) for _ in range(number)]
        lecturer = world.lecturer()
        for session, half in zip(sessions, (students[::2], students[1::2]), strict=True):
            mark_students(session, half, Status.ABSENT, by=lecturer, at=NINE)
        queries = [
            raise_query(session, one, at=NINE)
            for session, half in zip(sessions, (students[::2], students[1::2]), strict=True)
            for one in half
        ]
        # the four without a mark change none
        with pytest.raises(AdsumError) if refused else nullcontext() as told:
            uphold_together([*queries, *self.queries], Status.PRESENT, by=self.team, at=NINE, reason="x")
        if told is not None:
            assert told.value.code == "second_person"
        assert set(Query.objects.values_list("state", flat=True)) == {"open" if refused else "upheld"}

    def test_they_are_found(self):
        assert alike_among(open_queries(ClassSession.objects.all())) == [[one.pk for one in self.queries]]

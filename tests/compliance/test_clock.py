"""The no-engagement clock by tables of cases, and a year day by day whose truths are known. The source stands in each name."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.compliance.clock import (
    DAY,
    LADDER,
    RESEARCH_LADDER,
    Because,
    Clock,
    Pause,
    day_of,
    gaps,
    merged,
    no_engagement,
    paused_between,
    steps_up_to,
)
from adsum.compliance.signs import Found, of_clock
from adsum.compliance.watching import Sign

BEGAN = date(2026, 9, 21)
LONDON = ZoneInfo("Europe/London")


def on(day: int) -> date:
    """So many days after the course began."""
    return BEGAN + timedelta(days=day)


def clock(contacts: list[int], today: int, pauses: list[tuple[int, int]] = [], ceiling: int = 60) -> Clock:  # noqa: B006
    still = [Pause(on(first), on(last)) for first, last in pauses]
    return no_engagement([on(day) for day in contacts], still, ceiling, on(today), begins=BEGAN)


@pytest.mark.parametrize(
    ("contacts", "pauses", "today", "policy", "calendar", "step"),
    [
        ([0], [], 0, 0, 0, 0),
        ([0], [], 6, 6, 6, 0),
        ([0], [], 7, 7, 7, 7),
        ([0, 5], [], 12, 7, 7, 7),
        ([0, 20], [], 12, 12, 12, 7),  # a contact to come does not count
        ([], [], 6, 7, 7, 7),  # never seen: the first day of the course is the first one counted
        ([0], [(1, 14)], 21, 7, 21, 7),  # two weeks of vacation
        ([0], [(3, 4), (4, 10), (10, 9)], 12, 4, 12, 0),  # pauses that overlap count once; one turned round not at all
        ([0], [(-9, 0)], 7, 7, 7, 7),  # a vacation that was over
        ([0], [(30, 40)], 7, 7, 7, 7),  # one to come
        ([0], [(5, 100)], 60, 4, 60, 0),  # the calendar's clock goes on all the same
        ([0], [], 59, 59, 59, 55),
        ([0], [], 60, 60, 60, 60),
        ([0], [], 61, 61, 61, 60),
    ],
)
def test_b2_b4_sixty_calendar_days_but_not_those_of_vacations(
    contacts: list[int], pauses: list[tuple[int, int]], today: int, policy: int, calendar: int, step: int
):
    found = clock(contacts, today, pauses)
    assert (found.policy_days, found.calendar_days, found.step) == (policy, calendar, step)
    assert found.crossed is (policy >= 60)
    assert found.calendar_crossed is (calendar >= 60)


@pytest.mark.parametrize(
    ("limits", "crossed"),
    [
        ([(-400, 60)], 60),
        ([(-400, 60), (10, 50)], 50),
        ([(-400, 60), (50, 50)], 50),
        ([(-400, 60), (55, 50)], 55),  # beyond the new limit when it came: on that day, and no earlier
        ([(-400, 60), (60, 50)], 60),
        ([(-400, 60), (61, 50)], 60),  # reached under the old one
        ([(-400, 50), (40, 60)], 60),  # the old one was never reached
        ([(-400, 60), (30, 55), (58, 50)], 55),
    ],
)
def test_g2_a_limit_that_falls_is_reached_on_the_day_it_comes_at_the_earliest(limits: list[tuple[int, int]], crossed: int):
    found = clock([0], 70, ceiling=limits[-1][1])
    assert found.crossed_at([(on(first), limit) for first, limit in limits])[0] == on(crossed)
    assert found.crossed_at([]) == (on(limits[-1][1]), limits[-1][1])


@pytest.mark.parametrize(
    ("ladder", "ceiling", "steps"),
    [
        (LADDER, 60, (7, 14, 21, 42, 50, 55, 60)),
        (RESEARCH_LADDER, 60, (7, 14, 28, 42, 50, 55, 60)),
        (LADDER, 50, (7, 14, 21, 42, 50)),
        ((70, 0, -3), 60, (60,)),
    ],
)
def test_b_rule_2_the_ladder_never_goes_beyond_the_edition(ladder: tuple[int, ...], ceiling: int, steps: tuple[int, ...]):
    assert steps_up_to(ceiling, ladder) == steps


@pytest.mark.parametrize(("days", "step"), [(49, 0), (50, 50), (59, 50), (60, 60), (90, 60)])
def test_b_rule_13_the_calendar_alerts_at_fifty_and_sixty_though_the_policy_stands_still(days: int, step: int):
    found = clock([0], days, [(1, 400)])
    assert (found.policy_days, found.calendar_step) == (0, step)


def test_b_rule_2_what_comes_next_is_known_with_its_day():
    found = clock([0], 8, [(10, 12)])
    assert (found.step, found.next_step, found.next_on) == (7, 14, on(17)), "three days of vacation lie before it"
    assert clock([0], 60).next_step is None


def test_b_rule_2_without_a_pause_sixty_falls_on_a_sunday_and_is_not_put_off_to_monday():
    reached = date(2026, 11, 22)
    assert reached.strftime("%A") == "Sunday"
    found = no_engagement([reached - 60 * DAY], [], 60, reached, begins=reached - 60 * DAY)
    assert (found.crossed, found.day_of(60)) == (True, reached)


@pytest.mark.parametrize(
    ("last", "at", "days"),
    [
        # summer time ends on 25 October 2026: the day has 25 hours, and is one day
        ("2026-10-24T23:30:00+00:00", "2026-10-31T12:00:00+00:00", 6),  # half past midnight on the 25th in London
        ("2026-10-24T22:30:00+00:00", "2026-10-31T12:00:00+00:00", 7),
        # it begins on 28 March 2027
        ("2027-03-27T23:30:00+00:00", "2027-03-28T23:30:00+00:00", 2),  # the 27th, and already the 29th
        ("2027-03-28T22:30:00+00:00", "2027-03-28T23:30:00+00:00", 1),
    ],
)
def test_days_are_those_of_london_on_both_nights_of_the_clock_change(last: str, at: str, days: int):
    def day(text: str) -> date:
        return datetime.fromisoformat(text).astimezone(LONDON).date()

    assert no_engagement([day(last)], [], 60, day(at), begins=BEGAN).calendar_days == days


PAUSES = st.lists(st.tuples(st.integers(-20, 120), st.integers(0, 30)).map(lambda one: (one[0], one[0] + one[1])), max_size=6)


@given(PAUSES, st.integers(0, 120), st.integers(1, 60))
def test_counting_one_day_after_another_finds_the_same(pauses: list[tuple[int, int]], today: int, count: int):
    still = merged(Pause(on(first), on(last)) for first, last in pauses)
    stands = {on(n) for first, last in pauses for n in range(first, last + 1)}
    one_by_one = sum(on(n) not in stands for n in range(1, today + 1))
    assert today - paused_between(BEGAN, on(today), still) == one_by_one
    runs = (on(n) for n in range(1, 400) if on(n) not in stands)
    assert day_of(count, BEGAN, still) == next(day for n, day in enumerate(runs, 1) if n == count)


@given(PAUSES, st.lists(st.integers(0, 90), max_size=5), st.integers(0, 120))
def test_neither_a_contact_nor_a_pause_makes_the_clock_later(pauses: list[tuple[int, int]], contacts: list[int], today: int):
    found = clock(contacts, today, pauses)
    assert found.policy_days <= clock(contacts, today).policy_days == found.calendar_days
    assert clock([*contacts, 1], today, pauses).policy_days <= max(found.policy_days, clock([], today, pauses).policy_days)


def test_every_gap_is_there_the_last_one_open():
    found = gaps([on(0), on(10), on(10)], [Pause(on(2), on(4))], on(15), begins=BEGAN)
    assert [(one.policy_days, one.calendar_days) for one in found] == [(0, 0), (6, 9), (5, 5)]
    assert (found[-1].since, found[-1].until) == (on(10), on(15))


# A year, day by day

CHRISTMAS = Pause(date(2026, 12, 19), date(2027, 1, 10))
EASTER = Pause(date(2027, 3, 20), date(2027, 4, 11))
YEAR = [BEGAN + timedelta(days=n) for n in range(365)]


def attending(until: date, weekday: int = 1, away: tuple[Pause, ...] = (CHRISTMAS, EASTER)) -> list[date]:
    """Seen once a week up to a day, but for vacations."""
    return [
        day
        for day in YEAR
        if day.weekday() == weekday and day <= until and not any(one.first <= day <= one.last for one in away)
    ]


SICK = Pause(date(2026, 11, 9), date(2026, 11, 22), Because.ABSENCE)
SUSPENDED = Pause(date(2027, 1, 25), date(2027, 3, 5), Because.SUSPENDED)
STUDENTS: dict[str, tuple[list[date], list[Pause], list[tuple[Sign, int, date]]]] = {
    "always there: Easter is three weeks, and no alert of any policy": (attending(date.max), [CHRISTMAS, EASTER], []),
    "gone after 13 October, back never": (
        attending(date(2026, 10, 13)),
        [CHRISTMAS, EASTER],
        [
            (Sign.POLICY, 7, date(2026, 10, 20)),
            (Sign.POLICY, 14, date(2026, 10, 27)),  # over the end of summer time
            (Sign.POLICY, 21, date(2026, 11, 3)),
            (Sign.POLICY, 42, date(2026, 11, 24)),
            (Sign.POLICY, 50, date(2026, 12, 2)),
            (Sign.CALENDAR, 50, date(2026, 12, 2)),
            (Sign.POLICY, 55, date(2026, 12, 7)),
            (Sign.POLICY, 60, date(2026, 12, 12)),
            (Sign.CALENDAR, 60, date(2026, 12, 12)),
        ],
    ),
    "gone after 24 November: the vacation holds the policy's clock, not the calendar's": (
        attending(date(2026, 11, 24)),
        [CHRISTMAS, EASTER],
        [
            (Sign.POLICY, 7, date(2026, 12, 1)),
            (Sign.POLICY, 14, date(2026, 12, 8)),
            (Sign.POLICY, 21, date(2026, 12, 15)),
            (Sign.CALENDAR, 50, date(2027, 1, 13)),
            (Sign.CALENDAR, 60, date(2027, 1, 23)),
            (Sign.POLICY, 42, date(2027, 1, 28)),
            (Sign.POLICY, 50, date(2027, 2, 5)),
            (Sign.POLICY, 55, date(2027, 2, 10)),
            (Sign.POLICY, 60, date(2027, 2, 15)),
        ],
    ),
    "two weeks approved in November: away on 3, back on 24": (
        [day for day in attending(date.max) if not date(2026, 11, 4) <= day <= date(2026, 11, 23)],
        [SICK, CHRISTMAS, EASTER],
        [],  # five days up to the 8th, and one on the 23rd
    ),
    "suspended for six weeks: the clock stands, and goes on afterwards": (
        [day for day in attending(date.max) if not SUSPENDED.first <= day <= date(2027, 3, 14)],
        [CHRISTMAS, SUSPENDED, EASTER],
        [
            (Sign.POLICY, 7, date(2027, 3, 7)),  # 20 to 24 January, 6 and 7 March
            (Sign.CALENDAR, 50, date(2027, 3, 10)),
            (Sign.POLICY, 14, date(2027, 3, 14)),
        ],
    ),
}


def found_day_by_day(contacts: list[date], pauses: list[Pause]) -> Iterator[tuple[Sign, int, date]]:
    known = set[tuple[Sign, int, date]]()
    for today in YEAR:
        now = no_engagement(contacts, pauses, 60, today, begins=BEGAN)
        for one in of_clock(now):
            key = (one.sign, one.step, one.since)
            if key not in known:
                known.add(key)
                yield one.sign, one.step, today
                assert one.reached_on == today, "no night was missed"


def by_hand(contacts: list[date], pauses: list[Pause]) -> list[tuple[Sign, int, date]]:
    """The same, counted on the fingers: a second opinion that knows nothing of the clock."""
    still = {one.first + timedelta(days=n) for one in pauses for n in range((one.last - one.first).days + 1)}
    seen, found, policy, calendar = set(contacts), [], 0, 0
    for today in YEAR:
        if today in seen:
            policy = calendar = 0
            continue
        calendar += 1
        policy += today not in still
        if today not in still and policy in {*LADDER, 60}:
            found.append((Sign.POLICY, policy, today))
        if calendar in {50, 60}:
            found.append((Sign.CALENDAR, calendar, today))
    return found


@pytest.mark.parametrize("who", STUDENTS)
def test_a_year_day_by_day_in_which_every_sign_is_found_on_its_day_and_none_is_invented(who: str):
    contacts, pauses, truth = STUDENTS[who]
    assert list(found_day_by_day(contacts, pauses)) == truth == by_hand(contacts, pauses)


@given(st.sets(st.integers(0, 364), max_size=60), st.lists(st.sampled_from([CHRISTMAS, EASTER, SICK, SUSPENDED]), unique=True))
def test_any_student_agrees_with_counting_on_the_fingers(days: set[int], pauses: list[Pause]):
    contacts = sorted(YEAR[n] for n in days)
    assert list(found_day_by_day(contacts, pauses)) == by_hand(contacts, pauses)


def test_b2_two_thousand_students_come_to_every_step_on_the_right_day():
    chance, crossed = Random(60), 0
    for _ in range(2_000):
        often = chance.choice([3, 10, 40])
        contacts = sorted(chance.sample(YEAR, chance.randint(0, 365) // often))
        pauses = [one for one in (CHRISTMAS, EASTER, SICK, SUSPENDED) if chance.random() < 0.5]
        still = merged(pauses)
        found = [
            (Sign.POLICY, step, day_of(step, gap.since, still))
            for gap in gaps(contacts, pauses, YEAR[-1], begins=BEGAN)
            for step in steps_up_to(60, LADDER)
            if step <= gap.policy_days
        ]
        assert found == [one for one in by_hand(contacts, pauses) if one[0] == Sign.POLICY]
        crossed += any(step == 60 for _sign, step, _day in found)
    assert 300 < crossed < 1_900, "neither all of them nor none"


def test_a_night_that_was_missed_is_made_up_for_with_the_day_it_was():
    late = no_engagement([BEGAN], [], 60, BEGAN + 75 * DAY, begins=BEGAN)
    assert list(of_clock(late)) == [
        Found(Sign.POLICY, 60, BEGAN, BEGAN + 60 * DAY),
        Found(Sign.CALENDAR, 60, BEGAN, BEGAN + 60 * DAY),
    ]


def test_utc_is_not_the_day_of_london():
    assert (
        datetime(2027, 3, 28, 23, 30, tzinfo=UTC).date() != datetime(2027, 3, 28, 23, 30, tzinfo=UTC).astimezone(LONDON).date()
    )

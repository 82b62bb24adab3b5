"""A version of the rules, tried against a term: what is saved in time must not change what is found."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from adsum.attendance.counting import Period
from adsum.attendance.rules import Status
from adsum.engagement.ladder import Due, Heard, next_step, recovered
from adsum.engagement.replay import Known, Night, replay
from adsum.engagement.rules import Rule, RuleSet, Trigger, judge
from adsum.engagement.standing import is_news
from tests.kit.seen import CALENDAR, MONDAY, NUDGE, classes, instant, lesson

DAY = timedelta(days=1)
RULES = RuleSet(
    1,
    (
        Rule("0a", 0, Trigger.MISSED_IN_A_ROW, 2),
        Rule("0b", 0, Trigger.NO_CHECK_IN_DAYS, 7),
        Rule("1a", 1, Trigger.PERCENT_BELOW, 80, Period.FOUR_WEEKS, misses=2),
        Rule("1b", 1, Trigger.PERCENT_BELOW, 70, Period.LAST, 5),
        Rule("2a", 2, Trigger.PERCENT_BELOW, 60, Period.MONTH),
        Rule("2b", 2, Trigger.WEEKS_WITHOUT, 2, wait_days=14),
        Rule("3a", 3, Trigger.PERCENT_BELOW, 40, Period.FOUR_WEEKS, wait_days=14, no_reply=True),
    ),
)
SOFTER = RuleSet(2, (Rule("0a", 0, Trigger.MISSED_IN_A_ROW, 3), Rule("1a", 1, Trigger.PERCENT_BELOW, 60, Period.TWO_WEEKS)))
"""Beside the others on the same record."""
NIGHTS = [Night(instant(on, 2), on, (instant(on, 2), instant(on + DAY, 9))) for on in (MONDAY + n * DAY for n in range(80))]


def known_of(line: str, amended: Sequence[tuple[int, int, str]] = ()) -> list[Known]:
    """Each class is known an hour after it ends; `amended` says which mark became what, and how many days later."""
    seen = classes(line)
    found = [Known(one.ends_at + timedelta(hours=1), one.session, one) for one in seen]
    for which, days, letter in amended if seen else ():
        one = seen[which % len(seen)]
        status = {"P": Status.PRESENT, "A": Status.ABSENT, "N": Status.NOT_OBSERVED}.get(letter)
        new = lesson(one.on, status, session=one.session) if status is not None else None
        found.append(Known(one.ends_at + timedelta(days=days, hours=2), one.session, new))
    return sorted(found, key=lambda one: one.at)


def plainly(rules: RuleSet, known: Sequence[Known]) -> dict[int, date]:
    """The same, asking every rule anew every night."""
    first, heard, spent = dict[int, date](), dict[int, Heard](), defaultdict[int, set[int]](set)
    held, closed_at = list[tuple[Due, Night]](), None
    for night in NIGHTS:
        now = {one.session: one.seen for one in known if one.at <= night.at}
        seen = sorted((one for one in now.values() if one is not None), key=lambda one: (one.starts_at, one.session))
        if heard and recovered(rules.rules[0], seen, max(one.at for one in heard.values()), night.at):
            heard, closed_at = {}, night.at
        for due, found in held:
            so = all(judge(due.rule, seen, [], CALENDAR, when).holds for when in (found.at, night.at))
            if so and night.at < found.leaves_at[1]:
                continue
            held = []
            spent[due.stage].update(due.finding.rests_on)
            if so:
                heard[due.stage] = Heard(night.at)
                first.setdefault(due.stage, night.on)
        step = next_step([(rule, judge(rule, seen, [], CALENDAR, night.at)) for rule in rules.rules], rules, heard, night.at)
        if step and not held and is_news(step.finding, spent[step.stage], seen, closed_at):
            held = [(step, night)]
    return first


def one(
    rules: RuleSet, known: Sequence[Known], contacts: Sequence[datetime] = (), nights: Sequence[Night] = NIGHTS
) -> dict[int, date]:
    """What one set of rules would have done."""
    return replay([rules], known, contacts, CALENDAR, nights)[0]


AMENDED = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30), st.sampled_from("PAN-")), max_size=4)


@given(st.text(st.sampled_from("PPPLAAU.N"), max_size=55), AMENDED)
def test_every_rule_asked_anew_every_night_finds_the_same(line: str, amended: list[tuple[int, int, str]]) -> None:
    known = known_of(line, amended)
    assert replay([RULES, SOFTER], known, [], CALENDAR, NIGHTS) == [plainly(RULES, known), plainly(SOFTER, known)]


def test_one_stage_after_the_other() -> None:
    found = one(RULES, known_of("PPPPP|" + "A" * 45))
    assert list(found) == [0, 1, 2, 3]
    days = [(later - earlier).days for earlier, later in zip(found.values(), list(found.values())[1:], strict=False)]
    assert days == [9, 9, 16]


def test_who_comes_again_begins_anew() -> None:
    found = one(RULES, known_of("AA...|PPPPP|PPPPP|PPPPP|PAA.."), nights=NIGHTS[:32])
    assert list(found) == [0]


def test_a_mistake_put_right_in_time_reaches_nobody() -> None:
    two = RuleSet(1, (NUDGE,))
    assert one(two, known_of("PPAA.|PPPPP"))
    assert not one(two, known_of("PPAA.|PPPPP", [(3, 0, "P")]))


def test_contact_in_other_ways_is_contact() -> None:
    line, day = "PA.A.|.A...", MONDAY + 8 * DAY
    silent = RuleSet(1, (Rule("0b", 0, Trigger.NO_CHECK_IN_DAYS, 9),))
    assert one(silent, known_of(line))
    assert not one(silent, known_of(line), [instant(day)], NIGHTS[:16])

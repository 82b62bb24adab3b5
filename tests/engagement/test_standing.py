"""Whether an alert still stands, by what is known now: for its own night, with doubts left out and counted. No database."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.attendance.counting import Period
from adsum.attendance.rules import Status
from adsum.engagement.rules import Doubt, Finding, Rule, Trigger, judge
from adsum.engagement.standing import PASSING, Stands, is_news, looks_back_to, stands
from tests.kit.seen import CALENDAR, MONDAY, classes, instant, lesson

TWO = Rule("0a", 0, Trigger.MISSED_IN_A_ROW, 2)
SHARE = Rule("1a", 1, Trigger.PERCENT_BELOW, 80, Period.FOUR_WEEKS)
SILENT = Rule("1b", 1, Trigger.WEEKS_WITHOUT, 2)
FRIDAY = instant(MONDAY + timedelta(days=4), 20)
DOUBTS = st.sampled_from([None, *Doubt])


@pytest.mark.parametrize(
    ("rule", "line", "doubts", "said"),
    [
        (TWO, "PPPAA", {}, Stands.TRUE),
        (TWO, "PPPAP", {}, Stands.UNTRUE),
        (TWO, "PPPAA", {5: Doubt.UNDER_QUERY}, Stands.DOUBTED),
        (TWO, "PPAAA", {5: Doubt.UNDER_QUERY}, Stands.TRUE),  # enough is sure without it
        (TWO, "PPAAA", {4: Doubt.UNDER_QUERY, 5: Doubt.UNDER_QUERY}, Stands.DOUBTED),
        (TWO, "PPPA?", {5: Doubt.UNDER_DECISION}, Stands.DOUBTED),
        (TWO, "PPPAU", {}, Stands.UNTRUE),  # decided: authorised
        (TWO, "PPPAA", {5: Doubt.OUTAGE}, Stands.UNTRUE),  # nobody will settle that
        (TWO, "PPPAA", {5: Doubt.COMPLETED_LATE}, Stands.UNTRUE),
        (SHARE, "PPPAA", {}, Stands.TRUE),
        (SHARE, "PPPAA", {4: Doubt.UNDER_QUERY}, Stands.TRUE),  # 3 of 4
        (SHARE, "PPPPA", {5: Doubt.UNDER_QUERY}, Stands.UNTRUE),  # 4 of 5 even with it
        (SHARE, "PPAA", {4: Doubt.UNDER_QUERY}, Stands.DOUBTED),  # 3 classes are too few to say anything
    ],
)
def test_what_stands(rule: Rule, line: str, doubts: dict[int, Doubt], said: Stands):
    assert stands(rule, classes(line, doubts=doubts), (), CALENDAR, FRIDAY) == said


def test_a_contact_entered_later_makes_silence_untrue():
    seen = classes("AAAAA AAAAA")
    monday = instant(MONDAY + timedelta(days=14), 9)
    assert stands(SILENT, seen, (), CALENDAR, monday) == Stands.TRUE
    assert stands(SILENT, seen, (instant(MONDAY + timedelta(days=8)),), CALENDAR, monday) == Stands.UNTRUE


LINES = st.lists(st.tuples(st.sampled_from("PALU"), DOUBTS), min_size=1, max_size=12)


def seen_of(line: list[tuple[str, Doubt | None]]):
    return classes("".join(letter for letter, _ in line), doubts={n: doubt for n, (_, doubt) in enumerate(line, 1) if doubt})


@given(st.sampled_from([TWO, SHARE, SILENT]), LINES, st.lists(st.sampled_from("PA"), max_size=5))
def test_what_comes_later_never_changes_whether_it_was_so(rule: Rule, line: list[tuple[str, Doubt | None]], later: list[str]):
    seen = seen_of(line)
    at = seen[-1].ends_at
    after = [
        lesson(at.date() + timedelta(days=n), Status.PRESENT if letter == "P" else Status.ABSENT, session=100 + n)
        for n, letter in enumerate(later, 1)
    ]
    assert stands(rule, [*seen, *after], (), CALENDAR, at) == stands(rule, seen, (), CALENDAR, at)


@given(st.sampled_from([TWO, SHARE, SILENT]), LINES, st.data())
def test_settling_every_doubt_leads_to_one_of_the_others(rule: Rule, line: list[tuple[str, Doubt | None]], data: st.DataObject):
    """However a person settles what is under query, nothing is in doubt any more; and declining it all makes a doubt true."""
    seen = seen_of(line)
    at = seen[-1].ends_at
    said = stands(rule, seen, (), CALENDAR, at)
    upheld = [
        replace(one, doubts=one.doubts - PASSING, counted=one.counted._replace(status=Status.PRESENT))
        if one.doubts & PASSING and data.draw(st.booleans())
        else replace(one, doubts=one.doubts - PASSING)
        for one in seen
    ]
    assert stands(rule, upheld, (), CALENDAR, at) != Stands.DOUBTED
    declined = [replace(one, doubts=one.doubts - PASSING) for one in seen]
    if said == Stands.DOUBTED:
        assert stands(rule, declined, (), CALENDAR, at) == Stands.TRUE


@pytest.mark.parametrize(
    ("line", "spent", "news"),
    [("PPPAA", [], True), ("PPPAA", [4, 5], False), ("PPPAA", [4], True), ("PPPAA", [1, 2, 3, 4, 5], False)],
)
def test_the_same_classes_start_nothing_twice(line: str, spent: list[int], news: bool):
    finding: Finding = judge(TWO, classes(line), (), CALENDAR, FRIDAY)
    assert finding.holds
    assert is_news(finding, spent) is news


@pytest.mark.parametrize(
    ("rule", "on", "since"),
    [
        (TWO, date(2026, 11, 30), date(2026, 10, 19)),
        (SHARE, date(2026, 11, 30), date(2026, 10, 5)),
        (SHARE, date(2027, 1, 18), date(2026, 10, 26)),  # a vacation does not count
        (replace(SHARE, period=Period.TERM), date(2026, 11, 30), date(2026, 9, 21)),
        (replace(SHARE, period=Period.MONTH), date(2026, 11, 30), date(2026, 11, 1)),
    ],
)
def test_how_far_back_classes_are_read(rule: Rule, on: date, since: date):
    assert looks_back_to(rule, CALENDAR, instant(on)).date() == since

"""When a rule holds: tables of cases, most of them from what universities publish (docs/rules.md A), and properties."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from adsum.attendance.counting import Authorised, Counting, Period
from adsum.attendance.rules import Source, Status
from adsum.engagement.recovery import Recovery
from adsum.engagement.rules import Doubt, Rule, Scope, Seen, Studies, Trigger, Verdict, doubts_of, judge
from adsum.engagement.why import why
from tests.kit.seen import BELOW, CALENDAR, LETTERS, MONDAY, NUDGE, RULES, SILENT, WEEKS, classes, instant, lesson

WEEK = timedelta(days=7)


def percent(number: int, period: Period = Period.FOUR_WEEKS, last: int = 0) -> Rule:
    return Rule("x", 1, Trigger.PERCENT_BELOW, number, period, last)


def in_a_row(number: int) -> Rule:
    return Rule("x", 1, Trigger.MISSED_IN_A_ROW, number)


def weeks(number: int) -> Rule:
    return Rule("x", 1, Trigger.WEEKS_WITHOUT, number)


def days(number: int) -> Rule:
    return Rule("x", 1, Trigger.NO_CHECK_IN_DAYS, number)


TWICE = replace(BELOW, misses=2)


@pytest.mark.parametrize(
    ("who", "rule", "line", "verdict"),
    [
        ("UAL: one missed, an e-mail", in_a_row(1), "PPA", "holds"),
        ("UAL: two in a row, a warning", in_a_row(2), "PAPA", "not_reached"),
        ("UAL: three, a meeting", in_a_row(3), "PAAA", "holds"),
        ("an authorised absence neither breaks nor lengthens", in_a_row(2), "PAUA", "holds"),
        ("nor does a class without a register, or cancelled", in_a_row(3), "PANCA", "not_reached"),
        ("coming late ends it", in_a_row(2), "AALA", "not_reached"),
        ("De Montfort: below 80 %", percent(80), "PPPPA|PPPAA", "holds"),
        ("exactly 80 % is not below", percent(80), "PPPPA|PPPPA", "not_reached"),
        ("too few classes for a percentage", percent(80), "PAA", "too_few"),
        ("one class of four is not below 80 %", TWICE, "PPPA", "not_reached"),
        ("two are", TWICE, "PPAA", "holds"),
        ("a class without a register is not one of the two", TWICE, "PPPAN", "not_reached"),
        ("East London: below 75 %", percent(75, Period.TERM), "PPPA|PPAA", "holds"),
        ("East London: three weeks in a row", weeks(3), "P....|AA...|A....|..A..|", "holds"),
        ("Leicester: four weeks of teaching", weeks(4), "P....|AA...|A....|..A..|", "not_reached"),
        ("Exeter: a week with nothing in it is no week", weeks(3), "P....|AA...|.....|..A..|A....|", "holds"),
        ("Sheffield: at least two thirds", percent(67, Period.TERM), "PPAPPA", "holds"),
        ("Sheffield: authorised is no evidence", percent(66, Period.TERM), "PPAUUPPA", "not_reached"),
        ("Coventry London: 0–20 %", percent(20, Period.TERM), "AAAAP", "not_reached"),
        ("NCH London: below 70 % of the last classes", percent(70, Period.LAST, 6), "PPPPAAPPAP", "holds"),
        ("Senate procedure: ten days of study", in_a_row(10), "P" + "A" * 10, "holds"),
        ("nothing at all is known", percent(80), "", "too_few"),
        ("nothing was missed", in_a_row(1), "", "not_reached"),
    ],
)
def test_what_universities_look_for(who: str, rule: Rule, line: str, verdict: str) -> None:
    after = instant(MONDAY + (5 if rule.trigger == Trigger.WEEKS_WITHOUT else 2) * WEEK)
    assert judge(rule, classes(line), [], CALENDAR, after).because.verdict == verdict, who


@pytest.mark.parametrize(
    ("line", "at", "contacts", "holds"),
    [
        ("P.A.A", date(2026, 10, 4), [], False),  # six days
        ("P.A.A", date(2026, 10, 5), [], True),
        ("P...A", date(2026, 10, 5), [], False),  # one class is not enough to say that somebody was not seen
        ("P.A.A", date(2026, 10, 5), [date(2026, 9, 30)], False),  # a meeting with the tutor
        (".A.AA", date(2026, 10, 5), [], False),  # the first class is six days ago: the term has only begun
        (".A.AA", date(2026, 10, 6), [], True),
    ],
)
def test_days_without_contact(line: str, at: date, contacts: list[date], holds: bool) -> None:
    assert judge(SILENT, classes(line), [instant(on) for on in contacts], CALENDAR, instant(at)).holds is holds


def test_a_vacation_is_not_being_out_of_touch() -> None:
    seen = [*classes("P", first=date(2026, 12, 11)), lesson(date(2027, 1, 11), Status.ABSENT, session=2)]
    seen.append(lesson(date(2027, 1, 12), Status.ABSENT, session=3))
    assert not judge(SILENT, seen, [], CALENDAR, instant(date(2027, 1, 13))).holds
    assert judge(SILENT, seen, [], CALENDAR, instant(date(2027, 1, 17))).holds
    over_the_vacation = [*classes("PPPPA", first=date(2026, 12, 7)), *seen[1:]]
    finding = judge(percent(80, Period.TWO_WEEKS), over_the_vacation, [], CALENDAR, instant(date(2027, 1, 13)))
    assert (finding.because.classes, finding.because.measured) == (7, 57.1)


def test_contact_in_a_week_makes_it_no_week_without() -> None:
    seen = classes("P....|AA...|A....|..A..|")
    at = instant(MONDAY + 5 * WEEK)
    assert judge(weeks(3), seen, [], CALENDAR, at).holds
    assert not judge(weeks(3), seen, [instant(MONDAY + WEEK)], CALENDAR, at).holds


@pytest.mark.parametrize("doubt", list(Doubt))
def test_classes_in_doubt_are_left_out_and_the_rule_is_computed_again(doubt: Doubt) -> None:
    finding = judge(NUDGE, classes("PAA", doubts={3: doubt}), [], CALENDAR, instant(MONDAY + WEEK))
    assert (finding.holds, finding.because.left_out) == (False, ((doubt, 1),))
    still = judge(NUDGE, classes("PAAA", doubts={3: doubt}), [], CALENDAR, instant(MONDAY + WEEK))
    assert (still.holds, still.rests_on) == (True, (2, 4))  # serial queries hold nothing up


@pytest.mark.parametrize(
    ("status", "source", "days_later", "queried", "outage", "doubts"),
    [
        (Status.ABSENT, Source.SYSTEM, 0, False, False, set()),
        (Status.ABSENT, Source.STAFF, 14, False, False, set()),
        (Status.ABSENT, Source.STAFF, 15, False, False, {Doubt.COMPLETED_LATE}),
        (Status.ABSENT, Source.ABSENCE, 15, False, False, set()),  # a request that was refused
        (Status.PRESENT, Source.STAFF, 15, False, False, set()),
        (Status.PENDING, Source.ABSENCE, 0, True, True, {Doubt.UNDER_DECISION, Doubt.UNDER_QUERY, Doubt.OUTAGE}),
        (Status.NOT_OBSERVED, Source.SYSTEM, 0, False, False, {Doubt.NOT_OBSERVED}),
    ],
)
def test_doubts(status: Status, source: Source, days_later: int, queried: bool, outage: bool, doubts: set[Doubt]) -> None:
    ends = instant(MONDAY)
    found = doubts_of(
        status, source, changed_at=ends + timedelta(days=days_later), ends_at=ends, queried=queried, outage=outage
    )
    assert found == doubts


LINES = st.text(st.sampled_from("PLAU?NCRS."), max_size=40)
ANY = st.sampled_from([*RULES.rules, TWICE, percent(60, Period.TERM), percent(90, Period.LAST, 5)])
LATER = instant(MONDAY + timedelta(weeks=9))


@given(LINES, ANY, st.integers(0, 39))
def test_a_present_never_makes_a_rule_hold(line: str, rule: Rule, which: int) -> None:
    seen = classes(line)
    missed = [one for one in seen if one.missed]
    if missed and not judge(rule, seen, [], CALENDAR, LATER).holds:
        one = missed[which % len(missed)]
        came = [lesson(each.on, Status.PRESENT, session=each.session) if each is one else each for each in seen]
        assert not judge(rule, came, [], CALENDAR, LATER).holds


@given(LINES, ANY, st.integers(0, 40), st.sampled_from("NC"))
def test_what_was_cancelled_or_not_observed_never_matters(line: str, rule: Rule, place: int, letter: str) -> None:
    seen = classes(line)
    at = min(place, len(seen))
    day = seen[at - 1].on if at else MONDAY
    more = [*seen[:at], lesson(day, LETTERS[letter], session=99, hour=11), *seen[at:]]
    before, after = judge(rule, seen, [], CALENDAR, LATER), judge(rule, more, [], CALENDAR, LATER)
    assert (before.holds, before.rests_on, before.tally) == (after.holds, after.rests_on, after.tally)


@given(LINES, ANY, st.integers(0, 60))
def test_what_is_to_come_is_not_looked_at(line: str, rule: Rule, days_on: int) -> None:
    at = instant(MONDAY + timedelta(days=days_on))
    seen = classes(line)
    assert judge(rule, seen, [], CALENDAR, at) == judge(rule, [one for one in seen if one.starts_at <= at], [], CALENDAR, at)


@given(LINES, ANY)
def test_a_finding_rests_on_misses_that_are_not_in_doubt(line: str, rule: Rule) -> None:
    seen = {one.session: one for one in classes(line)}
    finding = judge(rule, list(seen.values()), [], CALENDAR, LATER)
    assert all(seen[pk].missed and not seen[pk].doubts for pk in finding.rests_on)
    assert set(finding.rests_on) <= set(finding.considered)
    assert finding.rests_on or not finding.holds
    assert finding.holds == (finding.because.verdict == Verdict.HOLDS)


@pytest.mark.parametrize(
    ("scope", "covers"),
    [
        (Scope(), True),
        (Scope(department=1), True),
        (Scope(department=2), False),
        (Scope(level="4"), True),
        (Scope(department=1, level="5"), False),
        (Scope(mode="part_time"), False),
    ],
)
def test_whom_a_rule_is_for(scope: Scope, covers: bool) -> None:
    assert scope.covers([Studies(frozenset({1, 7}), "4", "full_time")]) is covers
    assert scope.covers([]) is (scope == Scope())


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        *((rule, None) for rule in RULES.rules),
        (replace(BELOW, period=None), "period"),
        (replace(NUDGE, period=Period.TERM), "period"),
        (replace(BELOW, period=Period.LAST), "last"),
        (TWICE, None),
        (replace(BELOW, misses=21), "misses"),
        (replace(NUDGE, misses=2), "misses"),
        (replace(BELOW, number=101), "number"),
        (replace(BELOW, number=0), "number"),
        (replace(NUDGE, no_reply=True), "no_reply"),
        (replace(NUDGE, stage=4), "stage"),
        (replace(NUDGE, hold_days=0), "hold_days"),
        (replace(NUDGE, recipients=()), "recipients"),
        (replace(NUDGE, recovery=Recovery(5, 4)), "recovery"),
    ],
)
def test_rules_that_cannot_be(rule: Rule, wrong: str | None) -> None:
    assert rule.wrong() == wrong


# The sentence


TWO_MISSED = ", with at least 2 classes missed."
DECISION = " Not counted: 1 under decision."
FOUR = "the last 4 weeks of teaching"


def said(rule: Rule, seen: list[Seen]) -> str:
    with translation.override("en-gb"):
        return why(judge(rule, seen, [], CALENDAR, LATER))


@pytest.mark.parametrize(
    ("rule", "line", "sentence"),
    [
        (NUDGE, "PAA", "2 classes missed in a row, and the rule for a friendly word is: 2 classes missed in a row."),
        (NUDGE, "PA", "1 class missed in a row. The rule for a friendly word is not met: 2 classes missed in a row."),
        (
            BELOW,
            "PPPA?",
            f"3 of 4 attended in {FOUR} (75%), and the rule for a reminder is: less than 80% of {FOUR}." + DECISION,
        ),
        (
            TWICE,
            "PPPA",
            f"3 of 4 attended in {FOUR} (75%). The rule for a reminder is not met: less than 80% of {FOUR}" + TWO_MISSED,
        ),
        (BELOW, "PPA", f"3 classes are too few: the rule needs 4. It would ask for a reminder at: less than 80% of {FOUR}."),
    ],
)
def test_one_sentence_says_why_or_why_not(rule: Rule, line: str, sentence: str) -> None:
    doubts = {pk: Doubt.UNDER_DECISION for pk, letter in enumerate(line, 1) if letter == "?"}
    assert said(rule, classes(line, doubts=doubts)) == sentence


@pytest.mark.parametrize(
    ("rule", "other"),
    [
        (NUDGE, replace(NUDGE, number=3)),
        (NUDGE, replace(NUDGE, stage=1)),
        (NUDGE, replace(SILENT, code="0a")),
        (SILENT, replace(SILENT, number=8)),
        (BELOW, replace(BELOW, number=79)),
        (BELOW, replace(BELOW, period=Period.TWO_WEEKS)),
        (BELOW, TWICE),
        (TWICE, replace(BELOW, misses=3)),
        (percent(80, Period.LAST, 6), percent(80, Period.LAST, 5)),
        (WEEKS, replace(WEEKS, number=3)),
        (WEEKS, replace(WEEKS, stage=2)),
    ],
)
def test_every_term_of_a_rule_changes_the_sentence(rule: Rule, other: Rule) -> None:
    for line in ("PPPPP|AAAAA|AAPAA", "PPPPPPPPPP", "A"):
        assert said(rule, classes(line)) != said(other, classes(line))


@pytest.mark.parametrize(("line", "other"), [("PPPAA", "PPAAA"), ("PPAA", "PPAN"), ("PPAA", "PPUAA"), ("PPAAA", "PPA?A")])
def test_what_was_counted_changes_the_sentence(line: str, other: str) -> None:
    counting = Counting(authorised=Authorised.AS_PRESENT)
    assert said(BELOW, classes(line, counting=counting)) != said(
        BELOW, classes(other, counting=counting, doubts={4: Doubt.UNDER_DECISION} if "?" in other else None)
    )

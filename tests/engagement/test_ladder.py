"""From stage to stage: never one without the one before, and closed when enough classes were attended."""

from datetime import timedelta

import pytest

from adsum.engagement.ladder import Heard, Waits, next_step, recovered, why_wait
from adsum.engagement.rules import Rule, judge
from tests.kit.seen import BELOW, CALENDAR, MONDAY, NUDGE, PANEL, RULES, classes, instant

WEEK = timedelta(days=7)
LATER = instant(MONDAY + 9 * WEEK)


def told(*stages: int, days_ago: int = 30, answered: bool = False) -> dict[int, Heard]:
    return {stage: Heard(LATER - timedelta(days=days_ago), answered) for stage in stages}


@pytest.mark.parametrize(
    ("rule", "stage", "stages_told", "waits"),
    [
        (NUDGE, 0, {}, None),
        (BELOW, 1, {}, Waits.NOT_TOLD),
        (BELOW, 1, told(0, days_ago=6), Waits.TOO_SOON),
        (BELOW, 1, told(0, days_ago=7), None),
        (PANEL, 3, told(0, 1), Waits.NOT_TOLD),
        (PANEL, 3, told(0, 1, 2, days_ago=13), Waits.TOO_SOON),
        (PANEL, 3, told(0, 1, 2, answered=True), Waits.ANSWERED),
        (PANEL, 3, told(0, 1, 2), None),
        (PANEL, 2, told(0, 1, answered=True), None),
        (PANEL, 2, told(0, 1, days_ago=13), Waits.TOO_SOON),
    ],
)
def test_no_stage_without_the_one_before(rule: Rule, stage: int, stages_told: dict[int, Heard], waits: Waits | None) -> None:
    assert why_wait(rule, stage, RULES, stages_told, LATER) == waits


def test_a_student_far_down_hears_the_friendly_word_first() -> None:
    seen = classes("PPPPP|" + "A" * 20)
    at = instant(MONDAY + 5 * WEEK)
    findings = [(rule, judge(rule, seen, [], CALENDAR, at)) for rule in RULES.rules]
    said = dict[int, Heard]()
    for stage in (0, 1, 2, 3):
        step = next_step(findings, RULES, said, at)
        assert step is not None
        assert (step.stage, step.rule.code) == (stage, "3a")
        said[stage] = Heard(at)
        assert next_step(findings, RULES, said, at) is None
        at += timedelta(days=14)
    assert next_step(findings, RULES, said, at) is None


@pytest.mark.parametrize(
    ("line", "closes"), [("PP", False), ("PPP", True), ("PPAP", True), ("PAPA", False), ("PUPNP", True), ("AAPPP", True)]
)
def test_a_record_closes_when_enough_of_the_next_classes_were_attended(line: str, closes: bool) -> None:
    seen = [*classes("PPPP"), *classes(line, first=MONDAY + WEEK)]
    assert recovered(NUDGE, seen, instant(MONDAY + timedelta(days=5)), LATER) is closes

"""From stage to stage: which one is due to a student now, what it waits for, and when the record closes. Pure.

No stage comes without the one before, told and waited out (docs/rules.md A 14 and 15).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from adsum.engagement.rules import Finding, Rule, RuleSet, Seen


class Waits(StrEnum):
    """Why a rule that holds starts no stage yet."""

    NOT_TOLD = "not_told"
    """The student was not told of the stage before."""
    TOO_SOON = "too_soon"
    """They were, but have not had the time that the rule gives them."""
    ANSWERED = "answered"
    """They have answered, and the rule is for those who did not."""


@dataclass(frozen=True, slots=True)
class Heard:
    """That a student was told of a stage, and whether they have answered since."""

    at: datetime
    answered: bool = False


def why_wait(rule: Rule, stage: int, rules: RuleSet, told: Mapping[int, Heard], at: datetime) -> Waits | None:
    """Why a rule that holds may not start this stage (its own, or one before it) yet; None: it may. `told` are the stages of
    the record that is open, as far as their messages have arrived. The first stage of a set waits for none."""
    before = max((one for one in rules.stages if one < stage), default=None)
    if before is None:
        return None
    if before not in told:
        return Waits.NOT_TOLD
    own = rule.stage == stage
    wait = rule.wait_days if own else min(one.wait_days for one in rules.rules if one.stage == stage)
    if at < told[before].at + timedelta(days=wait):
        return Waits.TOO_SOON
    return Waits.ANSWERED if own and rule.no_reply and told[before].answered else None


class Due(NamedTuple):
    """The stage that a student comes to now, and the rule and finding that lead to it."""

    stage: int
    rule: Rule
    finding: Finding


def next_step(findings: Iterable[tuple[Rule, Finding]], rules: RuleSet, told: Mapping[int, Heard], at: datetime) -> Due | None:
    """The stage that is due now; None: none is.

    It is always the first one that the student was not told of: also where a rule of a later stage holds already, they hear the
    friendly word first. Of several rules that hold, one of the latest stage is named.
    """
    stage = next((one for one in rules.stages if one not in told), None)
    if stage is None:
        return None
    holding = [(rule, finding) for rule, finding in findings if finding.holds and rule.stage >= stage]
    for rule, finding in sorted(holding, key=lambda pair: (-pair[0].stage, pair[0].code)):
        if why_wait(rule, stage, rules, told, at) is None:
            return Due(stage, rule, finding)
    return None


def recovered(rule: Rule, seen: Sequence[Seen], told_at: datetime, at: datetime) -> bool:
    """Whether the record closes: of so many counted classes in a row that began after the student was told, enough were
    attended. What came after those changes nothing, so that a promise is kept however late it is looked at."""
    since = list[bool]()
    for one in reversed(seen):
        if one.starts_at < told_at:
            break
        if one.counts and one.starts_at <= at:
            since.append(one.attended)
    since.reverse()
    return rule.recovery.was_met(since)

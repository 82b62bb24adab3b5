"""What the university itself has decided about sponsored students: versioned, and never beyond what guidance allows. Pure.

Sources: docs/rules.md B 2, 4, 7, 10.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from adsum.compliance.clock import LADDER, RESEARCH_LADDER, steps_up_to
from adsum.compliance.sponsor_rules import Level
from adsum.compliance.weights import DEFAULTS, NEVER, Way, Weight, counted


class Beyond(StrEnum):
    """Why terms cannot be so."""

    CEILING = "ceiling"
    """They let a student go without engagement for longer than guidance allows."""
    LADDER = "ladder"
    ROW = "row"
    APPROVAL = "approval"
    CAP = "cap"
    MONTH = "month"
    """The monthly rule is half filled in, or does not cite the paragraph it rests on."""
    RESEARCH = "research"
    NEVER = "never"
    """Something counts as a contact that never can."""


@dataclass(frozen=True, slots=True)
class Monthly:
    """The monthly rule below degree level: what guidance sets could not be read, so an officer enters and cites it."""

    warn_below: int
    withdraw_below: int
    months: int
    source: str


@dataclass(frozen=True, slots=True)
class Terms:
    """One version of them; these defaults hold until the first."""

    limit: int | None = None
    """The university's own limit without engagement, in calendar days; None: what guidance allows."""
    ladder: tuple[int, ...] = LADDER
    research_ladder: tuple[int, ...] = RESEARCH_LADDER
    row_warn: int | None = None
    """Contacts missed in a row after which an officer hears of it; None: they are not counted."""
    row_escalate: int | None = None
    approval_days: int = 5
    """Working days of absence from which on compliance approves it, too."""
    absence_cap: int = 42
    """Calendar days of approved absence in any twelve months."""
    research_contacts: int | None = None
    """Contacts that a research student has to have in a period; None: they are not counted."""
    research_days: int = 30
    """The length of that period."""
    monthly: Monthly | None = None
    weights: Mapping[Way, Weight] = field(default_factory=lambda: dict(DEFAULTS))

    def limit_under(self, ceiling: int) -> int:
        """The limit that holds: the university's own, and never more than guidance allows."""
        return ceiling if self.limit is None else min(self.limit, ceiling)

    def ladder_of(self, level: Level) -> tuple[int, ...]:
        return self.research_ladder if level == Level.RESEARCH else self.ladder

    def steps_of(self, level: Level, ceiling: int) -> tuple[int, ...]:
        """The steps of a student at that level, the limit that holds the last of them."""
        return steps_up_to(self.limit_under(ceiling), self.ladder_of(level))

    @property
    def contacts(self) -> frozenset[Way]:
        """What counts as one."""
        return counted(self.weights)

    def wrong(self, ceiling: int) -> Beyond | None:
        """What cannot be so under guidance that allows so many days; None: nothing."""
        every = self.ladder, self.research_ladder
        row = (self.row_warn, self.row_escalate)
        possible = {
            Beyond.CEILING: self.limit is None or 0 < self.limit <= ceiling,
            Beyond.LADDER: all(step > 0 for steps in every for step in steps)
            and all(max(steps, default=0) <= ceiling for steps in every),
            Beyond.ROW: row == (None, None) or 0 < (self.row_warn or 0) < (self.row_escalate or 0),
            Beyond.APPROVAL: 1 <= self.approval_days <= 14,
            Beyond.CAP: 0 < self.absence_cap <= ceiling,
            Beyond.MONTH: self.monthly is None
            or (
                0 < self.monthly.withdraw_below <= self.monthly.warn_below <= 100
                and self.monthly.months > 0
                and bool(self.monthly.source.strip())
            ),
            Beyond.RESEARCH: self.research_contacts is None or (self.research_contacts > 0 and 7 <= self.research_days <= 92),
            Beyond.NEVER: not any(self.weights[way].counts for way in NEVER if way in self.weights),
        }
        return next((what for what, fine in possible.items() if not fine), None)

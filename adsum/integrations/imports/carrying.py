"""Plans an import while others go on working, and writes it while they wait, unless what it was planned from has changed.

A plan is good as long as the generation stays (`accounts.generation`) and the classes in it are as they were seen. A large
plan is written in parts, so that neither check-in (SQLite, where one process at a time may write) nor a lecturer waits for
long. Each part is complete in itself, and what is left after a power cut is planned again. See docs/adr/0029.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from django.db import transaction

from adsum.accounts.bulk import closed
from adsum.accounts.generation import generation, hold_generation
from adsum.attendance.closing import given_to, take_back_unexpected
from adsum.checkin.services import follow_timetable, revoke_passes
from adsum.core.turns import let_others_write, snapshot
from adsum.integrations.imports.known_classes import standing
from adsum.integrations.imports.plan import Plan
from adsum.timetable import services
from adsum.timetable.rules import ImportState
from adsum.timetable.sources import Import
from adsum.timetable.writes import Writes

TRIES = 3
"""How many plans in a row may be overtaken before one is made while others wait."""
PART = 250
"""Rows written at once, where a class counts as several: about a fifth of a second."""

Make = Callable[[datetime], Plan]
May = Callable[[Plan], bool]


class Overtaken(Exception):
    """The rows that the plan was made from have changed."""


@dataclass(slots=True)
class Carrying:
    """One import on its way into the tables."""

    run: Import
    make: Make
    """Plans what the file would change at a given moment. Writes nothing."""
    may: May
    """Whether to write this plan; if not, it has already said why."""
    at: datetime
    actor: str
    begun: bool = False
    """Whether any of it has been written."""
    started: float = field(default_factory=monotonic)

    def out(self) -> None:
        """Plan and write. If others overtake it, try again; after TRIES times, plan while others may not write."""
        tries, at = 0, self.at
        while tries < TRIES:
            with snapshot():
                number, plan = generation(), self.make(at)
            if not self.may(plan):
                return
            written = self.begun
            try:
                self._write(plan, number)
            except Overtaken:
                tries, at = (0 if self.begun and not written else tries + 1), self._now()
            else:
                return
        with transaction.atomic():
            hold_generation()
            plan = self.make(at)
            if self.may(plan) and self._is_ours():
                self._one(plan, plan.writes)
                self._finish(plan)

    def _write(self, plan: Plan, number: int) -> None:
        """Write a plan. Raises Overtaken before the first part that no longer holds."""
        parts = list(plan.writes.parts(PART))
        for done, part in enumerate(parts, start=1):
            with transaction.atomic():
                if hold_generation() != number or not self._stands(plan, part):
                    raise Overtaken
                if not self._is_ours():
                    return
                self._one(plan, part)
                if done == len(parts):
                    self._finish(plan)
                number = generation()
            self.begun = True
            if done < len(parts):
                let_others_write()

    def _now(self) -> datetime:
        """`at`, plus the time taken until now."""
        return self.at + timedelta(seconds=monotonic() - self.started)

    def _is_ours(self) -> bool:
        """Whether the import must still be applied: not when another process was faster."""
        self.run.refresh_from_db(fields=["state"])
        return self.run.state == ImportState.APPLYING

    def _stands(self, plan: Plan, part: Writes) -> bool:
        """Whether the classes of a part have neither begun, nor been observed or reported, since it was planned."""
        spoken_of = part.spoken_of()
        return standing(spoken_of, self._now()) == {pk: plan.standing.get(pk) for pk in spoken_of}

    def _one(self, plan: Plan, part: Writes) -> None:
        """Write one part, with everything that follows from it."""
        given = given_to(plan.whose_past_changes & part.students())
        services.write(part, run=self.run, at=self.at, actor=self.actor)
        take_back_unexpected(given, actor=self.actor, at=self.at)
        for person in closed(part):
            revoke_passes(person.pk, at=self.at)
        follow_timetable([step.session.pk for step in part.classes if step.before], actor=self.actor, at=self.at)

    def _finish(self, plan: Plan) -> None:
        services.finish_import(self.run, ImportState.APPLIED, at=self.at, actor=self.actor)
        if plan.writes.names_more:
            services.read_feeds_afresh()

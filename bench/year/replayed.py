"""Versions of the rules on the same made-up years, in seconds each: python -m bench.year --rules 3 [--students 2000] [--seed N]

The pure part of Adsum alone (`engagement.replay`) judges each student's classes night by night, as they become known. Nobody
answers a reminder, and no person lets anything go, so this is coarser than `bench.year`; but versions meet the same students
and the same mistakes, many years can be tried, and what differs between them is the rules.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from random import Random
from typing import Any

from adsum.attendance.counting import Calendar, Counted, Counting, Days, TermDays
from adsum.attendance.rules import Status
from adsum.core.holidays import working_days
from adsum.engagement.alert_life import held_until
from adsum.engagement.presets import UK_TAUGHT
from adsum.engagement.replay import Known, Night, replay
from adsum.engagement.rules import Doubt, Rule, RuleSet, Seen
from bench.year import truths as rates
from bench.year.truths import ODD, Kind, Truth, people
from bench.year.university import COHORT, HOURS, LONDON, MODULES, TERMS, is_term, mondays

WEEKS, LASTS = 24, timedelta(minutes=50)
CALENDAR = Calendar(
    LONDON,
    tuple(TermDays(one.first, one.last, "2025/6") for one in TERMS),
    tuple(Days(before.last + timedelta(days=1), after.first - timedelta(days=1)) for before, after in pairwise(TERMS)),
)
COUNTED = {status: Counted(status, counting=Counting()) for status in Status}


def _without(**changes: Any) -> tuple[Rule, ...]:
    return tuple(replace(rule, **{k: v for k, v in changes.items() if getattr(rule, k)}) for rule in UK_TAUGHT)


VERSIONS = {
    "UK taught": UK_TAUGHT,
    "a percentage may rest on one missed class": _without(misses=0),
    "the friendly word is held for two days": tuple(replace(rule, hold_days=1 + (rule.stage == 0)) for rule in UK_TAUGHT),
}


class World:
    """One made-up year: what happens to whom, and what becomes known of it when."""

    def __init__(self, students: int, seed: int) -> None:
        self.random = Random(seed)
        self.weeks = mondays(WEEKS)
        self.people = people(students, self.weeks, self.random)
        self.cohorts = [self._hours() for _ in range(0, students, COHORT)]
        self._held = dict[tuple[int, int, date], tuple[bool, bool, int | None]]()
        self._dark = {day: self._outage() for monday in self.weeks for day in (monday + timedelta(days=n) for n in range(5))}

    def _hours(self) -> list[tuple[int, int]]:
        return self.random.sample([(day, hour) for day in range(5) for hour in HOURS], 2 * MODULES)

    def _outage(self) -> tuple[int, int] | None:
        """Which of three buildings is without network, and from which hour."""
        if self.random.random() >= rates.OUTAGES.share:
            return None
        return self.random.randrange(3), self.random.randrange(10, 15)

    def classes_of(self, n: int) -> Iterator[tuple[int, datetime, tuple[bool, bool, int | None]]]:
        """The classes of a student, by number and time, each with whether a register was taken, whether half of the phones
        failed, and in how many days the paper list of those was entered (None: lost)."""
        cohort = n // COHORT
        hours = self.cohorts[cohort]
        mine = hours[: len(hours) // 2] if self.people[n].kind == Kind.PART_TIME else hours
        for week, monday in enumerate(self.weeks):
            for which, (day, hour) in enumerate(mine):
                on = monday + timedelta(days=day)
                key = cohort, which, on
                if key not in self._held:
                    dark = self._dark[on]
                    out = dark is not None and dark[0] == cohort % 3 and dark[1] <= hour < dark[1] + 3
                    self._held[key] = self._class(out=out)
                yield week * len(hours) + which, datetime.combine(on, time(hour), tzinfo=LONDON), self._held[key]

    def _class(self, *, out: bool) -> tuple[bool, bool, int | None]:
        random = self.random
        taken = not out and random.random() >= rates.NO_REGISTER.share
        late = random.random() < rates.LATE_LIST.share
        days = None if random.random() < rates.NO_LIST.share else random.randint(*((16, 20) if late else (1, 6)))
        return taken, random.random() < rates.TROUBLE.share, days

    def known_of(self, n: int) -> list[Known]:
        """What becomes known of a student's classes, in the order in which it does."""
        truth, found = self.people[n], list[Known]()
        for session, at, (taken, trouble, list_in) in sorted(self.classes_of(n), key=lambda one: one[1]):
            day = at.date()
            if not taken or (truth.placement is not None and truth.placement.holds(day)):
                continue
            found += self._of_class(truth, session, at, list_in if trouble else -1)
        return sorted(found, key=lambda one: one.at)

    def _of_class(self, truth: Truth, session: int, at: datetime, list_in: int | None) -> Iterator[Known]:
        """`list_in`: in how many days a paper list is entered; -1: none went round."""
        random, evening = self.random, datetime.combine(at.date(), time(18, 55), tzinfo=LONDON)

        def known(when: datetime, status: Status, *doubts: Doubt) -> Known:
            begins = at.astimezone(UTC)
            seen = Seen(session, 1, begins, begins + LASTS, at.date(), COUNTED[status], None, frozenset(doubts))
            return Known(when.astimezone(UTC), session, seen)

        if random.random() >= truth.chance(at.date()):
            excused = truth.tells and truth.away(at.date())
            yield known(evening, Status.AUTHORISED if excused else Status.ABSENT)
            return
        on_paper = list_in != -1 and random.random() < 0.5
        failed = random.random() < truth.phone
        if not on_paper and (
            (failed and random.random() < rates.TICKED.share) or not (failed or random.random() < truth.forgets)
        ):
            yield known(at, Status.PRESENT)
            return
        yield known(evening, Status.ABSENT)
        if on_paper and list_in is not None:
            yield known(evening + timedelta(days=list_in), Status.PRESENT)
        elif random.random() < rates.NOTICES.share:
            yield known(evening + timedelta(minutes=5), Status.ABSENT, Doubt.UNDER_QUERY)
            right = random.random() < rates.UPHELD.share
            yield known(evening + timedelta(days=random.randint(1, 3)), Status.PRESENT if right else Status.ABSENT)


def nights_of(weeks: Sequence[date]) -> list[Night]:
    days, found = working_days(), list[Night]()
    last = weeks[-1] + timedelta(days=20)
    for n in range((last - weeks[0]).days):
        on = weeks[0] + timedelta(days=n + 1)
        if is_term(on) or is_term(on - timedelta(days=14)):
            at = datetime.combine(on, time(2), tzinfo=LONDON)
            # in truth it leaves at nine, before most classes of the day: here with that day's night
            leaves = (held_until(at, held, LONDON, days).astimezone(UTC) - timedelta(hours=7) for held in range(1, 11))
            found.append(Night(at.astimezone(UTC), on, (at.astimezone(UTC), *leaves)))
    return found


def told(students: int, seed: int) -> tuple[list[Truth], list[list[dict[int, date]]]]:
    """The students of one year, and for each version and student, by stage, the day on which they were first told."""
    world = World(students, seed)
    sets = [RuleSet(n, rules) for n, rules in enumerate(VERSIONS.values())]
    nights = nights_of(world.weeks)
    rows = [replay(sets, world.known_of(n), (), CALENDAR, nights) for n in range(students)]
    return world.people, [list(column) for column in zip(*rows, strict=True)]


def against(people_: Sequence[Truth], first: Sequence[dict[int, date]], least: int) -> tuple[dict[Kind, float], float]:
    """By kind, the share who were told of this stage or a later one; and that of the innocent but odd against the usual."""
    reached, whole = defaultdict[Kind, int](int), defaultdict[Kind, int](int)
    for truth, stages in zip(people_, first, strict=True):
        whole[truth.kind] += 1
        reached[truth.kind] += any(stage >= least for stage in stages)
    shares = {kind: reached[kind] / whole[kind] for kind in Kind if whole[kind]}
    odd = sum(reached[kind] for kind in ODD) / max(1, sum(whole[kind] for kind in ODD))
    return shares, odd / shares[Kind.USUAL] if shares[Kind.USUAL] else 0.0


def compare(students: int, seeds: Sequence[int]) -> None:
    """Print a table: for each of these years, what each version did in it."""
    print(
        "| version | year | any word: usual | part-time | weak phone | odd : usual | reminder or more | stopped, in 14 days |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for seed in seeds:
        truths, versions = told(students, seed)
        gone = [n for n, truth in enumerate(truths) if truth.stops_on is not None]
        for name, first in zip(VERSIONS, versions, strict=True):
            any_, ratio = against(truths, first, 0)
            _formal, later = against(truths, first, 1)
            fresh = [(truths[n].stops_on, first[n].get(0)) for n in gone]
            # who had a word before they stopped is left out: a second one cannot be told from it
            days = [_days(stopped, word) for stopped, word in fresh if stopped and (word is None or word >= stopped)]
            soon = sum(one is not None and one <= 14 for one in days)
            shares = " | ".join(f"{100 * any_[kind]:.1f} %" for kind in (Kind.USUAL, Kind.PART_TIME, Kind.WEAK_PHONE))
            print(f"| {name} | {seed} | {shares} | {ratio:.2f} | {later:.2f} | {soon} of {len(days)} |", flush=True)


def _days(stopped: date, word: date | None) -> int | None:
    """Days of term from the day on which somebody stopped to the first word; None: none came."""
    return sum(is_term(stopped + timedelta(days=n)) for n in range(1, (word - stopped).days + 1)) if word else None

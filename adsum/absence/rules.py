"""Absences: who decides and until when, what the policy authorises at once, and what counts as one episode.

Days are civil ones, first and last included. Sources: docs/rules.md A 19 to 22.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from adsum.core.working_days import WorkingDays

DAY = timedelta(days=1)
LONGEST_TEXT = 500
LONGEST = 60
"""Days one request may cover: what lasts longer is a break in studies, and another conversation."""
OLDEST = 365
"""Days back that a request may reach."""


class Told(StrEnum):
    """How the university came to know."""

    STUDENT = "student"
    PHONE = "phone"
    MAIL = "mail"
    DESK = "desk"


BY_STAFF = (Told.PHONE, Told.MAIL, Told.DESK)


class State(StrEnum):
    """How far a request has come."""

    TOLD = "told"
    """Noted. Nobody decides about its category."""
    UNDER_DECISION = "under_decision"
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"


class Outcome(StrEnum):
    """What was decided."""

    WHOLE = "authorised"
    PART = "part"
    """Authorised but for the classes that the decision names."""
    REFUSED = "refused"
    EVIDENCE = "needs_evidence"
    """Not decided yet: the student is asked for evidence, and the days to decide begin again when it is there."""


MOVES: dict[State, frozenset[Outcome]] = {
    State.TOLD: frozenset(),
    State.UNDER_DECISION: frozenset(Outcome),
    State.DECIDED: frozenset(Outcome) - {Outcome.EVIDENCE},
    State.WITHDRAWN: frozenset(),
}
"""What may be decided in each state; a decision can be changed, and the marks follow."""


class Wants(StrEnum):
    """When a category wants evidence."""

    NEVER = "never"
    BEYOND = "beyond"
    """Once the absence is longer, or the days of the year are more, than a student may certify alone."""
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Category:
    """What the rules say of one category. `authorises`: whether it can be authorised; if not, telling is all there is."""

    code: str
    evidence: Wants = Wants.BEYOND
    self_certifies: bool = False
    authorises: bool = True
    offered: bool = True
    title: str = ""
    """In the university's words; empty for those that have a translation here."""


PRESETS: dict[str, Category] = {
    one.code: one
    for one in (
        Category("illness", self_certifies=True),
        Category("medical", self_certifies=True),
        Category("bereavement", Wants.NEVER),
        Category("caring", self_certifies=True),
        Category("religious", Wants.NEVER),
        Category("jury", Wants.ALWAYS),
        Category("sport", Wants.ALWAYS),
        Category("interview", Wants.ALWAYS),
        Category("transport", Wants.NEVER, authorises=False),
        Category("fault", Wants.NEVER, authorises=False),
        Category("device", Wants.NEVER, authorises=False),
        Category("travel", Wants.ALWAYS),
        Category("other"),
    )
}
"""What a new installation offers (docs/rules.md A 19); each can be changed, and others added."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers of the policy (docs/rules.md A 20 and 21)."""

    in_a_row: int = 7
    """Days in a row that a student may certify alone."""
    a_year: int = 10
    """Days in an academic year, likewise."""
    due_days: int = 3
    """Working days in which a request is decided."""
    late_days: int = 5
    """Working days after the last day of the absence by which it should be told. Later ones go to people."""
    evidence_days: int = 90
    """Days after the decision for which evidence is kept."""


@dataclass(frozen=True, slots=True, order=True)
class Spell:
    """Days away, both ends included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def __iter__(self) -> Iterator[date]:
        return (self.first + n * DAY for n in range(self.days))


def year_of(day: date) -> date:
    """The first day of the academic year that `day` is in: 1 August."""
    return date(day.year if day.month >= 8 else day.year - 1, 8, 1)


def touch(one: Spell, other: Spell, working: WorkingDays) -> bool:
    """Whether both are one episode: they overlap, or no working day lies between them."""
    earlier, later = sorted((one, other))
    gap = (later.first - earlier.last).days
    return not any(working.is_one(earlier.last + n * DAY) for n in range(1, gap))


def episode(spell: Spell, others: Iterable[Spell], working: WorkingDays) -> Spell:
    """The whole episode that `spell` belongs to: itself, with every other that touches it, however many steps away."""
    rest = list(others)
    while near := [other for other in rest if touch(spell, other, working)]:
        rest = [other for other in rest if other not in near]
        spell = Spell(min(spell.first, *(one.first for one in near)), max(spell.last, *(one.last for one in near)))
    return spell


def days_in_year(spells: Iterable[Spell], year: date) -> int:
    """How many different days of the academic year that begins on `year` these cover."""
    return len({day for spell in spells for day in spell if year_of(day) == year})


class People(StrEnum):
    """Why people decide about a request, and not the policy. That a student is sponsored is no such reason: others would learn
    of it. Compliance has an approval of its own (`compliance.leave`)."""

    CATEGORY = "category"
    LATE = "late"
    IN_A_ROW = "in_a_row"
    A_YEAR = "a_year"


def tell_by(last: date, limits: Limits, working: WorkingDays) -> date:
    """The last day by which an absence that ended on `last` should be told."""
    return working.after(last, limits.late_days)


def why_people(
    spell: Spell, category: Category, *, today: date, certified: Sequence[Spell], limits: Limits, working: WorkingDays
) -> People | None:
    """Why people decide about this absence; None: the policy authorises it at once. `certified` are the spells for which it
    did so before."""
    if not category.self_certifies:
        return People.CATEGORY
    if today > tell_by(spell.last, limits, working):
        return People.LATE
    if episode(spell, certified, working).days > limits.in_a_row:
        return People.IN_A_ROW
    if any(days_in_year([spell, *certified], year) > limits.a_year for year in {year_of(spell.first), year_of(spell.last)}):
        return People.A_YEAR
    return None


def wants_evidence(category: Category, why: People | None, *, episode_has_it: bool) -> bool:
    """Whether the student is asked for evidence at once. Never twice for one episode."""
    if episode_has_it or not category.authorises or why is None:
        return False
    return category.evidence == Wants.ALWAYS or (category.evidence == Wants.BEYOND and why in {People.IN_A_ROW, People.A_YEAR})


class Wrong(StrEnum):
    """Why an absence cannot be told like this."""

    BACKWARDS = "backwards"
    TOO_LONG = "too_long"
    TOO_OLD = "too_old"
    NO_CLASS = "no_class"


def why_not(spell: Spell, *, today: date, classes: int) -> Wrong | None:
    """Why this cannot be told; None: it can. Days that are past are fine."""
    if spell.last < spell.first:
        return Wrong.BACKWARDS
    if spell.days > LONGEST:
        return Wrong.TOO_LONG
    if (today - spell.first).days > OLDEST:
        return Wrong.TOO_OLD
    return None if classes else Wrong.NO_CLASS


# Who decides


@dataclass(frozen=True, slots=True)
class Route:
    """Who decides about some requests: those of a category, a group, a department and those below it; '' and None mean any."""

    pk: int
    decider: int
    deputy: int | None = None
    category: str = ""
    group: int | None = None
    department: int | None = None


def route_of(
    routes: Iterable[Route],
    *,
    category: str,
    groups: Iterable[int],
    departments: Iterable[int],
    parents: Mapping[int, int | None],
) -> Route | None:
    """The route of a request, the most particular first: of a group, of the nearest department, of any; and of these, one of
    its category. None: the attendance team."""
    distance: dict[int, int] = {}
    for start in departments:
        steps, here = 0, start
        while True:
            distance[here] = min(distance.get(here, steps), steps)
            above = parents.get(here)
            if above is None:
                break
            here, steps = above, steps + 1
    of_groups = set(groups)

    def rank(route: Route) -> tuple[int, int, int] | None:
        if route.category not in {"", category} or (route.group is not None and route.group not in of_groups):
            return None
        if route.department is not None and route.department not in distance:
            return None
        near = -1 if route.group is not None else distance[route.department] if route.department is not None else len(parents)
        return near, route.category == "", route.pk

    ranked = [(place, route) for route in routes if (place := rank(route)) is not None]
    return min(ranked, key=lambda one: one[0])[1] if ranked else None


# Evidence


class FileKind(StrEnum):
    """What evidence is kept as. Pictures of any kind become a JPEG."""

    PDF = "pdf"
    JPEG = "jpeg"


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A file that was made harmless: encoded again, or taken apart, without what it says besides its pages."""

    kind: FileKind
    content: bytes


MOST_FILES = 5
MOST_BYTES = 10 * 1024 * 1024
"""Of one file as it comes."""

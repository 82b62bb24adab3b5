"""Everything that is kept about one person, gathered along the declarations of the tables: other people by role, never by name.

What the person gets at once leaves out what an officer reads first (`parts`), and counts it; what an officer has looked
through has each text as it was decided.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from django.db.models import BinaryField, Field, ForeignKey, ManyToManyField, Model, QuerySet

from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.attendance.record import classes_of, own_classes
from adsum.audit import tree
from adsum.audit.reports import Looks, looks_at
from adsum.core.declared import Class, Table
from adsum.privacy.declarations import declarations
from adsum.privacy.parts import HELD_WHOLE, TITLES, Why, held_row, held_text, is_of_staff
from adsum.privacy.rights_rules import Decision, Ground
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import university_zone

BATCH = 500
AnyField: TypeAlias = "Field[Any, Any]"
ManyField: TypeAlias = "ManyToManyField[Any, Any]"


class Place(NamedTuple):
    """Where a text stands: its table, row and column; the whole row without a column."""

    table: str
    row: int
    column: str = ""


class Verdict(NamedTuple):
    """What an officer decided about one text."""

    decision: Decision
    ground: Ground | None
    redacted: str = ""


RELEASED = Verdict(Decision.RELEASE, None)


@dataclass(frozen=True, slots=True)
class Held:
    """A text that waits for an officer, or was kept back by one."""

    place: Place
    why: Why
    at: datetime | None
    """When it was written, as far as its row says."""
    text: Mapping[str, str]
    """By column, for the officer alone."""
    ground: Ground | None = None


@dataclass(slots=True)
class Part:
    """One table of the file, or one of those made for it."""

    name: str
    title: str
    columns: list[str]
    rows: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Gathered:
    """A person's file, in parts, and what is not in it."""

    parts: list[Part]
    held: list[Held]

    @property
    def said(self) -> list[Held]:
        """What is left out and may be spoken of."""
        return [one for one in self.held if one.why != Why.DISCLOSURE]


class Other(StrEnum):
    """Who somebody is to the person whose file it is."""

    YOU = "you"
    STUDENT = "another student"
    STAFF = "a member of staff"


def tables() -> Iterator[tuple[type[Model], Table]]:
    """Every table with rows about people."""
    return ((model, table) for model, table in declarations().items() if table.about_people)


def rows_about(model: type[Model], declared: Table, person: Person) -> QuerySet[Model]:
    """The rows of a table that are about this person."""
    return model._default_manager.filter(**{declared.person: person.pk}).order_by("pk").distinct()


def gather(
    person: Person, *, verdicts: Mapping[Place, Verdict] | None = None, done: Callable[[int], None] = lambda _done: None
) -> Gathered:
    """The file of a person. `verdicts`: an officer has looked through it, and this is what they decided; a text without a
    verdict stays out. `done` is told how many parts are."""
    names = _Names(person)
    found = Gathered([], [])
    makers: Sequence[Callable[[], Part | None]] = [
        lambda: _classes(person),
        *(_Reading(model, declared, person, names, verdicts, found.held).part for model, declared in tables()),
        lambda: _looks(person),
        lambda: _events(person),
    ]
    for number, make in enumerate(makers, 1):
        part = make()
        if part is not None and part.rows:
            found.parts.append(part)
        done(number)
    return found


def held_texts(person: Person) -> list[Held]:
    """What an officer reads before it is handed over, with its words."""
    names, held = _Names(person), list[Held]()
    for model, declared in tables():
        if model.__name__ in HELD_WHOLE or any(is_of_staff(one) for one in declared.fields.values()):
            _Reading(model, declared, person, names, None, held).part()
    return held


def how_many_parts() -> int:
    """How many parts a file is gathered from."""
    return sum(1 for _ in tables()) + 3


class _Names:
    """What rows lead to, in words that name nobody but the person: found once for all rows of a batch."""

    def __init__(self, person: Person) -> None:
        self.person = person.pk
        self.roles: dict[int, str] = {}
        self.classes: dict[int, str] = {}

    def learn(self, people: Collection[int], classes: Collection[int]) -> None:
        """Look up who and what is not known yet (at most two queries)."""
        if new := set(people) - self.roles.keys() - {self.person}:
            held: dict[int, list[str]] = defaultdict(list)
            for pk, role in RoleGrant.objects.filter(person__in=new).order_by("pk").values_list("person", "role"):
                held[pk].append(role)
            self.roles |= {pk: _as_one_of(held.get(pk, [])) for pk in new}
        if wanted := set(classes) - self.classes.keys():
            rows = ClassSession.objects.filter(pk__in=wanted).values_list("pk", "module__code", "title", "starts_at")
            zone = university_zone()
            self.classes |= {pk: f"{code} {title}, {at.astimezone(zone):%Y-%m-%d %H:%M}" for pk, code, title, at in rows}

    def of_person(self, pk: int) -> str:
        return Other.YOU if pk == self.person else self.roles.get(pk, Other.STAFF)

    def of_class(self, pk: int) -> str:
        return self.classes.get(pk, f"class {pk}")


def _as_one_of(roles: Sequence[str]) -> str:
    staff = [role for role in roles if role != Role.STUDENT]
    return staff[0] if staff else Other.STUDENT if roles else Other.STAFF


@dataclass(frozen=True, slots=True)
class _Reading:
    """One table, read for one person."""

    model: type[Model]
    declared: Table
    person: Person
    names: _Names
    verdicts: Mapping[Place, Verdict] | None
    held: list[Held]

    def part(self) -> Part:
        table = self.model.__name__
        fields = [one for one in self._fields() if not isinstance(one, ManyToManyField)]
        many = [one for one in self._fields() if isinstance(one, ManyToManyField)]
        part = Part(table, str(TITLES.get(table, table)), [one.name for one in (*fields, *many)])
        rows = rows_about(self.model, self.declared, self.person).prefetch_related(*(one.name for one in many))
        skipped = [one.name for one in self.model._meta.concrete_fields if isinstance(one, BinaryField)]
        for batch in _batches(rows.defer(*skipped)):
            self._learn(batch, fields)
            for row in batch:
                if (said := self._row(row, fields, many)) is not None:
                    part.rows.append(said)
        return part

    def _fields(self) -> list[AnyField]:
        """Those that are handed over: no secrets, and no files."""
        meta = self.model._meta
        return [
            one
            for one in (*meta.concrete_fields, *meta.many_to_many)
            if not isinstance(one, BinaryField)
            and (
                one.primary_key or one.name not in self.declared.fields or self.declared.fields[one.name].klass != Class.SECRET
            )
        ]

    def _learn(self, batch: Sequence[Model], fields: Sequence[AnyField]) -> None:
        people, classes = set[int](), set[int]()
        for one in fields:
            if isinstance(one, ForeignKey) and one.related_model in {Person, ClassSession}:
                wanted = people if one.related_model is Person else classes
                wanted.update(pk for row in batch if (pk := getattr(row, one.attname)) is not None)
        self.names.learn(people, classes)

    def _row(self, row: Model, fields: Sequence[AnyField], many: Sequence[ManyField]) -> dict[str, Any] | None:
        """A row as it is handed over; None when it stays out."""
        why, texts = held_row(row), self._texts(row)
        whole = self._verdict(row, "", why, texts) if why is not None else RELEASED
        if whole is None:
            return None
        if whole.decision == Decision.REDACT:
            texts = dict.fromkeys(texts, "") | {next(iter(texts), "words"): whole.redacted}
        said: dict[str, Any] = {}
        for one in fields:
            value = texts.get(one.name) or None if one.name in texts else self._value(row, one)
            if why is None and one.name in texts:
                held = held_text(row, one.name, self.declared.fields[one.name])
                verdict = self._verdict(row, one.name, held, {one.name: texts[one.name]}) if held is not None else RELEASED
                value = None if verdict is None else verdict.redacted or value
            said[one.name] = value
        for link in many:
            said[link.name] = [str(other) for other in getattr(row, link.name).all()]
        return said

    def _texts(self, row: Model) -> dict[str, str]:
        """What is said in words in this row."""
        found = {
            name: getattr(row, name, None)
            for name, one in self.declared.fields.items()
            if one.text and one.klass != Class.SECRET
        }
        return {name: text for name, text in found.items() if text and isinstance(text, str)}

    def _verdict(self, row: Model, column: str, why: Why, text: Mapping[str, str]) -> Verdict | None:
        """By what it is handed over; None when it stays out, which is kept in `held`."""
        place = Place(self.model.__name__, row.pk, column)
        verdict = self.verdicts.get(place) if self.verdicts is not None else None
        if verdict is not None and verdict.decision != Decision.WITHHOLD:
            return verdict
        self.held.append(Held(place, why, _when(row), text, verdict.ground if verdict else None))
        return None

    def _value(self, row: Model, one: AnyField) -> Any:
        if isinstance(one, ForeignKey):
            pk = getattr(row, one.attname)
            if pk is None:
                return None
            if one.related_model is Person:
                return self.names.of_person(pk)
            return self.names.of_class(pk) if one.related_model is ClassSession else pk
        return plain(getattr(row, one.attname))


def plain(value: Any) -> Any:
    """A value as JSON has it: times in UTC."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    return value if isinstance(value, str | int | float | bool | list | dict | None) else str(value)


def _when(row: Model) -> datetime | None:
    """The first time that a row says, such as `at` or `made_at`."""
    times = (getattr(row, one.attname) for one in row._meta.concrete_fields if one.get_internal_type() == "DateTimeField")
    return next((at for at in times if at is not None), None)


def _batches(rows: QuerySet[Model]) -> Iterator[list[Model]]:
    after = None
    while batch := list((rows if after is None else rows.filter(pk__gt=after))[:BATCH]):
        yield batch
        after = batch[-1].pk


# Parts that no table has as it is


def _classes(person: Person) -> Part:
    part = Part(
        "classes",
        str(TITLES["classes"]),
        ["class", "kind", "starts_at", "ends_at", "rooms", "status", "minutes_late", "counts"],
    )
    for one in own_classes(person, classes_of(person)):
        session = one.session
        part.rows.append(
            {
                "class": f"{session.module.code} {session.title}",
                "kind": session.kind,
                "starts_at": plain(session.starts_at),
                "ends_at": plain(session.ends_at),
                "rooms": [room.name for room in session.rooms.all()],
                "status": one.status.value,
                "minutes_late": one.mark.minutes_late if one.mark else None,
                "counts": one.counts,
            }
        )
    return part


def _looks(person: Person) -> Part:
    rows = [
        {
            "day": plain(one.day),
            "as": one.role,
            "page": one.page,
            "purpose": one.purpose,
            "times": one.times,
            "last": plain(one.last),
        }
        for one in (Looks(*row) for row in looks_at(person.pk, university_zone()))
    ]
    return Part("looks", str(TITLES["looks"]), ["day", "as", "page", "purpose", "times", "last"], rows)


def _events(person: Person) -> Part:
    """The event log by and about the person, newest first: what happened and when, not who else was in it."""
    mine = frozenset(tree.tokens_of(person.pk))
    part, before, more = Part("events", str(TITLES["events"]), ["at", "what", "by"]), None, bool(mine)
    while more:
        found, more = tree.events(tree.Search(aliases=mine), before=before, limit=BATCH)
        before = found[-1].index if found else None
        for one in found:
            if one.event is not None:
                by = Other.YOU if one.event.actor.removeprefix("person:") in mine else _by(one.event.actor)
                part.rows.append({"at": plain(one.event.at), "what": one.event.verb, "by": by})
    return part


def _by(actor: str) -> str:
    return Other.STAFF if actor.startswith("person:") else "Adsum"

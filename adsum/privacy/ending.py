"""Ending what is over, exactly as the declarations say: table by table, in parts so short that nobody waits for them.

Whom it is about stands in `Ended`, with no time yet; so a run that was killed goes on where it was. Rows are looked for without
a lock, some ten thousand at a time, and then ended some thousand at a time, each in a transaction of its own.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import BinaryField, JSONField, Max, Min, Model, OuterRef, QuerySet, Subquery

from adsum.accounts.erasing import stand_ins
from adsum.accounts.models import Person
from adsum.core import student_keys
from adsum.core.declared import LIVES, After, AtEnd, Keep, Table
from adsum.core.student_keys import Over
from adsum.core.turns import let_others_write
from adsum.core.university import civil_date
from adsum.privacy.declarations import declarations, verb
from adsum.privacy.due import left
from adsum.privacy.models import Ended
from adsum.privacy.rules import Left

LOOKED_AT = 50_000
WRITTEN = 2_000
PEOPLE = 500


def begin(classes: Mapping[int, tuple[Left | None, Collection[Keep]]]) -> None:
    """Note what of whom is to be ended. A student of whom it stays known who they were gets a stand-in, to whom what is kept
    without a name leads from now on."""
    rows = [
        Ended(student_id=student, keep=keep, left_on=left and left.on, sponsored=bool(left and left.sponsored))
        for student, (left, keeps) in classes.items()
        for keep in keeps
    ]
    for start in range(0, len(rows), WRITTEN):
        part = rows[start : start + WRITTEN]
        with transaction.atomic():
            moving = [row for row in part if row.keep == Keep.ATTENDANCE and Keep.ACCOUNTS not in classes[row.student_id][1]]
            for row, person in zip(moving, stand_ins(len(moving)), strict=True):
                row.stand_in = person
            Ended.objects.bulk_create(
                part,
                update_conflicts=True,
                unique_fields=["student", "keep"],
                update_fields=["left_on", "sponsored", "stand_in", "at"],
            )
        let_others_write()


def end(*, at: datetime) -> dict[str, dict[str, int]]:
    """End everything that was begun; by class, how many rows of each table, and under `students` of how many."""
    return {keep: _end_class(keep, at) for keep in Keep if _going(keep).exists()}


def _going(keep: Keep) -> QuerySet[Ended]:
    return Ended.objects.filter(keep=keep, at=None)


def end_by_time(*, at: datetime) -> dict[str, int]:
    """End rows and fields that live for so long after something, where no feature has a verb for it; how many of each table."""
    found: dict[str, int] = {}
    for model, table in declarations().items():
        life = LIVES[table.keep]
        if life.after != After.EVENT or table.nightly or not table.since:
            continue
        old = model._default_manager.filter(**{f"{table.since}__lt": at - timedelta(days=life.days)})
        if table.rows == AtEnd.ERASE:
            found[model.__name__] = sum(_delete(model, part) for part in parts(old))
        elif names := emptied(table, table.keep):
            empty = {name: nothing(model._meta.get_field(name)) for name in names}
            found[model.__name__] = sum(_write(model, part, empty) for part in parts(old.exclude(**empty)))
    return {name: number for name, number in found.items() if number}


def brought_back() -> dict[int, list[Keep]]:
    """By student, the classes that were ended after a backup was made that has been restored since: as the journal beside the
    keys says."""
    lines = set(student_keys.journal())
    done = set(Ended.objects.exclude(at=None).values_list("student", "keep"))
    again = [line for line in lines if (line.person, line.keep) not in done]
    refs = dict(Person.objects.filter(pk__in={line.person for line in again}).values_list("pk", "ref"))
    wanted: dict[int, list[Keep]] = {}
    for line in again:
        if line.person in refs and student_keys.mark_of(line.person, str(refs[line.person])) == line.mark:
            wanted.setdefault(line.person, []).append(Keep(line.keep))
    return wanted


def end_brought_in(people: Collection[int], *, at: datetime) -> None:
    """What files that were brought in said of people who are not known any more, before the files' own time is over."""
    for model, table in declarations().items():
        if table.keep == Keep.IMPORTS and table.person and table.rows == AtEnd.ERASE:
            rows = model._default_manager.filter(**{f"{table.person}__in": people})
            for part in parts(rows):
                _call(table.verb, part, at) if table.verb else _delete(model, part)


def replay(*, at: datetime) -> int:
    """End again what a restored backup has brought back; how many classes of all students together."""
    wanted = brought_back()
    if wanted:
        known = left(civil_date(at), list(wanted))
        begin({person: (known.get(person), keeps) for person, keeps in wanted.items()})
        end_brought_in([person for person, keeps in wanted.items() if Keep.ACCOUNTS in keeps], at=at)
        end(at=at)
    return sum(map(len, wanted.values()))


def _note_over(keep: Keep, at: datetime) -> None:
    """Into the journal, before anything is ended: who was killed in the middle is brought to the end by it, too."""
    going = _going(keep).order_by("student").values_list("student", "student__ref")
    student_keys.note_over((Over(pk, keep, student_keys.mark_of(pk, str(ref))) for pk, ref in going), at=at)


def _end_class(keep: Keep, at: datetime) -> dict[str, int]:
    """The words first, then the rows that lead to a person: who somebody was is told by some tables through others."""
    _note_over(keep, at)
    tables = {model: declarations()[model] for model in referrers_first()}
    counts = {model.__name__: _end_rows(model, table, keep, at) for model, table in tables.items() if table.person}
    for model, table in declarations().items():
        if table.keep == keep and table.verb and not table.person:
            counts[model.__name__] = sum(_call(table.verb, part, at) for part in _people(keep))
    for name, number in _move(keep).items():
        counts[name] += number
    for people in _people(keep):
        student_keys.destroy(people, keep)
    students = _going(keep).update(stand_in=None, at=at)
    return {name: number for name, number in counts.items() if number} | {"students": students}


def referrers_first() -> list[type[Model]]:
    """The tables in an order in which rows that lead to others go before those."""
    found: dict[type[Model], None] = {}
    seen: set[type[Model]] = set()

    def visit(model: type[Model]) -> None:
        if model in seen or model not in declarations():
            return
        seen.add(model)
        for relation in model._meta.get_fields(include_hidden=True):
            if relation.auto_created and (relation.one_to_many or relation.one_to_one):
                visit(relation.related_model)  # type: ignore[arg-type]
        found[model] = None

    for model in declarations():
        visit(model)
    return list(found)


def _end_rows(model: type[Model], table: Table, keep: Keep, at: datetime) -> int:
    """End what the class has in one table: by the verb that its declaration names, or as it says itself; how many rows."""
    rows = model._default_manager.filter(**{f"{table.person}__in": _going(keep).values("student")})
    if table.keep == keep and table.verb:
        return sum(_call(table.verb, part, at) for part in parts(rows))
    if table.keep == keep and table.rows == AtEnd.ERASE:
        return sum(_delete(model, part) for part in parts(rows))
    if names := emptied(table, keep):
        empty = {name: nothing(model._meta.get_field(name)) for name in names}
        full = rows if None in empty.values() else rows.exclude(**empty)
        return sum(_write(model, part, empty) for part in parts(full))
    return 0


def _move(keep: Keep) -> dict[str, int]:
    """Lead what stays without a name to the stand-ins of those who are still known for something else; how many rows of each
    table."""
    moving = _going(keep).exclude(stand_in=None)
    counts: dict[str, int] = {}
    if not moving.exists():
        return counts
    for model, table in declarations().items():
        if table.keep == keep and moves(table):
            whose = Subquery(moving.filter(student=OuterRef(table.person)).values("stand_in")[:1])
            rows = model._default_manager.filter(**{f"{table.person}__in": moving.values("student")})
            counts[model.__name__] = sum(_write(model, part, {table.person: whose}) for part in parts(rows))
    return counts


def moves(table: Table) -> bool:
    """Whether rows of this table stay and lead to their person by a column of their own, which can lead elsewhere."""
    return bool(table.person) and table.rows == AtEnd.PSEUDONYMISE and "__" not in table.person and table.person != "id"


def emptied(table: Table, keep: Keep) -> list[str]:
    """The columns of a table that are emptied at the end of a class."""
    if table.rows == AtEnd.ERASE:
        return []
    return [name for name, field in table.fields.items() if field.keep == keep and field.at_end == AtEnd.ERASE]


def nothing(field: Any) -> Any:
    """What stands in a column of which nothing is known any more."""
    if field.null:
        return None
    if isinstance(field, JSONField):
        return field.get_default()
    if isinstance(field, BinaryField):
        return b""
    text = field.get_internal_type() in {"CharField", "TextField", "EmailField", "URLField"}
    return "" if text else field.to_python(0)


def parts(rows: QuerySet[Any]) -> Iterator[list[int]]:
    """The ids of these rows, some at a time. They are looked for by ranges of ids, because not every table has an index of its
    people, and a look at all of it at once would take long."""
    ends = rows.model._default_manager.aggregate(low=Min("pk"), high=Max("pk"))
    if not isinstance(ends["low"], int):  # none, or a table whose rows have no numbers, which is small
        yield from ([pk] for pk in rows.values_list("pk", flat=True))
        return
    for low in range(ends["low"], ends["high"] + 1, LOOKED_AT):
        found = list(rows.filter(pk__gte=low, pk__lt=low + LOOKED_AT).order_by().values_list("pk", flat=True).distinct())
        for start in range(0, len(found), WRITTEN):
            yield found[start : start + WRITTEN]


def _people(keep: Keep) -> Iterator[list[int]]:
    people = list(_going(keep).order_by("student").values_list("student", flat=True))
    return (people[start : start + PEOPLE] for start in range(0, len(people), PEOPLE))


def _delete(model: type[Model], rows: list[int]) -> int:
    with transaction.atomic():
        number = model._default_manager.filter(pk__in=rows).delete()[0]
    let_others_write()
    return number


def _write(model: type[Model], rows: list[int], values: Mapping[str, Any]) -> int:
    with transaction.atomic():
        number = model._default_manager.filter(pk__in=rows).update(**values)
    let_others_write()
    return number


def _call(dotted: str, rows: list[int], at: datetime) -> int:
    with transaction.atomic():
        number = verb(dotted)(rows, at=at)
    let_others_write()
    return int(number)

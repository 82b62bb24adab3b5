"""The only code that writes the timetable: people and places as a source has them, classes, their history, imports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, NamedTuple

from django.db import models, transaction
from django.db.models import Model, Q, Value
from django.db.models.functions import Cast, Concat

from adsum.accounts.bulk import write_people
from adsum.accounts.generation import raise_generation
from adsum.accounts.models import Person
from adsum.audit.bulk import Rows, events_of, save_rows, update_rows
from adsum.audit.services import Entry, record, record_all
from adsum.core import vault
from adsum.core.declared import LIVES, Keep
from adsum.core.signing import fingerprint
from adsum.core.turns import let_others_write
from adsum.timetable.calendar_table import CalendarKey
from adsum.timetable.events import AUDITED, TOLD, events_of_places
from adsum.timetable.keeping import ids_of, keep_before, keep_places, with_ids
from adsum.timetable.models import ClassChange, ClassSession, Group, Room, Teaching
from adsum.timetable.rules import Change, ClassFacts, ImportState, Keys, PollOutcome
from adsum.timetable.sources import FeedMapping, Import, ImportChange, ImportProblem, Poll
from adsum.timetable.writes import ClassStep, SourceWord, Writes

BATCH = 2000
POLLS_KEPT = timedelta(days=90)
"""How long the history of a feed's polls goes back."""
IMPORTS_KEPT = timedelta(days=LIVES[Keep.IMPORTS].days)
"""How long what a file said of people can be read."""
SAID = ["source", "source_id", "occurrence", "said", "source_changed_at", "sequence", "kept_at"]
"""Fields of a class about its source: what the source said about it, and its id there."""


@transaction.atomic
def write(writes: Writes, *, run: Import, at: datetime, actor: str) -> None:
    """Carry out an import: every row, the history of every class, and the events, or nothing at all."""
    raise_generation()
    entries = write_people(writes)
    for name, kind in AUDITED.items():
        rows: Rows[Any] = getattr(writes, name)
        save_rows(rows, feature="timetable")
        entries += events_of(kind, rows, TOLD)
    keep_before(writes.places.changed)
    save_rows(writes.places, feature="timetable")
    keep_places([*writes.places.new, *writes.places.changed], at=at)
    entries += events_of_places(writes.places)
    entries += _give_up_names(writes.renamed)
    entries += write_classes(writes.classes, run=run, at=at, actor=actor, fields=writes.fields)
    update_rows(writes.touched, {session.pk: SAID for session in writes.touched})
    entries += [_hear(word, at) for word in writes.words]
    record_all(entries, actor=actor, at=at)


def _give_up_names(sessions: Sequence[ClassSession]) -> list[Entry]:
    """Free the ids of classes that get others, before any class takes one of them: they may only have changed places."""
    for start in range(0, len(sessions), BATCH):
        batch = ClassSession.objects.filter(pk__in=[session.pk for session in sessions[start : start + BATCH]])
        batch.update(source_id=Concat(Value("~"), Cast("pk", models.CharField())))
    return [Entry("class.renamed", f"session:{session.pk}", {"source": session.source}) for session in sessions]


def _hear(word: SourceWord, at: datetime) -> Entry:
    """Settle a report that its source agrees with, or keep what its source says instead."""
    report = word.report
    if word.agrees:
        report.decided_at, report.confirmed = at, True
    if word.status is not None:
        report.undo["status"] = word.status
    if word.when is not None:
        report.undo["when"] = list(word.when)
    if word.delivery is not None:
        report.undo["delivery"] = word.delivery
    for name in ("rooms", "staff", "groups"):
        rows: Sequence[models.Model] | None = getattr(word, name)
        if rows is not None:
            report.undo[name] = sorted(row.pk for row in rows)
    report.save(update_fields=["undo", "decided_at", "confirmed"])
    return Entry("report.agreed" if word.agrees else "report.contradicted", f"session:{report.session_id}", {})


def facts_json(facts: ClassFacts | None) -> dict[str, Any] | None:
    """Facts as they are kept: times in ISO 8601, UTC."""
    if facts is None:
        return None
    return {
        "title": facts.title,
        "module": facts.module,
        "kind": facts.kind,
        "starts_at": facts.starts_at.isoformat(),
        "ends_at": facts.ends_at.isoformat(),
        "delivery": facts.delivery,
        "mandatory": facts.mandatory,
        "status": facts.status,
        "rooms": list(facts.rooms),
        "staff": list(facts.staff),
        "groups": list(facts.groups),
        "partner": facts.partner,
    }


def write_classes(
    steps: list[ClassStep], *, run: Import | None, at: datetime, actor: str, fields: Mapping[int, list[str]] | None = None
) -> list[Entry]:
    """Save the classes, their rooms, groups and staff, and one line of history each. Returns the events to record. `fields`:
    those that change, by key, where they were noted before."""
    rows: Rows[ClassSession] = Rows(fields=dict(fields or {}))
    for step in steps:
        (rows.new if step.session._state.adding else rows.changed).append(step.session)
    rows.note()
    for session in rows.changed:
        session.version += 1
        rows.fields[session.pk] = [*rows.fields[session.pk], "version"]
    save_rows(rows, feature="timetable")
    had = ids_of([session.pk for session in rows.changed])
    through = ClassSession.rooms.through, ClassSession.groups.through, Teaching
    _relink(through[0], "classsession", "room", [(step.session, step.rooms) for step in steps])
    _relink(through[1], "classsession", "group", [(step.session, step.groups) for step in steps])
    _relink(through[2], "session", "person", [(step.session, step.staff) for step in steps])
    if run is not None and (known := {room.pk for step in steps for room in step.rooms or () if room.by_hand}):
        Room.objects.filter(pk__in=known).update(by_hand=False)  # a timetable names them now
    has = ids_of([step.session.pk for step in steps])
    ClassChange.objects.bulk_create(
        [
            ClassChange(
                session=step.session,
                version=step.session.version,
                at=at,
                change=step.change,
                actor=actor,
                before=with_ids(facts_json(step.before), had.get(step.session.pk, {})),
                import_run=run,
                after=with_ids(facts_json(step.after), has[step.session.pk]),
                reason=step.reason,
            )
            for step in steps
        ],
        batch_size=BATCH,
    )
    return [Entry(f"class.{step.change}", f"session:{step.session.pk}", {"version": step.session.version}) for step in steps]


def _relink(
    model: type[models.Model], one: str, many: str, links: Iterable[tuple[ClassSession, Sequence[models.Model] | None]]
) -> None:
    """Give each class exactly these rooms (groups, staff)."""
    wanted = [(session, others) for session, others in links if others is not None]
    had_some = [session.pk for session, _ in wanted if session.version > 1]
    for start in range(0, len(had_some), BATCH):
        model._default_manager.filter(**{f"{one}__in": had_some[start : start + BATCH]}).delete()
    model._default_manager.bulk_create(
        [model(**{one: session, many: other}) for session, others in wanted for other in others], batch_size=BATCH
    )


def facts_of(session: ClassSession) -> ClassFacts:
    """What the timetable says of a class now (three queries)."""
    return class_facts(session, session.rooms.all(), session.groups.select_related("module"), session.staff.all())


def class_facts(session: ClassSession, rooms: Iterable[Room], groups: Iterable[Group], staff: Iterable[Person]) -> ClassFacts:
    """The facts of a class and what belongs to it, in words a person can read; no query where relations are loaded."""
    rooms, groups, staff = list(rooms), list(groups), list(staff)
    return ClassFacts(
        title=session.title,
        module=session.module.code,
        kind=str(session.kind),
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        delivery=str(session.delivery),
        mandatory=session.mandatory,
        status=str(session.status),
        rooms=tuple(sorted(room.name for room in rooms)),
        staff=tuple(sorted(f"{person.display_name} ({person.number or person.username})" for person in staff)),
        groups=tuple(sorted(f"{group.module.code} {group.code}" for group in groups)),
        keys=Keys(
            frozenset(room.pk or room.name for room in rooms),
            frozenset(person.pk for person in staff),
            frozenset(group.pk or (group.module.code, group.code) for group in groups),
        ),
        partner=session.delivery_partner_id or "",
    )


# Imports


class Line(NamedTuple):
    """One line of the diff: what would happen to one thing, as a person reads it."""

    change: Change
    what: str
    label: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Trouble(NamedTuple):
    """One row that could not be used, or one notice."""

    code: str
    file: str
    line: int
    message: str
    row: str
    notice: bool


def start_import(*, kind: str, filename: str, content: bytes, options: Mapping[str, Any], actor: str, at: datetime) -> Import:
    """Take a file in. Nothing is read yet."""
    with transaction.atomic():
        run = Import.objects.create(
            kind=kind,
            filename=filename[:250],
            content=content,
            sha256=sha256(content).hexdigest(),
            options=dict(options),
            actor=actor,
            created_at=at,
        )
        record(actor=actor, verb="import.start", subject=f"import:{run.pk}", at=at, sha256=run.sha256)
    return run


def move_import(run: Import, to: ImportState, *, only_from: Iterable[ImportState]) -> bool:
    """Take an import from one of some states to another; False when another process was first."""
    moved = Import.objects.filter(pk=run.pk, state__in=list(only_from)).update(state=to)
    if moved:
        run.state = to
    return bool(moved)


def show_progress(run: Import, done: int, total: int) -> None:
    """Keep how far checking has come, for people who watch its page."""
    Import.objects.filter(pk=run.pk).update(done=done, total=total)


def save_diff(
    run: Import,
    *,
    source: str,
    lines: Sequence[Line],
    troubles: Sequence[Trouble],
    counts: Mapping[str, Any],
    stop: str,
    digest: str,
) -> None:
    """Keep what an import would do, for a person to read: it is then CHECKED. The rows of a large one are written in parts, so
    that check-in does not wait for all of them."""
    changes = [ImportChange(import_run=run, **{**line._asdict(), "label": line.label[:250]}) for line in lines]
    problems = [ImportProblem(import_run=run, **trouble._asdict()) for trouble in troubles]
    with transaction.atomic():
        _forget_diff(run)
    tables: tuple[tuple[type[Model], list[Any]], ...] = ((ImportChange, changes), (ImportProblem, problems))
    parts = [(table, rows[n : n + BATCH]) for table, rows in tables for n in range(0, len(rows), BATCH)]
    for done, (table, part) in enumerate(parts):
        if done:
            let_others_write()
        table._default_manager.bulk_create(part)
    with transaction.atomic():
        Import.objects.select_for_update().get(pk=run.pk)
        if (run.changes.count(), run.problems.count()) != (len(changes), len(problems)):  # checked twice at the same time
            _forget_diff(run)
            for table, rows in tables:
                for row in rows:
                    row.pk = None
                table._default_manager.bulk_create(rows, batch_size=BATCH)
        Import.objects.filter(pk=run.pk).update(
            state=ImportState.CHECKED, source=source, counts=counts, stop_reason=stop, digest=digest
        )
    run.refresh_from_db(fields=["state", "source", "counts", "stop_reason", "digest"])


def _forget_diff(run: Import) -> None:
    run.changes.all().delete()
    run.problems.all().delete()


def stop_import(run: Import, reason: str) -> None:
    """Back to CHECKED with a sentence that says why it was not applied; nothing was changed."""
    Import.objects.filter(pk=run.pk).update(state=ImportState.CHECKED, stop_reason=reason)
    run.refresh_from_db(fields=["state", "stop_reason"])


@transaction.atomic
def finish_import(run: Import, state: ImportState, *, at: datetime, actor: str, reason: str = "") -> None:
    """An import has come to its end: APPLIED, REFUSED or DISCARDED. The file itself is not kept; its hash is."""
    Import.objects.filter(pk=run.pk).update(state=state, finished_at=at, stop_reason=reason, content=b"")
    record(actor=actor, verb=f"import.{state}", subject=f"import:{run.pk}", at=at, **run.counts)
    run.refresh_from_db(fields=["state", "finished_at", "stop_reason"])


def forget_imports(*, at: datetime) -> int:
    """Forget what files of long ago said of people, and what they were called: a file that still waits is discarded, and the
    rows that a person was shown go. How many rows. Part by part, so that no check-in waits."""
    old = Import.objects.filter(created_at__lt=at - IMPORTS_KEPT)
    for run in old.filter(finished_at=None):
        finish_import(run, ImportState.DISCARDED, at=at, actor="system:retention")
    old.exclude(stop_reason="", filename="").update(stop_reason="", filename="")
    gone = 0
    for table in (ImportChange, ImportProblem):
        rows = table._default_manager.filter(import_run__in=old)
        while pks := list(rows.values_list("pk", flat=True)[:BATCH]):
            table._default_manager.filter(pk__in=pks).delete()
            gone += len(pks)
            let_others_write()
    return gone


class Polling(NamedTuple):
    """What sort of feed an address holds and how often it is asked; see the columns of FeedMapping."""

    format: str = FeedMapping.Format.ICALENDAR
    partial: bool = False
    every_minutes: int | None = None
    apply_below: int = 20
    alarm_hours: int = 24


ON_REQUEST = Polling()
"""A calendar that is fetched only when a person asks."""


def save_mapping(
    *, name: str, url: str, mapping: Mapping[str, Any], actor: str, at: datetime, polling: Polling = ON_REQUEST
) -> FeedMapping:
    """Keep where a source is and how it is read, under its name. One that is polled is asked again soon, from afresh."""
    afresh: dict[str, Any] = {
        "etag": "",
        "last_modified": "",
        "sha256": "",
        "failures": 0,
        "last_error": "",
        "stale_since": None,
    }
    polled = bool(url and polling.every_minutes)
    with transaction.atomic():
        values = {**polling._asdict(), **afresh, "url": url, "mapping": dict(mapping), "next_poll_at": at if polled else None}
        saved, _ = FeedMapping.objects.update_or_create(name=name, defaults=values | {"watched_since": at if polled else None})
        record(actor=actor, verb="feed.save", subject=f"feed:{saved.pk}", at=at)
    return saved


def claim_feed(pk: int, *, at: datetime, until: datetime, asked: bool) -> FeedMapping | None:
    """Take a feed that is due, or that a person `asked` for, until then; None when another worker has it."""
    free = FeedMapping.objects.filter(Q(claimed_until=None) | Q(claimed_until__lte=at), pk=pk)
    due = free if asked else free.filter(next_poll_at__lte=at)
    return FeedMapping.objects.get(pk=pk) if due.update(claimed_until=until) else None


@transaction.atomic
def save_poll(
    feed: FeedMapping,
    outcome: PollOutcome,
    *,
    at: datetime,
    next_poll_at: datetime | None,
    message: str = "",
    seen: Mapping[str, str] | None = None,
    size: int | None = None,
    run: Import | None = None,
) -> Poll:
    """Keep the result of a poll and give the feed back. `seen`: etag, last_modified and sha256 of what was read from it."""
    failed = outcome == PollOutcome.FAILED
    values: dict[str, Any] = {"claimed_until": None, "next_poll_at": next_poll_at, **(seen or {})}
    if failed:
        values |= {"failures": feed.failures + 1, "last_error": message}
    else:
        values |= {"failures": 0, "last_error": "", "last_success_at": at, "stale_since": None}
        if feed.stale_since:
            record(actor="system:feeds", verb="feed.recovered", subject=f"feed:{feed.pk}", at=at)
    if outcome in {PollOutcome.APPLIED, PollOutcome.WAITS}:
        values["last_change_at"] = at
    FeedMapping.objects.filter(pk=feed.pk).update(**values)
    Poll.objects.filter(feed=feed, at__lt=at - POLLS_KEPT).delete()
    return Poll.objects.create(feed=feed, at=at, outcome=outcome, message=message, size=size, import_run=run)


def read_feeds_afresh() -> None:
    """Note that new people, modules or groups are known: rows of feeds that could not be used before may be used now, even if
    the feed is unchanged. Call it in the transaction that made them known."""
    FeedMapping.objects.exclude(sha256="").update(etag="", last_modified="", sha256="")


@transaction.atomic
def mark_stale(feeds: Iterable[FeedMapping], *, at: datetime) -> None:
    """Raise the alarm about feeds that have been without a success for too long; once for each."""
    for feed in feeds:
        if FeedMapping.objects.filter(pk=feed.pk, stale_since=None).update(stale_since=at):
            record(actor="system:feeds", verb="feed.stale", subject=f"feed:{feed.pk}", at=at)


# A person's own calendar

CALENDAR = "calendar/v1"


@transaction.atomic
def renew_calendar(person: Person, *, at: datetime) -> str:
    """Give a person's calendar an address, or a new one; the old one stops working. Returns its secret (192 bits)."""
    secret = token_urlsafe(24)
    values = {"fingerprint": fingerprint(secret), "sealed": vault.seal(secret, purpose=CALENDAR), "made_at": at}
    CalendarKey.objects.update_or_create(person=person, defaults=values)
    record(actor=person.actor, verb="calendar.renew", subject=person.actor, at=at)
    return secret


@transaction.atomic
def remove_calendar(person: Person, *, at: datetime) -> None:
    """Take the address away. Where there is none, nothing happens."""
    if CalendarKey.objects.filter(person=person).delete()[0]:
        record(actor=person.actor, verb="calendar.remove", subject=person.actor, at=at)


def calendar_secret(key: CalendarKey) -> str:
    """The secret of an address, to show it to its owner again. Raises AdsumError `unreadable_secret`."""
    return vault.reveal(key.sealed, purpose=CALENDAR)

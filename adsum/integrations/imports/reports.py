"""What the timetabling team's pages show of imports. Content of files is never read here."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, OuterRef, QuerySet, Subquery

from adsum.accounts.models import Person
from adsum.timetable.models import ClassReport, ClassSession
from adsum.timetable.rules import Change, ImportState
from adsum.timetable.sources import FeedMapping, Import, ImportChange, Poll


@dataclass(frozen=True, slots=True)
class Listed:
    """One import of the list."""

    run: Import
    by: str
    """Who brought it in; '' for the command line."""
    counts: dict[Change, int]
    need_you: int


def headline(counts: dict[str, dict[str, int]]) -> dict[Change, int]:
    """How many things of any sort change in each way, in the order in which they matter."""
    total = {change: sum(changes.get(change, 0) for changes in counts.values()) for change in Change}
    return {change: number for change, number in total.items() if number}


def imports() -> QuerySet[Import]:
    """Every import, the newest first, without its file."""
    return Import.objects.defer("content").order_by("-created_at", "-pk")


def listed(runs: Iterable[Import]) -> list[Listed]:
    """Imports with what the list says of each (two queries)."""
    runs = list(runs)
    need = {
        row["pk"]: row["number"]
        for row in Import.objects.filter(pk__in=[run.pk for run in runs], problems__notice=False)
        .values("pk")
        .annotate(number=Count("problems"))
    }
    names = people({run.actor for run in runs})
    return [Listed(run, names.get(run.actor, ""), headline(run.counts), need.get(run.pk, 0)) for run in runs]


def people(actors: Iterable[str]) -> dict[str, str]:
    """Names of actors who are people (one query)."""
    keys = [int(actor.partition(":")[2]) for actor in actors if actor.startswith("person:")]
    return {person.actor: str(person) for person in Person.objects.filter(pk__in=keys)}


def change_counts(run: Import) -> dict[tuple[str, str], int]:
    """How many lines of the diff there are of each change and sort of thing (one query)."""
    counted = run.changes.order_by().values_list("change", "what").annotate(Count("pk"))
    return {(change, what): number for change, what, number in counted}


def steps(change: ImportChange) -> list[tuple[str, Any, Any]]:
    """What one line says: (field, before, after), fields that are the same left out."""
    before, after = change.before or {}, change.after or {}
    names = [name for name in [*after, *(name for name in before if name not in after)] if name != "ref"]
    return [(name, before.get(name), after.get(name)) for name in names]


def feeds() -> QuerySet[FeedMapping]:
    """Every source with an address, those in trouble first; `waiting` is the import of it that a person is to decide."""
    undecided = Poll.objects.filter(feed=OuterRef("pk"), import_run__state=ImportState.CHECKED).order_by("-at", "-pk")
    return (
        FeedMapping.objects.exclude(url="")
        .annotate(waiting=Subquery(undecided.values("import_run__ref")[:1]))
        .order_by(F("stale_since").asc(nulls_last=True), "-failures", "name")
    )


def polls_of(feed: FeedMapping) -> QuerySet[Poll]:
    """The history of a feed, the newest first, without the files."""
    return Poll.objects.filter(feed=feed).select_related("import_run").defer("import_run__content").order_by("-at", "-pk")


def open_reports() -> QuerySet[ClassReport]:
    """What was reported of classes and waits for the timetabling team, the next class first (four queries)."""
    return (
        ClassReport.objects.filter(decided_at=None)
        .select_related("session__module", "by")
        .prefetch_related("session__rooms", "session__staff", "session__groups")
        .order_by("session__starts_at", "pk")
    )


def missing_classes() -> QuerySet[ClassSession]:
    """Classes that are missing from their source and wait for a person, the next ones first (three queries)."""
    return (
        ClassSession.objects.filter(suspect_since__isnull=False)
        .select_related("module")
        .prefetch_related("rooms", "groups")
        .order_by("starts_at", "pk")
    )

"""What the timetabling team is told: a feed that has fallen silent or waits to be read, and what was said from the room."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from adsum.accounts.rules import Role
from adsum.messages.models import Told
from adsum.messages.reports import Draft, Pending, class_facts, untold
from adsum.messages.rules import KEPT_DUE, STALE, Kind, digest_at
from adsum.messages.topics.oversight import holders
from adsum.timetable.models import ClassReport
from adsum.timetable.rules import ImportState
from adsum.timetable.sources import FeedMapping, Import

FEEDS = "system:feeds"
"""Who brings in what a feed says."""
UNDECIDED = (ImportState.WAITING, ImportState.CHECKING, ImportState.CHECKED, ImportState.APPLYING)


def feeds_silent(at: datetime) -> list[Draft]:
    """Feeds about which there is an alarm: for each of the team one draft for those whose alarm was raised together. It has
    no address and no error in it, for either may hold a secret."""
    alarms: dict[datetime, list[FeedMapping]] = defaultdict(list)
    for feed in FeedMapping.objects.filter(stale_since__gt=at - STALE, stale_since__lte=at).order_by("name"):
        if feed.stale_since is not None:
            alarms[feed.stale_since].append(feed)
    team = holders([Role.TIMETABLING], at) if alarms else []
    return [
        Draft(
            person,
            Kind.FEED_SILENT,
            f"{Kind.FEED_SILENT}:{person.pk}:{since.isoformat()}",
            {"feeds": [{"feed": feed.pk, "name": feed.name, "since": _since(feed)} for feed in feeds]},
            at + KEPT_DUE,
        )
        for since, feeds in alarms.items()
        for person in team
    ]


def _since(feed: FeedMapping) -> str:
    """When it last answered; '' when it never has."""
    return feed.last_success_at.isoformat() if feed.last_success_at else ""


def waiting_feeds() -> dict[int, list[Import]]:
    """By feed id, what it says and a person has not decided, the newest last (two queries)."""
    runs = Import.objects.filter(actor=FEEDS, state__in=UNDECIDED).defer("content").order_by("created_at", "pk")
    found: dict[str, list[Import]] = defaultdict(list)
    for run in runs:
        found[run.options.get("source", "")].append(run)
    return {pk: found[name] for pk, name in FeedMapping.objects.filter(name__in=found).values_list("pk", "name")}


def feeds_that_wait(waiting: Mapping[int, Sequence[Import]], at: datetime, zone: ZoneInfo) -> Pending:
    """Those of `waiting_feeds` whose changes wait to be read, gathered until the next digest: one draft for each of the team.
    Each feed is told once until nothing of it waits any more."""
    told = set(Told.objects.filter(source="feed_waits").values_list("row", flat=True))
    due = {
        pk: runs[-1]
        for pk, runs in waiting.items()
        if pk not in told
        and runs[-1].state == ImportState.CHECKED
        and at - runs[-1].created_at < STALE
        and digest_at(runs[-1].created_at, zone) <= at
    }
    facts = {
        "feeds": [
            {"run": str(run.ref), "name": run.options["source"], "since": run.created_at.isoformat()} for run in due.values()
        ]
    }
    newest = max((run.pk for run in due.values()), default=0)
    team = holders([Role.TIMETABLING], at) if due else []
    drafts = [
        Draft(person, Kind.FEED_WAITS, f"{Kind.FEED_WAITS}:{person.pk}:{newest}", facts, at + KEPT_DUE) for person in team
    ]
    return Pending(drafts, list(due))


def reports_waiting(after: int, at: datetime, zone: ZoneInfo) -> Pending:
    """What was reported of classes and waits to be confirmed, gathered until the next digest: one draft for each of
    the team."""
    rows = untold(ClassReport.objects.filter(at__gt=at - STALE), "class_report", after)
    pending, due = Pending(), list[ClassReport]()
    for report in rows.select_related("session__module"):
        if report.decided_at is not None:
            pending.done.append(report.pk)
        elif digest_at(report.at, zone) <= at:
            due.append(report)
            pending.done.append(report.pk)
        else:
            pending.first_left = pending.first_left or report.pk
    for person in holders([Role.TIMETABLING], at) if due else []:
        classes = [{**class_facts(report.session), "touches": report.touches} for report in due]
        key = f"{Kind.CLASS_REPORTED}:{person.pk}:{due[-1].pk}"
        pending.drafts.append(Draft(person, Kind.CLASS_REPORTED, key, {"classes": classes}, at + KEPT_DUE))
    return pending

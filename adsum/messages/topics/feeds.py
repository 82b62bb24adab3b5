"""What the timetabling team is told: a feed that has fallen silent or waits to be read, and what was said from the room."""

from collections import defaultdict
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.accounts.rules import Role
from adsum.audit.following import Reader
from adsum.messages.letter import MOST, Facts, Item, Letter, named, rest, when
from adsum.messages.reports import holders
from adsum.messages.rules import KEPT_DUE, STALE, digest_at
from adsum.messages.topic import Draft, Kind, Pending, Reading, Topic, class_named
from adsum.timetable.models import ClassReport
from adsum.timetable.rules import ImportState
from adsum.timetable.sources import FeedMapping, Import

SILENT, WAITS, REPORTED = "feed_silent", "feed_waits", "class_reported"
FEEDS = "system:feeds"
"""The actor of imports from feeds."""
UNDECIDED = (ImportState.WAITING, ImportState.CHECKING, ImportState.CHECKED, ImportState.APPLYING)


UNDECIDED = (ImportState.WAITING, ImportState.CHECKING, ImportState.CHECKED, ImportState.APPLYING)


def feeds_silent(_reader: Reader, at: datetime, _zone: ZoneInfo) -> Pending:
    """Feeds about which there is an alarm: for each of the team one draft for those whose alarm was raised together. It has
    no address and no error in it, for either may hold a secret."""
    alarms: dict[datetime, list[FeedMapping]] = defaultdict(list)
    for feed in FeedMapping.objects.filter(stale_since__gt=at - STALE, stale_since__lte=at).order_by("name"):
        if feed.stale_since is not None:
            alarms[feed.stale_since].append(feed)
    team = holders([Role.TIMETABLING], at) if alarms else []
    drafts = [
        Draft(
            person,
            SILENT,
            f"{SILENT}:{person.pk}:{since.isoformat()}",
            {"feeds": [{"feed": feed.pk, "name": feed.name, "since": _since(feed)} for feed in feeds]},
            at + KEPT_DUE,
        )
        for since, feeds in alarms.items()
        for person in team
    ]
    return Pending(drafts)


def _since(feed: FeedMapping) -> str:
    """When it last answered; '' when it never has."""
    return feed.last_success_at.isoformat() if feed.last_success_at else ""


def _waiting() -> dict[int, list[Import]]:
    """By feed id, what it says and a person has not decided, the newest last (two queries)."""
    runs = Import.objects.filter(actor=FEEDS, state__in=UNDECIDED).defer("content").order_by("created_at", "pk")
    found: dict[str, list[Import]] = defaultdict(list)
    for run in runs:
        found[run.options.get("source", "")].append(run)
    return {pk: found[name] for pk, name in FeedMapping.objects.filter(name__in=found).values_list("pk", "name")}


def feeds_that_wait(reader: Reader, at: datetime, zone: ZoneInfo) -> Pending:
    """Feeds whose changes wait to be read, gathered until the next digest: one draft for each of the team. Each feed is told
    once until nothing of it waits any more."""
    waiting, told = _waiting(), reader.known()
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
    drafts = [Draft(person, WAITS, f"{WAITS}:{person.pk}:{newest}", facts, at + KEPT_DUE) for person in team]
    return Pending(drafts, list(due), standing=list(waiting))


def reports_waiting(reader: Reader, at: datetime, zone: ZoneInfo) -> Pending:
    """What was reported of classes and waits to be confirmed, gathered until the next digest: one draft for each of
    the team."""
    rows = reader.left(ClassReport.objects.filter(at__gt=at - STALE))
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
        classes = [{**class_named(report.session), "touches": report.touches} for report in due]
        key = f"{REPORTED}:{person.pk}:{due[-1].pk}"
        pending.drafts.append(Draft(person, REPORTED, key, {"classes": classes}, at + KEPT_DUE))
    return pending


# What it says


TOUCHED = {
    "new": gettext_lazy("an extra class"),
    "status": gettext_lazy("whether it takes place"),
    "when": gettext_lazy("its time"),
    "rooms": gettext_lazy("its room"),
    "staff": gettext_lazy("who teaches it"),
    "groups": gettext_lazy("for whom it is"),
    "delivery": gettext_lazy("online, or in the room"),
}
"""The facts that a report from the room can change, in words."""


def _silent(facts: Facts) -> Letter:
    feeds = facts["feeds"]
    subject = ngettext("The feed %(name)s is silent", "%(n)s feeds are silent", len(feeds))
    return Letter(
        subject=subject % {"n": len(feeds), "name": feeds[0]["name"]},
        opening=_("Adsum has asked for too long and had no answer. The timetable stays as it was said last."),
        items=[
            Item(
                feed["name"],
                [_("Last answer: %(when)s.") % {"when": when(feed["since"])} if feed["since"] else _("It has never answered.")],
                f"/imports/feeds/{feed['feed']}/",
            )
            for feed in feeds[:MOST]
        ],
        closing=[
            _("The page of the feed says why. It is asked again by itself, and this is the only message until it answers.")
        ],
        action=(_("See how the feeds are"), "/imports/feeds/"),
    )


def _waits(facts: Facts) -> Letter:
    feeds = facts["feeds"]
    subject = ngettext("What the feed %(name)s says waits for you", "What %(n)s feeds say waits for you", len(feeds))
    return Letter(
        subject=subject % {"n": len(feeds), "name": feeds[0]["name"]},
        opening=_("It would change more than is applied by itself, so nothing of it holds yet and nobody has been told."),
        items=[
            Item(feed["name"], [_("Since %(when)s.") % {"when": when(feed["since"])}], f"/imports/{feed['run']}/")
            for feed in feeds[:MOST]
        ],
        closing=[_("Read the changes, then apply them or set the file aside.")],
        action=(_("See the imports"), "/imports/"),
    )


def _reported(facts: Facts) -> Letter:
    classes = facts["classes"]
    subject = ngettext("%(n)s report from the room waits for you", "%(n)s reports from the room wait for you", len(classes))
    return Letter(
        subject=subject % {"n": len(classes)},
        opening=_("This already applies, and no import changes it. Confirm it, or undo it:"),
        items=[
            Item(
                named(item), [", ".join(str(TOUCHED[name]) for name in item["touches"])], f"/classes/{item['session']}/change/"
            )
            for item in classes[:MOST]
        ],
        closing=rest(len(classes)),
        action=(_("Decide them"), "/imports/reports/"),
    )


TOPIC = Topic(
    kinds=(
        Kind(SILENT, gettext_lazy("A feed without an answer"), _silent),
        Kind(WAITS, gettext_lazy("A feed that waits to be read"), _waits),
        Kind(REPORTED, gettext_lazy("Reports from the room that wait"), _reported),
    ),
    readings=(
        Reading("class_report", reports_waiting, follows=ClassReport),
        Reading("feed_silent", feeds_silent),
        Reading("feed_waits", feeds_that_wait),
    ),
)

"""Feeds that are polled automatically. An unchanged feed costs nothing, harmless changes are applied, and the rest waits for a
person. A feed that fails is asked less often, and one that stays silent raises an alarm."""

from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import NamedTuple

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from adsum.core.errors import AdsumError
from adsum.core.jobs import enqueue
from adsum.integrations.imports import runs as imports
from adsum.integrations.imports.fetching import fetch_if_changed
from adsum.integrations.imports.plan import Plan
from adsum.integrations.imports.problems import Refused
from adsum.integrations.imports.reading import kind_of
from adsum.timetable import services
from adsum.timetable.rules import ImportState, PollOutcome, is_harmless, is_stale, next_poll
from adsum.timetable.sources import FeedMapping, Import, Poll

ACTOR = "system:feeds"
LEASE = timedelta(minutes=10)
"""How long one worker has a feed: longer than any job may run (Q_CLUSTER), so that only a killed one loses it."""


class Came(NamedTuple):
    """The result of a poll."""

    outcome: PollOutcome
    message: str = ""
    seen: dict[str, str] | None = None
    size: int | None = None
    run: Import | None = None


def due(at: datetime) -> list[int]:
    """The feeds that are to be asked now, the longest overdue first."""
    return list(FeedMapping.objects.filter(next_poll_at__lte=at).order_by("next_poll_at").values_list("pk", flat=True))


def poll(pk: int, *, at: datetime, chance: float, asked: bool = False) -> Poll | None:
    """Ask one feed and do what follows; None when it is not due or another worker has it.

    `chance` (0 to 1) spreads the next polls. `asked`: a person asks now, so what was seen before does not matter.
    """
    feed = services.claim_feed(pk, at=at, until=at + LEASE, asked=asked)
    if feed is None:
        return None
    with translation.override(settings.LANGUAGE_CODE):
        try:
            came = _ask(feed, at, afresh=asked)
        except AdsumError as refused:
            came = Came(PollOutcome.FAILED, refused.message)
        except Exception:
            sorry = _("Reading this feed was interrupted. It is tried again; if it stays so, tell your administrator.")
            _keep(feed, Came(PollOutcome.FAILED, sorry), at, chance)
            raise
        return _keep(feed, came, at, chance)


def _keep(feed: FeedMapping, came: Came, at: datetime, chance: float) -> Poll:
    failures = feed.failures + 1 if came.outcome == PollOutcome.FAILED else 0
    every = timedelta(minutes=feed.every_minutes) if feed.every_minutes else None
    return services.save_poll(
        feed,
        came.outcome,
        at=at,
        message=came.message,
        seen=came.seen,
        size=came.size,
        run=came.run,
        next_poll_at=next_poll(at=at, every=every, failures=failures, chance=chance) if every else None,
    )


def _ask(feed: FeedMapping, at: datetime, *, afresh: bool) -> Came:
    known = {} if afresh else {"etag": feed.etag, "last_modified": feed.last_modified}
    answer = fetch_if_changed(feed.url, **known)
    if answer is None:
        return Came(PollOutcome.SAME)
    content = answer.content
    seen = {"etag": answer.etag, "last_modified": answer.last_modified, "sha256": sha256(content).hexdigest()}
    if seen["sha256"] == feed.sha256 and not afresh:
        return Came(PollOutcome.SAME, seen=seen, size=len(content))
    if kind_of(content, answer.name) != feed.format:
        raise Refused("feed_kind", file=feed.url, expected=feed.get_format_display())
    options = {"source": feed.name, "partial": feed.partial, "mapping": feed.mapping, "language": settings.LANGUAGE_CODE}
    run = imports.take(filename=answer.name, content=content, actor=ACTOR, at=at, options=options)
    _make_way(feed, run, at)
    waits = imports.bring(run, at=at, actor=ACTOR, why_not=partial(_why_it_waits, feed))
    if run.state == ImportState.REFUSED:
        return Came(PollOutcome.FAILED, run.stop_reason, size=len(content), run=run)
    return Came(PollOutcome.WAITS if waits else PollOutcome.APPLIED, waits, seen, len(content), run)


def _make_way(feed: FeedMapping, run: Import, at: datetime) -> None:
    """Discard this feed's earlier import that was not decided, because this one replaces it; also what a killed worker left."""
    own = Import.objects.filter(actor=ACTOR, options__source=feed.name, state__in=imports.OPEN).exclude(pk=run.pk)
    for earlier in own.defer("content"):
        if services.move_import(earlier, ImportState.DISCARDED, only_from=imports.OPEN):
            services.finish_import(earlier, ImportState.DISCARDED, at=at, actor=ACTOR)


def _why_it_waits(feed: FeedMapping, run: Import, plan: Plan) -> str:
    """Why a person must read the diff first; '' when it may be applied automatically."""
    if run.stop_reason:
        return run.stop_reason
    if feed.apply_below == 0:
        return _("This feed is never applied by itself.")
    if not is_harmless(run.counts.get("class", {}), known=plan.at_stake, percent=feed.apply_below):
        limit = _(
            "More than %(percent)s%% of its classes still to come would be cancelled, vanish or move. Read the changes, then "
            "apply them."
        )
        return limit % {"percent": feed.apply_below}
    return ""


def ask_soon(feed: FeedMapping, *, at: datetime) -> None:
    """A person wants it asked now: a worker does it within seconds."""
    enqueue(ask_job, pk=feed.pk, at=at)


def ask_job(*, pk: int, at: datetime) -> None:
    """What a worker does for `ask_soon`."""
    poll(pk, at=at, chance=0, asked=True)


def raise_alarms(at: datetime) -> None:
    """Mark the feeds that have been without a success for too long."""
    silent = FeedMapping.objects.filter(next_poll_at__isnull=False, stale_since=None)
    services.mark_stale((feed for feed in silent if _is_stale(feed, at)), at=at)


def _is_stale(feed: FeedMapping, at: datetime) -> bool:
    since = feed.last_success_at or feed.watched_since
    return since is not None and is_stale(since=since, alarm=timedelta(hours=feed.alarm_hours), at=at)

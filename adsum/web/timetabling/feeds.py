"""Feeds that are polled automatically: the state of each, and the result of every poll."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from adsum.accounts.rules import IMPORTS
from adsum.integrations.imports import feeds as polling
from adsum.integrations.imports import reports
from adsum.timetable.rules import Change, PollOutcome
from adsum.timetable.sources import FeedMapping
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.timetabling.import_labels import INTERVALS, OUTCOMES, counted

POLLS_PER_PAGE = 30
STATES: dict[str, tuple[Promise, str]] = {
    "stale": (gettext_lazy("No answer for too long"), "tag-warn"),
    "failing": (gettext_lazy("Last poll failed"), "tag-warn"),
    "waits": (gettext_lazy("Waits for you"), "tag-accent"),
    "new": (gettext_lazy("Not asked yet"), ""),
    "by_hand": (gettext_lazy("Only when fetched"), ""),
    "well": (gettext_lazy("Well"), "tag-accent"),
}


def state_of(feed: FeedMapping) -> tuple[Promise, str]:
    """How a feed of `reports.feeds` is: a word, and the look of its tag. What needs a person comes first."""
    if feed.stale_since:
        return STATES["stale"]
    if feed.failures:
        return STATES["failing"]
    if feed.waiting:  # type: ignore[attr-defined]
        return STATES["waits"]
    if feed.next_poll_at is None:
        return STATES["by_hand"]
    return STATES["well" if feed.last_success_at else "new"]


@require_safe
@for_roles(IMPORTS)
def index(request: PersonRequest) -> HttpResponse:
    """Every feed: when it last answered, when it last changed, when it is asked next, and what is wrong with it."""
    rows = [(feed, *state_of(feed), INTERVALS.get(feed.every_minutes or 0, "")) for feed in reports.feeds()]
    return render(request, "adsum/timetabling/feeds.html", {"rows": rows})


@require_safe
@for_roles(IMPORTS)
def detail(request: PersonRequest, pk: int) -> HttpResponse:
    """One feed and its history."""
    feed = get_object_or_404(reports.feeds(), pk=pk)
    page = Paginator(reports.polls_of(feed), POLLS_PER_PAGE).get_page(request.GET.get("page"))
    word, look = state_of(feed)
    history = [
        {
            "poll": poll,
            "outcome": OUTCOMES[PollOutcome(poll.outcome)],
            "sum": [
                counted(change, number)
                for change, number in reports.headline(poll.import_run.counts if poll.import_run else {}).items()
                if change != Change.UNCHANGED
            ],
        }
        for poll in page
    ]
    context = {
        "feed": feed,
        "word": word,
        "look": look,
        "interval": INTERVALS.get(feed.every_minutes or 0, ""),
        "page": page,
        "history": history,
    }
    return render(request, "adsum/timetabling/feed.html", context)


@require_POST
@for_roles(IMPORTS)
def ask(request: PersonRequest, pk: int) -> HttpResponse:
    """Poll a feed now, and treat the answer like any other."""
    feed = get_object_or_404(reports.feeds(), pk=pk)
    polling.ask_soon(feed, at=request.at)
    messages.success(
        request, _("%(name)s is asked within a few seconds. Reload this page to see its answer.") % {"name": feed.name}
    )
    return redirect("feed", pk=pk)

"""Feeds that are polled: real servers on this machine that answer, fail, change their mind and say nothing new."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from adsum.audit.models import Event
from adsum.integrations.imports import carrying
from adsum.integrations.imports import feeds as polling
from adsum.integrations.imports import runs as imports
from adsum.integrations.imports.mapping import PRESETS
from adsum.ops import health, jobs
from adsum.timetable import services
from adsum.timetable.models import ClassChange, ClassSession
from adsum.timetable.rules import LONGEST_WAIT, SPREAD, ImportState, PollOutcome, is_harmless, next_poll
from adsum.timetable.services import Polling
from adsum.timetable.sources import FeedMapping, Import, Poll
from tests.kit.feeds import AT, bring, calendar, event, events, oneroster, university

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
VEVENT = "UID:{id}\nDTSTART:202609{day}T080000Z\nDURATION:PT1H\nSUMMARY:CS201 Algorithms – Lecture"


class Server(http.server.ThreadingHTTPServer):
    """Answers with `body`, knows ETags, remembers what it was asked."""

    body, status, etag, modified = b"", 200, True, ""
    asked: list[dict[str, str]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/feed"


class Answer(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        feed = self.server
        feed.asked.append(dict(self.headers))
        tag = f'"{hashlib.sha256(feed.body).hexdigest()[:8]}"' if feed.etag else ""
        same = tag and self.headers.get("If-None-Match") == tag
        same = same or (feed.modified and self.headers.get("If-Modified-Since") == feed.modified)
        self.send_response(304 if same else feed.status)
        if tag:
            self.send_header("ETag", tag)
        if feed.modified:
            self.send_header("Last-Modified", feed.modified)
        body = b"" if same else feed.body
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server(settings) -> Iterator[Server]:
    settings.FEED_NETWORKS = ["127.0.0.0/8"]
    with Server(("127.0.0.1", 0), Answer) as running:
        running.asked = []
        running.body = week(10)
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def week(count: int, **of: dict[str, str]) -> bytes:
    """That many classes, one a day at nine; `of` says what is different of one, by its name E0, E1, …"""
    rows = [dict(event(f"E{n}", f"2026-10-{n + 1:02}T09:00:00+01:00")) for n in range(count)]
    return events(*(row | of.get(row["event_id"], {}) for row in rows))


HOURLY = Polling(format="events", every_minutes=60)


def saved(server: Server, how: Polling = HOURLY, mapping: dict[str, Any] | None = None) -> FeedMapping:
    return services.save_mapping(name="CELCAT", url=server.url, mapping=mapping or {}, actor="system:test", at=AT, polling=how)


@pytest.fixture
def feed(server: Server) -> FeedMapping:
    bring(oneroster(university()))
    return saved(server)


def ask(feed: FeedMapping, at: datetime = AT, *, asked: bool = False) -> Poll:
    poll = polling.poll(feed.pk, at=at, chance=0, asked=asked)
    assert poll is not None
    feed.refresh_from_db()
    return poll


def test_a_new_feed_is_asked_at_once_and_then_by_its_interval(feed: FeedMapping):
    assert polling.due(AT) == [feed.pk]
    poll = ask(feed)
    assert (poll.outcome, poll.message, ClassSession.objects.count()) == ("applied", "", 10)
    assert poll.import_run is not None
    assert poll.import_run.state == ImportState.APPLIED
    assert (feed.last_success_at, feed.last_change_at, feed.next_poll_at) == (AT, AT, AT + HOUR)
    assert polling.due(AT + timedelta(minutes=59)) == []
    assert polling.poll(feed.pk, at=AT, chance=0) is None, "not due"
    assert polling.due(AT + HOUR) == [feed.pk]


def test_what_has_not_changed_costs_one_question(feed: FeedMapping, server: Server):
    ask(feed)
    poll = ask(feed, AT + HOUR)
    assert (poll.outcome, poll.size) == ("same", None)
    assert server.asked[1]["If-None-Match"] == feed.etag
    assert Import.objects.filter(kind="events").count() == 1
    assert (feed.last_success_at, feed.last_change_at) == (AT + HOUR, AT)


def test_a_server_with_times_alone_is_asked_by_time(feed: FeedMapping, server: Server):
    server.etag, server.modified = False, "Mon, 14 Sep 2026 08:00:00 GMT"
    ask(feed)
    assert ask(feed, AT + HOUR).outcome == "same"
    assert server.asked[1]["If-Modified-Since"] == server.modified


def test_a_server_without_either_is_known_by_its_content(feed: FeedMapping, server: Server):
    server.etag = False
    ask(feed)
    poll = ask(feed, AT + HOUR)
    assert (poll.outcome, poll.size) == ("same", len(server.body))
    assert Import.objects.filter(kind="events").count() == 1


def test_a_harmless_change_is_applied_by_itself(feed: FeedMapping, server: Server):
    ask(feed)
    later = {"start": "2026-10-04T11:00:00+01:00", "end": "2026-10-04T12:00:00+01:00"}
    server.body = week(10, E1={"location": "D1"}, E2={"status": "cancelled"}, E3=later)
    poll = ask(feed, AT + HOUR)
    assert poll.outcome == "applied"
    assert poll.import_run is not None
    assert poll.import_run.counts["class"] == {"unchanged": 7, "moved": 2, "cancelled": 1}


@pytest.mark.parametrize(
    ("limit", "cancelled", "outcome"), [(20, 2, "applied"), (20, 3, "waits"), (30, 3, "applied"), (0, 0, "waits")]
)
def test_above_its_limit_it_waits_for_a_person(server: Server, limit: int, cancelled: int, outcome: str):
    bring(oneroster(university()))
    ask(saved(server, HOURLY._replace(apply_below=100)))
    feed = saved(server, HOURLY._replace(apply_below=limit))
    server.body = week(10, E9={"location": "D1"}, **{f"E{n}": {"status": "cancelled"} for n in range(cancelled)})
    poll = ask(feed, AT + HOUR)
    assert poll.outcome == outcome
    assert poll.import_run is not None
    assert poll.import_run.state == ("applied" if outcome == "applied" else "checked")
    assert ClassSession.objects.filter(status="cancelled").count() == (cancelled if outcome == "applied" else 0)
    assert bool(poll.message) == (outcome == "waits")


def test_a_feed_an_hour_late_waits_for_a_person_and_tells_nobody(feed: FeedMapping, server: Server):
    ask(feed)
    rows = {
        f"E{n}": {"start": f"2026-10-{n + 1:02}T10:00:00+01:00", "end": f"2026-10-{n + 1:02}T11:00:00+01:00"} for n in range(10)
    }
    server.body = week(10, **rows)
    poll = ask(feed, AT + HOUR)
    assert (poll.outcome, "vanish or move" in poll.message) == ("waits", True)
    assert poll.import_run is not None
    assert poll.import_run.counts["class"] == {"moved": 10}
    assert not ClassChange.objects.filter(change="moved").exists()


def test_a_row_whose_group_comes_the_next_day_is_used_then(feed: FeedMapping, server: Server):
    server.body = week(3, E1={"group_ids": "K7"})
    assert ask(feed).outcome == "applied"
    assert ClassSession.objects.count() == 2
    assert ask(feed, AT + HOUR).outcome == "same"
    roster = university()
    bring(oneroster(roster), at=AT + timedelta(hours=2))
    assert ask(feed, AT + 3 * HOUR).outcome == "same", "a roster that says nothing new is no reason"
    roster["classes"].append({"sourcedId": "K7", "title": "Lab", "courseSourcedId": "C1", "classCode": "B"})
    bring(oneroster(roster), at=AT + timedelta(days=1))
    assert ask(feed, AT + timedelta(days=1, hours=1)).outcome == "applied"
    assert ClassSession.objects.count() == 3
    assert ask(feed, AT + timedelta(days=1, hours=2)).outcome == "same"


def test_what_vanishes_counts_too_and_half_a_file_stops(feed: FeedMapping, server: Server):
    ask(feed)
    server.body = week(7)
    poll = ask(feed, AT + HOUR)
    assert poll.outcome == "waits"
    assert "would remove 3 of 10" in poll.message
    assert not ClassSession.objects.exclude(suspect_since=None).exists()


def test_what_waits_is_replaced_by_what_is_said_next(feed: FeedMapping, server: Server):
    ask(feed)
    server.body = week(7)
    first = ask(feed, AT + HOUR).import_run
    assert ask(feed, AT + 2 * HOUR).outcome == "same", "it waits on, and is not brought in twice"
    server.body = week(9)
    poll = ask(feed, AT + 3 * HOUR)
    assert first is not None
    first.refresh_from_db()
    assert (first.state, poll.outcome) == ("discarded", "applied")


def test_rows_that_cannot_be_used_are_kept_with_their_lines_and_the_rest_is_applied(feed: FeedMapping, server: Server):
    server.body = week(4, E1={"start": "noon"}, E2={"module_code": "XX"})
    poll = ask(feed)
    assert poll.outcome == "applied"
    assert poll.import_run is not None
    assert set(poll.import_run.problems.filter(notice=False).values_list("line", "code")) == {(3, "time"), (4, "unknown")}
    assert ClassSession.objects.count() == 2


def test_failures_make_it_wait_longer_and_one_success_forgives(feed: FeedMapping, server: Server):
    server.status = 503
    at, waits = AT, []
    for _ in range(5):
        poll = ask(feed, at)
        assert (poll.outcome, feed.last_error) == ("failed", poll.message)
        assert "503" in poll.message
        assert feed.next_poll_at is not None
        waits.append((feed.next_poll_at - at) / HOUR)
        at = feed.next_poll_at
    assert waits == [1, 2, 4, 6, 6]
    assert (feed.failures, feed.last_success_at) == (5, None)
    server.status = 200
    ask(feed, at)
    assert (feed.failures, feed.last_error, feed.next_poll_at) == (0, "", at + HOUR)


@pytest.mark.parametrize("body", [b"<html>Sign in</html>", b"", calendar(VEVENT.format(id=1, day=21)), b"a,b\n1,2\n"])
def test_an_answer_that_is_no_such_feed_fails_and_changes_nothing(feed: FeedMapping, server: Server, body: bytes):
    ask(feed)
    server.body = body
    poll = ask(feed, AT + HOUR)
    assert poll.outcome == "failed"
    assert ClassSession.objects.filter(suspect_since=None, status="scheduled").count() == 10
    server.body = week(10)
    assert ask(feed, AT + 3 * HOUR).outcome == "same"


def test_a_calendar_is_polled_like_a_table(server: Server):
    server.body = calendar(*(VEVENT.format(id=n, day=20 + n) for n in range(1, 8)))
    feed = saved(server, HOURLY._replace(format="icalendar"), PRESETS["plain"])
    assert ask(feed).outcome == "applied"
    assert ClassSession.objects.filter(source="CELCAT").count() == 7


def test_two_workers_never_ask_the_same_feed_at_once(feed: FeedMapping, server: Server):
    held = services.claim_feed(feed.pk, at=AT, until=AT + polling.LEASE, asked=False)
    assert held is not None
    assert polling.poll(feed.pk, at=AT, chance=0) is None
    assert polling.poll(feed.pk, at=AT, chance=0, asked=True) is None
    assert server.asked == []


def test_a_killed_job_runs_again(feed: FeedMapping):
    """A worker died after it had taken the file in: the claim ends, and what it left is discarded."""
    services.claim_feed(feed.pk, at=AT, until=AT + polling.LEASE, asked=False)
    left = imports.take(
        filename="feed", content=week(10), actor=polling.ACTOR, at=AT, options={"source": "CELCAT", "partial": False}
    )
    services.move_import(left, ImportState.APPLYING, only_from=[ImportState.WAITING])
    assert polling.due(AT + polling.LEASE) == [feed.pk]
    assert ask(feed, AT + polling.LEASE).outcome == "applied"
    left.refresh_from_db()
    assert left.state == "discarded"


def test_a_fault_of_ours_is_kept_and_the_feed_given_back(feed: FeedMapping, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(carrying, "follow_timetable", broken)
    with pytest.raises(RuntimeError):
        polling.poll(feed.pk, at=AT, chance=0)
    feed.refresh_from_db()
    assert (feed.failures, feed.claimed_until, ClassSession.objects.count()) == (1, None, 0)


def test_a_silent_feed_raises_one_alarm_and_recovers(feed: FeedMapping, server: Server):
    server.status = 500
    ask(feed)
    polling.raise_alarms(AT + timedelta(hours=23))
    feed.refresh_from_db()
    assert feed.stale_since is None
    for _ in range(2):
        polling.raise_alarms(AT + timedelta(hours=24))
    feed.refresh_from_db()
    assert feed.stale_since == AT + timedelta(hours=24)
    assert Event.objects.filter(verb="feed.stale").count() == 1
    finding = health._feeds()
    assert (finding.state, "CELCAT" in finding.says, "500" in finding.says) == (health.State.UNWISE, True, True)
    server.status = 200
    ask(feed, AT + timedelta(hours=25))
    assert feed.stale_since is None
    assert Event.objects.filter(verb="feed.recovered").count() == 1
    assert health._feeds().state == health.State.GOOD


def test_the_job_asks_what_is_due(feed: FeedMapping, server: Server):
    services.save_mapping(name="by hand", url=server.url, mapping={}, actor="system:test", at=AT)
    assert jobs.poll_feeds() == 1
    assert jobs.poll_feed(pk=feed.pk) == "applied"
    assert jobs.poll_feed(pk=feed.pk) == "", "whoever comes second has nothing to do"
    assert jobs.poll_feeds() == 0


def test_asked_by_a_person_it_reads_all_of_it_again(feed: FeedMapping, server: Server):
    ask(feed)
    assert ask(feed, AT + timedelta(minutes=1), asked=True).outcome == "applied"
    assert "If-None-Match" not in server.asked[1]


def test_history_is_kept_for_ninety_days(feed: FeedMapping):
    Poll.objects.create(feed=feed, at=AT - timedelta(days=91), outcome=PollOutcome.SAME)
    Poll.objects.create(feed=feed, at=AT - timedelta(days=89), outcome=PollOutcome.SAME)
    ask(feed)
    assert feed.polls.count() == 2


@given(minutes=st.integers(1, 3000), failures=st.integers(0, 400), chance=st.floats(0, 1))
def test_the_wait_grows_and_has_an_end(minutes: int, failures: int, chance: float):
    every = timedelta(minutes=minutes)
    wait = next_poll(at=AT, every=every, failures=failures, chance=chance) - AT
    assert every <= wait <= max(every, LONGEST_WAIT) * (1 + SPREAD) + timedelta(seconds=1)
    assert wait <= next_poll(at=AT, every=every, failures=failures + 1, chance=chance) - AT


@pytest.mark.parametrize(
    ("counts", "known", "percent", "harmless"),
    [
        ({}, 0, 20, True),
        ({"new": 500}, 0, 20, True),
        ({"cancelled": 10, "vanished": 10}, 100, 20, True),
        ({"cancelled": 11, "vanished": 10}, 100, 20, False),
        ({"new": 900, "cancelled": 1}, 1, 20, False),
        ({"unchanged": 900, "vanished": 1}, 4, 20, False),
        ({"unchanged": 900, "vanished": 1}, 0, 20, False),
        ({"unchanged": 100}, 100, 0, False),
        ({"cancelled": 5}, 5, 100, True),
        ({"moved": 20}, 100, 20, True),
        ({"moved": 21}, 100, 20, False),
        ({"cancelled": 20, "moved": 20}, 100, 20, True),
        ({"moved": 5}, 5, 100, True),
    ],
)
def test_what_is_harmless(counts: dict[str, int], known: int, percent: int, harmless: bool):
    assert is_harmless(counts, known=known, percent=percent) is harmless


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_at_once_one_asks(server: Server):
    """Races on both databases: the claim is one conditional update."""
    bring(oneroster(university()))
    feed, answers = saved(server), []
    start = threading.Barrier(5)

    def work() -> None:
        try:
            start.wait()
            answers.append(services.claim_feed(feed.pk, at=AT, until=AT + polling.LEASE, asked=False))
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(answer is not None for answer in answers) == 1

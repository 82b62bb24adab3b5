"""What an import would do, kept in parts for a person to read, and whole whatever happens meanwhile."""

from collections.abc import Callable

import pytest

from adsum.timetable import services
from adsum.timetable.rules import Change, ImportState
from adsum.timetable.services import Line, Trouble
from adsum.timetable.sources import Import
from tests.kit.world import NINE

pytestmark = pytest.mark.django_db(transaction=True)
LINES = [Line(Change.NEW, "class", f"CS{number}", None, {"number": number}) for number in range(5)]
TROUBLES = [Trouble("zeros", "events.csv", number, "Not known.", "", notice=False) for number in range(1, 4)]


def keep(run: Import) -> None:
    services.save_diff(run, source="tt", lines=LINES, troubles=TROUBLES, counts={}, stop="", digest="d")


@pytest.fixture
def run() -> Import:
    return Import.objects.create(
        kind="events", filename="events.csv", sha256="0", content=b"x", actor="system:test", created_at=NINE, state="checking"
    )


def in_between(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """`act` once, between the first part and the second."""
    waiting = [act]
    monkeypatch.setattr(services, "BATCH", 2)
    monkeypatch.setattr(services, "let_others_write", lambda: waiting.pop()() if waiting else None)


def assert_whole(run: Import) -> None:
    run.refresh_from_db()
    assert run.state == ImportState.CHECKED
    assert sorted(run.changes.values_list("label", flat=True)) == [line.label for line in LINES]
    assert sorted(run.problems.values_list("line", flat=True)) == [1, 2, 3]


def test_kept_again_it_is_kept_once(run: Import, monkeypatch: pytest.MonkeyPatch):
    in_between(monkeypatch, lambda: None)
    keep(run)
    keep(run)
    assert_whole(run)


def test_checked_twice_at_the_same_time_every_line_is_there_once(run: Import, monkeypatch: pytest.MonkeyPatch):
    in_between(monkeypatch, lambda: keep(run))
    keep(run)
    assert_whole(run)


def test_lines_that_another_check_swept_away_are_written_again(run: Import, monkeypatch: pytest.MonkeyPatch):
    in_between(monkeypatch, lambda: run.changes.all().delete())
    keep(run)
    assert_whole(run)

"""`adsum import`, as it is typed."""

from pathlib import Path

import pytest

from adsum.ops import cli
from adsum.ops.imports import ASKS, ROWS_LEFT
from adsum.timetable.models import ClassSession, Place
from adsum.timetable.sources import Import
from tests.kit import feeds
from tests.kit.feeds import calendar, event, events, oneroster, university

pytestmark = pytest.mark.django_db
VEVENT = "UID:1\nDTSTART:20260921T080000Z\nDURATION:PT1H\nSUMMARY:CS201 Algorithms – Lecture"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "roster.zip").write_bytes(oneroster(university(10)))
    (tmp_path / "events.csv").write_bytes(events(event(), event("B", mandatory="maybe")))
    (tmp_path / "feed.ics").write_bytes(calendar(VEVENT))
    return tmp_path


def test_a_dry_run_shows_and_changes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["import", str(folder / "roster.zip"), "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "person" in shown
    assert "Nothing was changed." in shown
    assert not Place.objects.exists()
    assert Import.objects.get().state == "discarded"


def test_a_roster_then_a_timetable(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["import", str(folder / "roster.zip"), "--yes"]) == 0
    assert cli.main(["import", str(folder / "events.csv"), "--dry-run"]) == ROWS_LEFT
    assert cli.main(["import", str(folder / "events.csv"), "--yes"]) == ROWS_LEFT
    shown = " ".join(capsys.readouterr().out.split())
    assert "Applied, but for the rows to put right." in shown
    assert "PUT RIGHT events.csv:3 mandatory is maybe. It must be one of: true, false." in shown
    assert (Place.objects.count(), ClassSession.objects.count()) == (10, 1)


def test_nobody_there_to_ask(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["import", str(folder / "roster.zip")]) == ASKS
    assert "--yes" in capsys.readouterr().out
    assert not Place.objects.exists()


def test_an_unpacked_folder(folder: Path):
    from adsum.integrations.imports.reading import unpack

    (folder / "unpacked").mkdir()
    for name, data in unpack(oneroster(university()), "f").items():
        (folder / "unpacked" / name).write_bytes(data)
    assert cli.main(["import", str(folder / "unpacked"), "--yes"]) == 0
    assert Place.objects.count() == 4


def test_removing_over_a_fifth_needs_a_yes_of_its_own(folder: Path, capsys: pytest.CaptureFixture[str]):
    cli.main(["import", str(folder / "roster.zip"), "--yes"])
    (folder / "less.zip").write_bytes(oneroster(university(5)))
    question = "enrollments.csv would remove 5 of 10 rows (50%). Is it the whole export?"
    for words in (["--yes"], ["--dry-run"], []):
        capsys.readouterr()
        assert cli.main(["import", str(folder / "less.zip"), *words]) == ASKS
        shown = " ".join(capsys.readouterr().out.split())
        assert f"{question} If the file is right, run this again with --yes-remove. Nothing was changed." in shown
    assert not Place.objects.exclude(ends_on=None).exists()
    assert cli.main(["import", str(folder / "less.zip"), "--yes-remove"]) == 0
    assert Place.objects.exclude(ends_on=None).count() == 5


def test_a_calendar_needs_its_mapping(folder: Path, capsys: pytest.CaptureFixture[str]):
    feed = str(folder / "feed.ics")
    assert cli.main(["import", feed, "--yes"]) == 1
    assert cli.main(["import", feed, "--mapping", "other", "--yes"]) == 1
    assert "Choose one of: timeedit, plain." in capsys.readouterr().err
    assert cli.main(["import", feed, "--mapping", "plain", "--yes"]) == 0
    assert ClassSession.objects.get().source == "plain"


def test_a_file_of_another_kind_and_a_missing_one(folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / "notes.txt").write_text("hello")
    assert cli.main(["import", str(folder / "notes.txt")]) == 1
    assert cli.main(["import", str(folder / "missing.csv")]) == 1
    told = capsys.readouterr().err
    assert "notes.txt is neither a OneRoster zip, an events, roles or enrolments CSV nor an iCalendar file." in told
    assert "missing.csv" in told


def test_a_refused_file_says_why(folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / "odd.zip").write_bytes(feeds.zipped({"users.csv": b""}))
    assert cli.main(["import", str(folder / "odd.zip"), "--yes"]) == 1
    assert "odd.zip has no manifest.csv." in " ".join(capsys.readouterr().out.split())


def test_a_file_whose_rows_are_all_unusable_is_no_success(folder: Path, capsys: pytest.CaptureFixture[str]):
    cli.main(["import", str(folder / "roster.zip"), "--yes"])
    (folder / "bad.csv").write_bytes(events(*(event(str(n), start=f"2{n}/09/2026") for n in range(3))))
    assert cli.main(["import", str(folder / "bad.csv"), "--yes"]) == ROWS_LEFT
    assert "start is 20/09/2026, not a date and time." in capsys.readouterr().out


def test_causes_stand_before_what_follows_from_them(folder: Path, capsys: pytest.CaptureFixture[str]):
    whole = university(3, users=[feeds.user(1, enabledUser="?"), *university(3)["users"][1:]])
    (folder / "roster.zip").write_bytes(oneroster(whole))
    assert cli.main(["import", str(folder / "roster.zip"), "--yes"]) == ROWS_LEFT
    rows = [line.split()[2] for line in capsys.readouterr().out.splitlines() if line.startswith("PUT RIGHT")]
    assert rows == ["users.csv:2", "roles.csv:2", "enrollments.csv:2"]


def test_what_a_file_says_is_shown_as_it_says_it(folder: Path, capsys: pytest.CaptureFixture[str]):
    name = "[bold] " + "very " * 30 + "long.csv"
    (folder / name).write_bytes(b"name,room\r\n")
    assert cli.main(["import", str(folder / name)]) == 1
    (folder / "[odd].csv").write_bytes(b"event_id,module_code\r\n")
    assert cli.main(["import", str(folder / "[odd].csv")]) == 1
    out, err = capsys.readouterr()
    assert name in err
    assert "[odd].csv lacks the columns" in out


def test_a_file_that_may_not_be_read(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    def refused(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refused)
    assert cli.main(["import", str(folder / "events.csv")]) == 1
    assert "events.csv cannot be read: Permission denied." in capsys.readouterr().err

"""The log is verified every day: in whole or from where the last verification ended, and what it finds is seen."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection

from adsum.audit import services
from adsum.audit.encoding import Wrong
from adsum.audit.models import Alias, Checkpoint, Event, Leaf, Verification
from adsum.audit.verification import Outside, verify
from adsum.ops import audit, health, jobs
from adsum.ops.cli import main
from tests.kit import migrated
from tests.kit.commands import adsum
from tests.kit.log import BY, MINUTE, kept, log, superuser, write
from tests.kit.world import NINE


def grown(*, to: int) -> None:
    """More events, sealed together."""
    write(to - Leaf.objects.count(), at=NINE + 60 * MINUTE)
    services.seal(at=NINE + 60 * MINUTE)


@pytest.mark.django_db
class TestFromWhereTheLastOneEnded:
    @pytest.mark.parametrize("size", [1, 255, 256, 300])
    def test_a_good_log_is_good(self, size: int):
        log(size)
        outside = [kept()]
        grown(to=size + 600)
        result = verify([*outside, kept("later.txt")], since=size)
        assert (result.finding, result.size) == (None, Leaf.objects.count())

    def test_only_what_came_since_is_read(self):
        log(300)
        grown(to=400)
        with superuser() as cursor:
            cursor.execute("UPDATE adsum_event SET verb = 'forged' WHERE id = %s", [Leaf.objects.get(index=7).event_id])
        assert verify(since=300).finding is None, "that is for the whole one"
        assert verify().finding is not None
        event = Leaf.objects.get(index=310).event_id
        with superuser() as cursor:
            cursor.execute("UPDATE adsum_event SET verb = 'forged' WHERE id = %s", [event])
        assert verify(since=300).finding[:3] == (Wrong.ALTERED, 310, event)  # type: ignore[index]

    def test_a_tree_that_is_not_the_signed_one_is_seen(self):
        log(300)
        grown(to=400)
        with superuser() as cursor:
            cursor.execute("UPDATE adsum_leaf SET hash = %s WHERE index = 290".replace("index", '"index"'), [b"x" * 32])
        assert verify(since=300).finding.wrong == Wrong.REWRITTEN  # type: ignore[union-attr]
        with superuser() as cursor:
            cursor.execute('DELETE FROM adsum_leaf WHERE "index" >= 290')
        assert verify(since=300).finding.wrong == Wrong.TREE  # type: ignore[union-attr]

    def test_an_older_checkpoint_from_outside_is_compared_by_proof(self):
        log(100)
        theirs = kept()
        grown(to=300)
        assert verify([theirs], since=300).checkpoints >= 2
        other = Outside("theirs.txt", replace(theirs.checkpoint, root=b"x" * 32))
        assert verify([other], since=300).finding == (Wrong.ROLLED_BACK, 0, None, theirs.checkpoint.size, "theirs.txt")

    @pytest.mark.parametrize("seed", range(6))
    def test_it_says_what_the_whole_one_says_of_what_came_since(self, seed: int):
        chance = random.Random(seed)
        log(chance.randint(1, 300), chance.randint(1, 300))
        since = Checkpoint.objects.order_by("size")[0].size
        index = chance.randrange(since, Leaf.objects.count())
        with superuser() as cursor:
            cursor.execute("DELETE FROM adsum_event WHERE id = %s", [Leaf.objects.get(index=index).event_id])
        assert verify(since=since).finding == verify().finding

    def test_an_erasure_of_before_is_known(self):
        alias = services.alias_of(7)
        services.record(actor=alias, verb="x.y", subject="z:1", at=NINE)
        services.erase(7, by=BY, at=NINE)
        services.seal(at=NINE)
        size = Leaf.objects.count()
        Event.objects.create(at=NINE, actor=alias, verb="x.y", subject="z:2")  # a process that had not heard of it yet
        services.seal(at=NINE + MINUTE)
        assert verify(since=size).finding is None
        Alias.objects.all().delete()


@pytest.mark.django_db
def test_where_a_daily_one_begins(monkeypatch: pytest.MonkeyPatch):
    def verified(at: datetime, *, size: int = 500, since: int = 0, wrong: str = "") -> None:
        Verification.objects.create(at=at, by=BY, size=size, since=since, outside=0, wrong=wrong)

    day = timedelta(days=1)
    assert audit.begins_at(NINE) == 0
    verified(NINE)
    assert audit.begins_at(NINE + day) == 0, "small"
    monkeypatch.setattr(audit, "SMALL", 400)
    assert audit.begins_at(NINE + day) == 500
    verified(NINE + day, size=700, since=500)
    assert audit.begins_at(NINE + 2 * day) == 700
    assert audit.begins_at(NINE + 7 * day) == 0, "once a week"
    verified(NINE + 3 * day, size=800, since=700, wrong=Wrong.ALTERED)
    assert audit.begins_at(NINE + 4 * day) == 0, "until it is right again"


@pytest.mark.django_db
def test_what_a_part_finds_the_whole_names(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path, capsys: Any):
    settings.CHECKPOINT_FOLDERS = [tmp_path]
    monkeypatch.setattr("os.nice", lambda _: None)
    monkeypatch.setattr(audit, "SMALL", 1)
    log(300)
    assert main(["audit", "verify", "--recent"]) == 0
    grown(to=400)
    assert main(["audit", "verify", "--recent"]) == 0
    assert list(Verification.objects.order_by("pk").values_list("since", "by")) == [
        (0, "system:verification"),
        (300, "system:verification"),
    ]
    with superuser() as cursor:
        cursor.execute("UPDATE adsum_event SET verb = 'forged' WHERE id = %s", [Leaf.objects.get(index=7).event_id])
        cursor.execute('UPDATE adsum_leaf SET hash = %s WHERE "index" = 305', [b"x" * 32])
    grown(to=500)
    assert main(["audit", "verify", "--recent"]) == 1
    assert (Verification.objects.latest("pk").since, Verification.objects.latest("pk").place) == (0, 7)


@pytest.mark.sqlite
@pytest.mark.django_db
def test_a_role_that_may_only_read_verifies_all_the_same(settings: Any, tmp_path: Path, capsys: Any):
    settings.CHECKPOINT_FOLDERS = [tmp_path]
    log(3)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only = ON")
        try:
            assert main(["audit", "verify"]) == 0
        finally:
            cursor.execute("PRAGMA query_only = OFF")
    said = capsys.readouterr()
    assert said.out.startswith("Good: 3 events")
    assert "could not be kept" in said.err
    assert not Verification.objects.exists()


@pytest.mark.django_db
def test_the_check_says_how_the_last_one_went():
    at = datetime.now(UTC)
    assert health._verified(at).state == health.State.GOOD, "nothing has happened yet"
    log(3)
    assert health._verified(at).state == health.State.UNWISE
    services.record_verification(verify().finding, size=3, outside=0, by=BY, at=at)
    assert health._verified(at).state == health.State.GOOD
    assert health._verified(at + timedelta(days=4)).state == health.State.UNWISE
    with superuser() as cursor:
        cursor.execute("UPDATE adsum_event SET verb = 'forged'")
    services.record_verification(verify().finding, size=3, outside=0, by=BY, at=at)
    assert health._verified(at).state == health.State.BAD


@pytest.mark.django_db
def test_the_worker_has_it_done_once_a_day(monkeypatch: pytest.MonkeyPatch):
    begun: list[tuple[str, ...]] = []
    monkeypatch.setattr(jobs, "leave", lambda *words: begun.append(words))
    assert not jobs.verify_the_log(), "there is nothing yet"
    log(3)
    assert jobs.verify_the_log()
    assert begun == [("audit", "verify", "--recent")]
    assert not jobs.verify_the_log(), "it is still at it"
    cache.clear()
    at = datetime.now(UTC)
    Verification.objects.create(at=at, by="system:command", size=3, outside=0)
    assert jobs.verify_the_log(), "somebody's own does not count: it may have been without the folders"
    cache.clear()
    Verification.objects.create(at=at - timedelta(hours=21), by="system:verification", size=3, outside=0)
    assert jobs.verify_the_log()
    cache.clear()
    Verification.objects.create(at=at, by="system:verification", size=3, outside=0)
    assert not jobs.verify_the_log()


@pytest.mark.once
def test_a_process_that_is_left_to_itself_does_it(tmp_path: Path):
    data = tmp_path / "data"
    migrated.copy_to(data)
    assert adsum(data, "check", "--fix").returncode == 0
    assert adsum(data, "audit", "rotate-key").returncode == 0
    assert adsum(data, "audit", "seal").returncode == 0
    done = adsum(data, "audit", "verify", "--recent")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Good: ")
    assert "Verification" in adsum(data, "check").stdout

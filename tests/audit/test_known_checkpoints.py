"""What verification believes beside the events: it is signed, and remembered where the database is not."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from adsum.audit import services, tree
from adsum.audit.encoding import Wrong
from adsum.audit.models import Checkpoint, Event, Leaf, Node
from adsum.audit.verification import Outside, verify
from adsum.core import keyring, notes
from adsum.ops.cli import main
from tests.kit.log import BY, MINUTE, kept, log, superuser, write
from tests.kit.world import NINE

pytestmark = pytest.mark.django_db
MONTH = timedelta(days=30)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("complete", False),
        ("settled", 2),
        ("settled", 10**9),
        ("last_event", 10**9),
        ("last_event", 1),
        ("at", NINE - MONTH),
        ("origin", "elsewhere"),
        ("size", 7),
    ],
)
def test_whatever_it_believes_of_a_checkpoint_is_signed(column: str, value: Any):
    log(4, 4)
    with superuser():
        Checkpoint.objects.filter(size=8).update(**{column: value})
    finding = verify().finding
    assert finding
    assert finding.wrong == Wrong.UNSIGNED


def test_an_event_dated_back_does_not_slip_in_by_checkpoints_that_say_less():
    log(4)
    write(1, at=NINE + MONTH)
    services.seal(at=NINE + MONTH)
    forged = write(1, at=NINE)[0]
    services.seal(at=NINE + MONTH + MINUTE)
    with superuser():
        Checkpoint.objects.filter(size__lt=6).update(complete=False)
    assert verify().finding is not None
    with superuser():
        Checkpoint.objects.filter(size__lt=6).update(complete=True)
    finding = verify().finding
    assert finding
    assert (finding.wrong, finding.event) == (Wrong.INSERTED, forged)


def test_a_checkpoint_from_elsewhere_says_so_even_when_ours_were_removed():
    """Whoever removes our checkpoints of a month, and everything the sealing of the month left, and seals anew."""
    log(4)
    write(1, at=NINE + MONTH)
    theirs = Outside("theirs.txt", tree.open_checkpoint(tree.note_of(services.publish(by=BY, at=NINE + MONTH))))
    write(1, at=NINE)
    with superuser():
        Checkpoint.objects.filter(size__gt=4).delete()
        Leaf.objects.filter(index__gte=4).delete()
    services.seal(at=NINE + MONTH + MINUTE)
    assert verify().finding is None, "nothing here contradicts it"
    finding = verify([theirs]).finding
    assert finding
    assert finding.wrong == Wrong.INSERTED


def test_a_checkpoint_of_before_signs_size_and_root_alone_and_is_good():
    log(4)
    with superuser():
        for one in Checkpoint.objects.all():
            bare = str(notes.Checkpoint(one.origin, one.size, bytes(one.root)))
            Checkpoint.objects.filter(pk=one.pk).update(signature=keyring.checkpoint_signer()[1].sign(bare))
    assert verify([kept()]).finding is None
    assert tree.open_checkpoint(tree.note_of(Checkpoint.objects.get(size=4, published=False))).extension == ()


def emptied(settings: Any) -> None:
    """The log and its folder, as if nothing had ever been."""
    with superuser():
        for model in (Event, Leaf, Node, Checkpoint):
            model.objects.all().delete()
    for folder in settings.CHECKPOINT_FOLDERS:
        for path in folder.glob("*.txt"):
            path.unlink()


def test_a_log_and_its_folder_both_emptied_are_known_to_have_been_there(settings: Any, tmp_path: Path, capsys: Any):
    settings.CHECKPOINT_FOLDERS = [tmp_path]
    log(6)
    services.publish(by=BY, at=NINE + MINUTE)
    copy = tree.note_of(Checkpoint.objects.latest("pk"))
    assert main(["audit", "verify"]) == 0
    capsys.readouterr()
    emptied(settings)
    assert main(["audit", "verify"]) == 1
    assert capsys.readouterr().out.startswith("The log was cut off at place 0")
    settings.KNOWN_CHECKPOINT_FILE.unlink()
    emptied(settings)
    assert main(["audit", "verify"]) == 0
    assert "There is no event yet" in capsys.readouterr().out, "here is where it ends: only a copy elsewhere knows"
    elsewhere = tmp_path / "auditor.note"
    elsewhere.write_text(copy)
    assert main(["audit", "verify", "--checkpoint", str(elsewhere)]) == 1


def test_a_log_replaced_by_another_one_is_not_the_one_that_is_known(settings: Any, tmp_path: Path, capsys: Any):
    settings.CHECKPOINT_FOLDERS = [tmp_path]
    log(6)
    assert main(["audit", "verify"]) == 0
    emptied(settings)
    log(9)
    assert main(["audit", "verify"]) == 1
    assert "another history" in capsys.readouterr().out


@pytest.mark.postgresql
def test_the_constraint_is_the_databases_own():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'event_ids_begin_at_one'")
        assert cursor.fetchone() == ("CHECK ((id > 0))",)

"""Checkpoints, their keys and files; and how an event is written down."""

from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adsum.audit import services, tree
from adsum.audit.encoding import Facts, Wrong, encode
from adsum.audit.models import Alias, Event
from adsum.audit.verification import Outside, verify
from adsum.core import keyring, notes
from adsum.core.errors import AdsumError
from tests.kit.log import BY, MINUTE, write
from tests.kit.world import NINE

pytestmark = pytest.mark.django_db

# Checkpoints


def test_a_published_checkpoint_is_a_file_that_go_tools_read(tmp_path: Path, settings: Any):
    settings.CHECKPOINT_FOLDERS = [tmp_path / "here", tmp_path / "there"]
    write(3)
    made = services.publish(by=BY, at=NINE)
    here, there = tmp_path / "here" / tree.checkpoint_file(made), tmp_path / "there" / tree.checkpoint_file(made)
    assert here.read_text() == there.read_text() == tree.note_of(made)
    assert here.name == "checkpoint-000000000003-2026-11-23T0900Z.txt"
    read = tree.open_checkpoint(here.read_text())
    assert (read.origin, read.size) == ("localhost:8000/adsum", 3)
    assert Event.objects.latest("pk").verb == "checkpoint.publish"


def test_a_folder_that_cannot_be_written_to_is_told_and_the_checkpoint_published(tmp_path: Path, settings: Any):
    (tmp_path / "file").write_text("")
    settings.CHECKPOINT_FOLDERS = [tmp_path / "file" / "below"]
    write(1)
    with pytest.raises(AdsumError, match="could not be kept here"):
        services.publish(by=BY, at=NINE)
    assert tree.published().count() == 1


def test_after_a_rotation_the_old_key_only_verifies(settings: Any):
    write(1)
    old = tree.note_of(services.publish(by=BY, at=NINE))
    public = keyring.checkpoint_publics()["c1"].hex()
    settings.CHECKPOINT_KEYS = {"c2": "22" * 32, "c1": f"public-{public}"}
    keyring.forget()
    try:
        assert tree.open_checkpoint(old).size == 1
        write(1)
        new = services.publish(by=BY, at=NINE + MINUTE)
        assert new.kid == "c2"
        assert verify([Outside("old", tree.open_checkpoint(old))]).finding is None
        settings.CHECKPOINT_KEYS = {"c3": "33" * 32}
        keyring.forget()
        with pytest.raises(notes.BadNote):
            tree.open_checkpoint(old)
        assert verify().finding.wrong == Wrong.UNSIGNED  # type: ignore[union-attr]
    finally:
        settings.CHECKPOINT_KEYS = {}
        keyring.forget()


# The encoding


def test_an_event_is_written_down_in_one_way():
    event = Facts(7, NINE, "person:X", "mark.amend", "session:3", {"b": "Ŵ\n", "a": [1, None, True]})
    assert encode(event) == (
        b'{"actor":"person:X","at":"2026-11-23T09:00:00.000000Z","detail":{"a":[1,null,true],"b":"\\u0174\\n"},"id":7,'
        b'"subject":"session:3","v":1,"verb":"mark.amend"}'
    )


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcdefgh", max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.text("abcdefgh", min_size=1, max_size=6), values, max_size=4))
def test_what_comes_back_from_the_database_is_what_was_hashed(detail: dict[str, Any]):
    with transaction.atomic():
        services.record_all([services.Entry("test.any", "thing:1", detail)], actor=BY, at=NINE)
        event = Event.objects.latest("pk")
        assert encode(event.facts) == encode(Facts(event.pk, NINE, BY, "test.any", "thing:1", detail))
        transaction.set_rollback(True)


def test_nothing_is_anonymous():
    with pytest.raises(ValueError, match="needs an actor"):
        services.record(actor="", verb="x", subject="y:1", at=NINE)
    assert not Alias.objects.exists()

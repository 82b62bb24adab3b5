"""Words that only a student's own key opens: destroyed with it, and never readable without it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from adsum.accounts.models import Person
from adsum.core import student_keys
from adsum.core.declared import Keep
from adsum.core.errors import AdsumError
from adsum.engagement.models import Contacted
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def keys(settings: Any, tmp_path: Path) -> Iterator[Path]:
    settings.STUDENT_KEYS = tmp_path / "keys"
    student_keys.forget()
    yield settings.STUDENT_KEYS
    student_keys.forget()


def spoken(student: Person, by: Person, words: str) -> Contacted:
    return Contacted.objects.create(student=student, way="call", reply="spoke", at=NINE, by=by, words=words)


def stored() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT words FROM adsum_contacted ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def test_words_are_readable_until_their_key_is_destroyed(world: World):
    ada, mary, tutor = world.student(), world.student(), world.person()
    for student in (ada, mary, ada):
        spoken(student, tutor, "They are well.")
    assert not [one for one in stored() if "well" in one]
    assert len(set(stored())) == 3, "never twice the same"
    assert set(Contacted.objects.values_list("words", flat=True)) == {"They are well."}
    assert student_keys.destroy([ada.pk], Keep.CASES) == 1
    assert list(Contacted.objects.order_by("pk").values_list("words", flat=True)) == ["", "They are well.", ""]
    assert student_keys.destroy([ada.pk], Keep.CASES) == 0


def test_a_row_saved_again_keeps_its_words_and_words_of_before_can_be_read(world: World):
    made = spoken(world.student(), world.person(), "They are well.")
    made.save()
    assert Contacted.objects.get().words == "They are well."
    with connection.cursor() as cursor:
        cursor.execute("UPDATE adsum_contacted SET words = 'as it was'")
    assert Contacted.objects.get().words == "as it was"
    Contacted.objects.get().save(update_fields=["words"])
    assert "as it was" not in stored()[0]


def test_words_are_never_written_or_searched_in_the_open(world: World):
    spoken(world.student(), world.person(), "They are well.")
    for attempt in (lambda: Contacted.objects.get(words="They are well."), lambda: Contacted.objects.update(words="new")):
        with pytest.raises(ValueError, match="sealed"), transaction.atomic():
            attempt()
    assert Contacted.objects.update(words="") == 1


def test_a_folder_of_keys_that_is_away_is_no_erasure(world: World, keys: Path, tmp_path: Path):
    spoken(world.student(), world.person(), "They are well.")
    keys.rename(tmp_path / "elsewhere")
    student_keys.forget()
    with pytest.raises(AdsumError, match="ADSUM_STUDENT_KEYS"):
        Contacted.objects.get()

"""Loading the demo university: the same every time, on any day, and never over real people."""

from datetime import UTC, datetime

import pytest

from adsum.accounts.rules import Role
from adsum.attendance.models import Mark, Register
from adsum.core.errors import AdsumError
from adsum.ops.demo.load import load
from adsum.timetable.models import Term
from tests.kit.demo import AT, SMALL, assert_a_class_now, content, undone
from tests.kit.world import World


@pytest.mark.django_db
def test_the_same_moment_makes_the_same_university():
    made = []
    for _ in range(2):
        with undone():
            load(at=AT, scale=SMALL)
            made.append(content())
    assert made[0] == made[1]
    assert len(made[0]["Mark"]) > 1000


@pytest.mark.django_db
def test_it_stays_out_of_a_database_with_real_people():
    World().person(Role.LECTURER, name="Ada Real")
    with pytest.raises(AdsumError, match=r"1 people who are not the demo's.*ADSUM_DATA=") as refusal:
        load(at=AT, scale=SMALL)
    assert refusal.value.code == "real_data"
    assert not Term.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 1, 1, 0, 0, tzinfo=UTC),
        datetime(2026, 3, 29, 0, 59, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
        datetime(2026, 9, 29, 8, 3, tzinfo=UTC),  # the first days of the year
        datetime(2028, 2, 29, 13, 0, tzinfo=UTC),
        datetime(2026, 8, 15, 22, 10, tzinfo=UTC),  # deep in the summer
    ],
    ids=str,
)
def test_it_can_be_loaded_on_any_day(at):
    with undone():
        load(at=at, scale=0.02)
        assert_a_class_now(at)
        assert Register.objects.count() > 300
        assert not Mark.objects.filter(changed_at__gt=at).exists()

"""Following a table: each row once, in whatever order its transactions commit, for each reader by itself."""

from collections.abc import Iterable
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from adsum.accounts.models import Department
from adsum.audit.following import OVERLAP, take_up
from adsum.audit.models import Processed
from tests.kit.world import NINE

pytestmark = pytest.mark.django_db


def make(ids: Iterable[int]) -> None:
    """Rows with these ids are committed."""
    Department.objects.bulk_create([Department(pk=pk, code=str(pk), name="") for pk in ids])


MINUTES = st.integers(0, 59)


class EachRowOnce(TestCase):
    @settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.tuples(st.integers(0, 40), MINUTES), min_size=2, max_size=8), st.integers(7, 90))
    @example([(0, 59), (1, 0), (40, 0), (40, 0)], 20)
    def test_in_whatever_order_they_become_visible(self, rows: list[tuple[int, int]], every: int) -> None:
        """Each row is numbered some minutes after the one before, and committed within an hour of that."""
        visible, begun = dict[int, int](), 0
        for pk, (later, takes) in enumerate(rows, start=1):
            begun += later
            visible[pk] = begun + takes
        acted: list[int] = []
        for minute in range(0, max(visible.values()) + 5 * 60 + every, every):
            make([pk for pk, since in visible.items() if minute - every < since <= minute])
            at = NINE + timedelta(minutes=minute)
            with transaction.atomic():
                reader = take_up("departments", Department)
                left = [row.pk for row in reader.left(Department.objects.all())]
                acted += left
                reader.done(left, at=at)
                reader.move(None, at=at)
        assert sorted(acted) == sorted(visible)
        assert Processed.objects.count() == 0


def test_two_readers_have_places_of_their_own():
    make([1, 2])
    first, second = take_up("one", Department), take_up("other", Department)
    first.done([1], at=NINE)
    assert [row.pk for row in first.left(Department.objects.all())] == [2]
    assert [row.pk for row in second.left(Department.objects.all())] == [1, 2]
    assert (first.known(), second.known()) == ({1}, set())


def test_what_the_cursor_has_passed_is_forgotten_but_not_what_is_left():
    make([1, 2, 3])
    for hours in range(3):
        reader = take_up("one", Department)
        reader.done([row.pk for row in reader.left(Department.objects.all()) if row.pk != 2], at=NINE)
        reader.move(2, at=NINE + hours * OVERLAP)
    assert [row.pk for row in take_up("one").left(Department.objects.all())] == [2]
    assert list(Processed.objects.values_list("row", flat=True)) == [3]


def test_what_is_over_may_be_read_again():
    make([1, 2])
    reader = take_up("one")
    reader.done([1, 2], at=NINE)
    reader.forget_all_but([1])
    assert reader.known() == {1}
    reader.forget(before=NINE + OVERLAP)
    assert reader.known() == set()

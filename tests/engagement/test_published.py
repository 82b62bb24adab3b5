"""Sums by group from which nobody can be picked out, nor worked out."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.engagement.published import LEAST, REST, Row, publish

Groups = list[tuple[str, int, int]]


@pytest.mark.parametrize(
    ("groups", "shown", "total"),
    [
        # as they are, the largest first
        ([("a", 50, 20), ("b", 80, 30)], [("b", 80, 30), ("a", 50, 20)], 50),
        # fewer than ten students have no row of their own; their five reminders would follow from the total and the twenty
        ([("a", 50, 20), ("b", 7, 3), ("c", 6, 2)], [("a", 50, None), (REST, 13, None)], 25),
        # and one such group alone takes the smallest other with it
        ([("a", 50, 20), ("b", 30, 15), ("c", 6, 2)], [("a", 50, 20), (REST, 36, 17)], 37),
        # a number left out takes another with it, until both together are ten
        ([("a", 50, 20), ("b", 40, 12), ("c", 40, 9)], [("a", 50, 20), ("b", 40, None), ("c", 40, None)], 41),
        # nearly all reminded says as much of the few as nearly none
        ([("a", 50, 20), ("b", 30, 12), ("c", 30, 29)], [("a", 50, 20), ("b", 30, None), ("c", 30, None)], 61),
        # too few altogether
        ([("a", 50, 4), ("b", 40, 5)], [("a", 50, None), ("b", 40, None)], None),
        ([("a", 4, 4), ("b", 4, 0)], [], None),
    ],
)
def test_what_may_be_shown(groups: Groups, shown: list[tuple[str, int, int | None]], total: int | None):
    found = publish(groups)
    said = [(row.group, row.students, row.reminded) for row in found.rows]
    expected = [(name, n, None if some is None else some) for name, n, some in shown]
    assert (said if total is not None else sorted(said)) == (expected if total is not None else sorted(expected))
    assert (found.total.reminded if found.total else None) == total


def _known(row: Row) -> bool:
    return row.reminded is not None


@given(
    st.lists(st.integers(0, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), min_size=1, max_size=7).map(
        lambda some: [(f"g{nth}", n, m) for nth, (n, m) in enumerate(some) if n]
    )
)
def test_nothing_that_follows_from_it_is_of_fewer_than_ten(groups: Groups):
    """Everything a reader can work out by adding and subtracting rows and the total: sums of the rows that are shown, and of
    those that are not shown taken together."""
    found = publish(groups)
    truth = {name: (n, m) for name, n, m in groups}
    shown = [row for row in found.rows if _known(row)]
    for size in range(1, len(shown) + 1):
        for some in combinations(shown, size):
            reminded = sum(row.reminded or 0 for row in some)
            assert reminded >= LEAST
            assert sum(row.students for row in some) - reminded >= LEAST
    left = [row for row in found.rows if not _known(row)]
    if left and found.total is not None and found.total.reminded is not None:
        of_left = found.total.reminded - sum(row.reminded or 0 for row in shown)
        assert of_left >= LEAST
        assert sum(row.students for row in left) - of_left >= LEAST
    assert all(row.students >= LEAST for row in found.rows)
    if found.total is not None:
        assert found.total.students == sum(n for n, _m in truth.values())

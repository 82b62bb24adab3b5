"""The recovery promise: attending the classes that it names always closes the reminder. No database."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.engagement.recovery import Promise, Recovery, promise

USUAL = Recovery(3, 4)
Y, N = True, False


@pytest.mark.parametrize(
    ("since", "met"),
    [
        ([], False),
        ([Y, Y], False),
        ([Y, Y, Y], True),
        ([N, Y, Y, Y], True),
        ([Y, N, Y, Y], True),
        ([Y, N, N, Y, Y], False),
        ([N, N, N, Y, Y, Y], True),
        ([Y, Y, N, N], False),
    ],
)
def test_when_a_reminder_closes(since: list[bool], met: bool):
    assert USUAL.is_met(since) is met


@pytest.mark.parametrize(
    ("since", "coming", "promised"),
    [
        ([], [1, 2, 3, 4, 5], Promise(3, (1, 2, 3, 4))),  # attend 3 of your next 4
        ([Y], [2, 3, 4, 5], Promise(2, (2, 3, 4))),
        ([Y, N], [3, 4, 5], Promise(2, (3, 4))),
        ([N], [2, 3, 4, 5], Promise(3, (2, 3, 4))),
        ([N, N], [3, 4, 5, 6], Promise(3, (3, 4, 5))),  # that run is lost: the shortest that can still be won
        ([Y, N, N], [4, 5, 6, 7], Promise(3, (4, 5, 6))),
        ([], [1, 2, 3], Promise(3, (1, 2, 3))),
        ([], [1, 2], None),  # too few are left: a person decides
        ([Y], [2, 3], Promise(2, (2, 3))),
        ([N, N], [3, 4], None),
    ],
)
def test_what_is_promised(since: list[bool], coming: list[int], promised: Promise | None):
    assert promise(USUAL, since, coming) == promised


TESTS = st.integers(1, 6).flatmap(lambda of: st.builds(Recovery, st.integers(1, of), st.just(of)))
PAST = st.lists(st.booleans(), max_size=12)


@given(TESTS, PAST, st.integers(0, 8))
def test_attending_what_is_promised_always_closes_it(test: Recovery, since: list[bool], ahead: int):
    """Whichever of the named classes are attended, as long as they are as many as it says."""
    if test.is_met(since):
        return
    promised = promise(test, since, range(ahead))
    if promised is None:
        assert not test.is_met([*since, *[True] * ahead]), "nothing is promised only where nothing could be kept"
        return
    assert promised.classes == tuple(range(len(promised.classes)))
    for attended in combinations(promised.classes, promised.attend):
        after = [*since, *(one in attended for one in promised.classes)]
        assert test.is_met(after) or any(test.is_met(after[:n]) for n in range(len(since), len(after)))


@given(TESTS, PAST, st.integers(1, 8))
def test_no_fewer_would_do(test: Recovery, since: list[bool], ahead: int):
    promised = promise(test, since, range(ahead))
    if promised is None or test.is_met(since) or promised.attend == 1:
        return
    last = promised.classes[len(promised.classes) - promised.attend + 1 :]
    assert not test.is_met([*since, *(one in last for one in promised.classes)])

"""The assessment's bands, and the completion margin."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.compliance.bca import Band, Limits, Margin, Metric, band, completion_margin, worst

REFUSALS = Limits(Decimal(4), Decimal(5))
ENROLMENT = Limits(Decimal(96), Decimal(95))
COMPLETION = Limits(Decimal(92), Decimal(90))


@pytest.mark.parametrize(
    ("metric", "part", "whole", "limits", "expected"),
    [
        # docs/rules.md G 6: green needs refusals below 4 %; B 16: 5 % are too many
        (Metric.REFUSALS, 39, 1000, REFUSALS, Band.GREEN),
        (Metric.REFUSALS, 40, 1000, REFUSALS, Band.AMBER),
        (Metric.REFUSALS, 49, 1000, REFUSALS, Band.AMBER),
        (Metric.REFUSALS, 50, 1000, REFUSALS, Band.RED),
        # G 6: enrolment from 96 %; B 16: at least 95 %
        (Metric.ENROLMENT, 960, 1000, ENROLMENT, Band.GREEN),
        (Metric.ENROLMENT, 959, 1000, ENROLMENT, Band.AMBER),
        (Metric.ENROLMENT, 950, 1000, ENROLMENT, Band.AMBER),
        (Metric.ENROLMENT, 949, 1000, ENROLMENT, Band.RED),
        # G 6: completion from 92 %; B 16: at least 90 % from 1 June 2027
        (Metric.COMPLETION, 92, 100, COMPLETION, Band.GREEN),
        (Metric.COMPLETION, 91, 100, COMPLETION, Band.AMBER),
        (Metric.COMPLETION, 89, 100, COMPLETION, Band.RED),
        # 91.96 % is not 92 %
        (Metric.COMPLETION, 309, 336, COMPLETION, Band.AMBER),
        (Metric.COMPLETION, 0, 0, COMPLETION, None),
    ],
)
def test_band(metric: Metric, part: int, whole: int, limits: Limits, expected: Band | None) -> None:
    assert band(metric, part, whole, limits) == expected


def test_the_rating_is_the_worst_metric() -> None:
    assert worst([Band.GREEN, Band.RED, Band.AMBER]) == Band.RED
    assert worst([Band.GREEN, None]) == Band.GREEN
    assert worst([None]) is None


def test_margin_of_a_course() -> None:
    # 100 to complete, 3 have left: at 92 % five more may leave, at 90 % seven more
    assert completion_margin(97, 100, COMPLETION) == Margin(5, 7)
    assert completion_margin(91, 100, COMPLETION) == Margin(None, 1)
    assert completion_margin(0, 0, COMPLETION) == Margin(None, None)


percents = st.decimals(min_value=1, max_value=100, places=1)


@given(cohort=st.integers(1, 3000), gone=st.integers(0, 3000), green=percents, apart=st.decimals(0, 20, places=1))
def test_the_margin_keeps_the_band_and_one_more_does_not(cohort: int, gone: int, green: Decimal, apart: Decimal) -> None:
    limits = Limits(green, max(Decimal(0), green - apart))
    staying = max(0, cohort - gone)
    margin = completion_margin(staying, cohort, limits)

    def now(more: int) -> Band | None:
        return band(Metric.COMPLETION, staying - more, cohort, limits)

    if margin.to_amber is None:
        assert now(0) != Band.GREEN
    else:
        assert now(margin.to_amber) == Band.GREEN
        assert now(margin.to_amber + 1) != Band.GREEN
    if margin.to_red is None:
        assert now(0) == Band.RED
    else:
        assert now(margin.to_red) != Band.RED
        assert now(margin.to_red + 1) == Band.RED

"""The made-up year of duties: a small one, up to the middle of January, in which every duty opens on the day on which plain
loops say that it has to, and no other does."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from adsum.compliance.duty_life import Kind as Duty
from adsum.core import holidays
from adsum.core.working_days import read
from bench.duties.compare import compare, said
from bench.duties.oracle import expected, works
from bench.duties.play import Year
from bench.duties.truths import BACK, FIRST, LAST, Kind, Span, students

LAST_OF_SMALL = date(2026, 1, 25)
TEXT = Path(django_settings.BANK_HOLIDAYS).read_text(encoding="utf-8")


def test_the_holidays_written_down_twice_are_the_same() -> None:
    scottish = read(TEXT, "scotland")
    assert [day for day in Span(FIRST, LAST).days() if works(day) != scottish.is_one(day)] == []


@pytest.fixture
def scotland(settings: Any) -> Iterator[None]:
    """The university is in Scotland."""
    settings.NATION = "scotland"
    holidays.working_days.cache_clear()
    yield
    holidays.working_days.cache_clear()


@pytest.mark.django_db
@pytest.mark.once
@pytest.mark.usefixtures("scotland")
def test_in_a_small_year_every_duty_opens_on_its_day_and_none_is_missed_or_invented() -> None:
    truths = students(len(Kind), LAST_OF_SMALL, seed=4)
    right = expected(truths, LAST_OF_SMALL)
    kinds = {Duty(one.kind) for one in right}
    assert kinds == set(Duty) - {Duty.PLACEMENT_CHANGE, Duty.OTHER}, "each that opens by itself"
    silent = [one.trigger for one in right if one.kind == Duty.NON_ENGAGEMENT]
    assert BACK in silent
    assert sum(day.weekday() == 6 for day in silent) >= 2
    year = Year(truths, LAST_OF_SMALL)
    year.live()
    opened = year.opened()
    assert list(said(compare(right, opened), truths)) == []
    assert max(Counter(opened).values()) == 1

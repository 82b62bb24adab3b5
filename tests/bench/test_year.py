"""The made-up year: its plain second set of rules agrees with Adsum's, a small year keeps its promises, and docs/fairness.md
says what the command says."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.engagement.alert_life import State
from adsum.engagement.models import Alert
from adsum.engagement.presets import UK_TAUGHT
from adsum.engagement.rules import judge
from bench.year import oracle
from bench.year.__main__ import DOCUMENT, written
from bench.year.figures import Figures, assumptions, measure, tables
from bench.year.oracle import Mark
from bench.year.play import Year
from bench.year.truths import ODD, Kind
from tests.kit.demo import undone
from tests.kit.seen import CALENDAR, MONDAY, classes, instant


@given(st.text(st.sampled_from("PPPLAAAU?N.C"), max_size=60), st.integers(0, 110), st.sampled_from(UK_TAUGHT))
def test_the_rules_said_twice_say_the_same(line: str, days: int, rule: Any) -> None:
    today = MONDAY + timedelta(days=days)
    seen = [one for one in classes(line) if one.on < today]
    record = [Mark(one.on, one.counted.status.value, one.counted.status == "absent_pending") for one in seen]
    doubtless = [one for one in seen if one.counted.status != "absent_pending"]
    found = judge(rule, doubtless, [], CALENDAR, instant(today, 2)).holds
    assert oracle.holds(rule.code, record, today, CALENDAR.is_term) == found


pytestmark = [pytest.mark.django_db, pytest.mark.once, pytest.mark.xdist_group("year")]


@pytest.fixture(scope="module")
def lived(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[Figures, dict[str, int]]]:
    """Five weeks of sixty students, and how many alerts stand in each state."""
    with django_db_blocker.unblock(), undone():
        year = Year(students=60, weeks=5, seed=3)
        year.live()
        states = list(Alert.objects.values_list("state", flat=True))
        yield measure(year), {state: states.count(state) for state in State}


def test_a_small_year_holds_what_is_promised(lived: tuple[Figures, dict[str, int]]) -> None:
    made, states = lived
    assert made.met_the_rules.part == 0
    assert made.met_the_rules.whole > 10
    assert made.put_right.part == made.put_right.whole > 0
    assert made.silent.part == made.silent.whole > 0
    assert made.promises.part == made.promises.whole > 0
    assert made.noticed.part == made.noticed.whole == made.called[Kind.STOPPED][0].whole
    assert states[State.WITHDRAWN] >= made.put_right.part
    assert {kind for kind in ODD if made.called[kind][0].whole} == set(ODD)


def _shape(text: str) -> str:
    """What a table says, without its numbers."""
    return re.sub(r"\d[\d,.]*|–", "n", re.sub(r" \(\d[\d.]* %\)", "", text))


def test_the_document_says_what_the_command_says(lived: tuple[Figures, dict[str, int]]) -> None:
    text = DOCUMENT.read_text()
    made = written(text, "what the year showed", tables(lived[0], seed=3, weeks=5))
    assert _shape(made) == _shape(text)
    assert written(text, "what the year is made of", assumptions()) == text
    with pytest.raises(ValueError, match="not there once"):
        written("", "what the year showed", "")

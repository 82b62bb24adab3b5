"""Alerts through their real verbs: found at night, held, looked at, told, put right, closed."""

from datetime import timedelta

import pytest

from adsum.engagement.alert_life import State
from tests.kit.alerted import DAY, NIGHT, Missing, minute, night
from tests.kit.world import NINE

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def missing(db: None) -> Missing:
    return Missing()


def test_a_friendly_word_is_found_at_night_waits_a_day_and_is_told_in_working_hours_with_all_it_rests_on(missing: Missing):
    missing.week("PAA+")
    assert night(NINE + 2 * DAY + NIGHT) == 1  # Wednesday night
    assert night(NINE + 2 * DAY + NIGHT + HOUR) == 0
    alert = missing.alert()
    assert (alert.stage, alert.state, alert.rule, alert.version) == (0, State.HELD, "0a", missing.version.number)
    assert [(row.session, row.missed) for row in alert.classes.order_by("session")] == [
        (missing.classes[1], True),
        (missing.classes[2], True),
    ]
    minute(NINE + 3 * DAY + HOUR)  # Thursday: its window is not over
    assert missing.told() == []
    minute(NINE + 4 * DAY - HOUR)  # Friday, eight o'clock
    assert missing.told() == []
    minute(NINE + 4 * DAY)
    minute(NINE + 4 * DAY + timedelta(minutes=1))
    assert missing.told() == ["reminder_word"]
    assert missing.told(missing.tutor) == ["reminder_copy"]
    assert missing.states() == [(0, State.TOLD)]

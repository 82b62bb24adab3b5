"""A rehearsal writes to its guests and to nobody else, without a name."""

from datetime import timedelta

import pytest

from adsum.engagement.models import RuleSwitch, WouldBe
from adsum.engagement.rehearsals import rehearse
from adsum.engagement.versions import make_version, put
from adsum.messages.models import Message
from adsum.messages.telling import tell
from adsum.messages.topics.registry import letter_of
from adsum.messages.topics.rehearsal import TOPIC
from tests.kit.alerted import DAY, NIGHT, Missing
from tests.kit.seen import NUDGE
from tests.kit.world import NINE


@pytest.mark.django_db
def test_guests_alone_are_written_to_once_a_day() -> None:
    missing = Missing()
    version = make_version([NUDGE], name="New", by=missing.team, at=NINE - DAY)
    put(RuleSwitch.Place.REHEARSAL, version, by=missing.team, at=NINE - DAY, guests=[missing.team])
    missing.week("PAA..")
    for n in range(5):
        rehearse(at=NINE + NIGHT + n * DAY)
    told = WouldBe.objects.get().told_at
    assert told is not None
    for minutes in (0, 8 * 60, 9 * 60, 9 * 60 + 1):
        tell(TOPIC, at=told + timedelta(minutes=minutes))
    message = Message.objects.get()
    assert message.person == missing.team
    letter = letter_of(message.kind, message.facts)
    assert letter.subject == "Rehearsal: 1 reminder would have left"
    assert "Alice" not in f"{letter} {message.facts}"

"""What those who watch over the logs are told: by whom a record was opened is on the page, that it was is in the letter."""

from datetime import datetime, timedelta

import pytest
from django.db.models import QuerySet

from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import Purpose, Role
from adsum.accounts.services import break_glass, note_break_glass_seen
from adsum.audit.encoding import Finding as Wrongness
from adsum.audit.encoding import Wrong
from adsum.audit.looks import keep_report
from adsum.audit.rules import Finding, Unusual
from adsum.audit.services import record_verification
from adsum.messages.models import Message
from adsum.messages.rules import LONGEST
from adsum.messages.telling import tell
from adsum.messages.topics import oversight
from adsum.messages.topics.oversight import UNUSUAL, WRONG
from adsum.messages.topics.registry import letter_of
from tests.kit.told import text
from tests.kit.world import LONDON, NINE, World

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 30, 0, 30, tzinfo=LONDON)
WEEK = NINE.date()


def opened(world: World, at: datetime, viewer: Person | None = None) -> Person:
    """The student whose record somebody opened."""
    student, viewer = world.student("Alice Abel"), viewer or world.lecturer("Ada Lecturer")
    why = "She did not answer the door."
    break_glass(student, viewer=viewer, access=viewer.access(at), purpose=Purpose.SAFETY, reason=why, at=at)
    return student


def told(kind: str) -> QuerySet[Message]:
    return Message.objects.filter(kind=kind).order_by("pk")


@pytest.fixture
def officer(world: World) -> Person:
    """One of two who are told; a third has left, a fourth's role has ended."""
    world.person(Role.DATA_PROTECTION)
    Person.objects.filter(pk=world.person(Role.DATA_PROTECTION).pk).update(is_active=False)
    RoleGrant.objects.filter(person=world.person(Role.DATA_PROTECTION)).update(ends_on=NINE.date() - timedelta(days=1))
    world.person(Role.AUDITOR)
    return world.person(Role.DATA_PROTECTION)


def test_a_record_opened_from_outside_is_told_at_once_and_names_nobody(world: World, officer: Person):
    opened(world, NINE)
    assert tell(oversight.TOPIC, at=NINE + timedelta(seconds=30)) == 2
    assert tell(oversight.TOPIC, at=NINE + timedelta(minutes=1)) == 0
    letter = told(oversight.OPENED).get(person=officer)
    assert letter.due_at == NINE + timedelta(seconds=30)
    said = text(letter)
    assert "A record was opened from outside\n" in said
    assert "1 in all waits to be read." in said
    for hidden in ("Alice", "Abel", "Ada", "answer the door"):
        assert hidden not in said
    assert letter_of(letter.kind, letter.facts).action[1] == "/privacy/access/"


def test_what_is_opened_soon_after_is_gathered(world: World, officer: Person):
    opened(world, NINE)
    tell(oversight.TOPIC, at=NINE)
    for minutes in (1, 5):
        opened(world, NINE + timedelta(minutes=minutes))
        assert tell(oversight.TOPIC, at=NINE + timedelta(minutes=minutes)) == 0
    assert tell(oversight.TOPIC, at=NINE + LONGEST) == 2
    assert told(oversight.OPENED).filter(person=officer).latest("pk").facts == {"opened": 2, "waiting": 3}


def test_what_was_read_meanwhile_what_one_did_oneself_and_the_night_are_left_alone(world: World, officer: Person):
    from adsum.accounts.models import BreakGlass

    night = NINE.replace(hour=23)
    opened(world, night)
    assert tell(oversight.TOPIC, at=night) == 0
    note_break_glass_seen(BreakGlass.objects.get(), by=officer, at=night)
    assert tell(oversight.TOPIC, at=night + timedelta(hours=9)) == 0, "it was read"
    opened(world, night + timedelta(hours=10), viewer=officer)
    assert tell(oversight.TOPIC, at=night + timedelta(hours=10)) == 1
    assert not told(oversight.OPENED).filter(person=officer).exists()


@pytest.mark.parametrize("found", [[], [Unusual.OUTSIDE, Unusual.OUTSIDE, Unusual.MANY_LISTED]])
def test_each_monday_the_week_is_told_in_numbers(world: World, officer: Person, found: list[Unusual]):
    assert tell(oversight.TOPIC, at=MONDAY) == 0, "there is no report yet"
    keep_report(WEEK, [Finding(kind, 1, 2, 5, NINE) for kind in found], at=MONDAY)
    assert tell(oversight.TOPIC, at=MONDAY) == 2
    assert tell(oversight.TOPIC, at=MONDAY + timedelta(days=1)) == 0
    letter = told(oversight.LOOKS).get(person=officer)
    assert letter.due_at == MONDAY.replace(hour=7, minute=0), "in the morning"
    said = text(letter)
    assert said.startswith("3 unusual looks at records, 23 November" if found else "No unusual looks at records, 23 November")
    assert ("Opened from outside the usual relationship\n2" in said) is bool(found)
    assert letter_of(letter.kind, letter.facts).action[1] == "/privacy/access/?week=2026-11-23"


def test_a_week_long_past_is_told_to_nobody(world: World, officer: Person):
    keep_report(WEEK, [], at=MONDAY)
    assert tell(oversight.TOPIC, at=MONDAY + timedelta(days=3)) == 0


def test_a_log_that_is_wrong_is_told_to_auditors_too_once(world: World, officer: Person):
    def verified(wrong: Wrong | None, place: int, at: datetime) -> int:
        finding = Wrongness(wrong, place, place + 1) if wrong else None
        record_verification(finding, size=9, outside=0, by="system:test", at=at)
        return tell(oversight.TOPIC, at=at)

    assert verified(None, 0, NINE) == 0
    assert verified(Wrong.ALTERED, 4, NINE) == 3
    assert verified(Wrong.ALTERED, 4, NINE + timedelta(days=1)) == 0
    assert verified(Wrong.REMOVED, 2, NINE + timedelta(days=2)) == 3
    said = [text(message) for message in told(oversight.LOG).filter(person=officer)]
    assert "First of all, an event was altered: place 4." in said[0]
    assert "First of all, an event was removed: place 2." in said[1]


def test_every_kind_of_finding_has_words():
    assert set(UNUSUAL) == set(Unusual)
    assert set(WRONG) == set(Wrong)

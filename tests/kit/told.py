"""What people are told: a small house of classes, and the words of what they have got."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from adsum.accounts.models import Person
from adsum.messages.models import Message
from adsum.messages.topics.registry import letter_of
from adsum.timetable.models import ClassSession
from tests.kit.world import NINE, World

NEXT_WEEK = NINE + timedelta(days=7)
FIVE = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
"""The digest of that Monday's end."""


def told(person: Person) -> list[str]:
    """The subjects of what this person is told, oldest first."""
    return [letter_of(one.kind, one.facts).subject for one in Message.objects.filter(person=person).order_by("pk")]


def text(message: Message) -> str:
    letter = letter_of(message.kind, message.facts)
    lines = [
        letter.subject,
        letter.opening,
        *letter.closing,
        *(line for item in letter.items for line in (item.title, *item.lines)),
    ]
    return "\n".join(lines)


@dataclass
class House(World):
    """Two students, their lecturer, and a class next week."""

    past: ClassSession = field(init=False)
    """A class of this morning, over, in which Alice was marked absent (`marked`)."""

    def __post_init__(self) -> None:
        self.l1 = self.group(self.module("Algorithms", "CS201"), "L1")
        self.alice, self.bob = (self.student(name, groups=[self.l1]) for name in ("Alice Abel", "Bob Baker"))
        self.ada = self.lecturer("Ada Lecturer")
        self.coming = self.session(self.l1, starts_at=NEXT_WEEK, staff=[self.ada])

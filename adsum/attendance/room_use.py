"""How rooms are used: what was booked, where somebody came, and where nobody was seen. Numbers of classes and of people, no
names."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from adsum.attendance.models import Register
from adsum.attendance.reports import here_in
from adsum.timetable.models import ClassSession, Room
from adsum.timetable.reports import how_many_expected
from adsum.timetable.rules import ClassStatus


class Use(NamedTuple):
    """One room over some time."""

    room: Room
    booked: int
    """Classes on the timetable, those that were cancelled included."""
    hours: float
    cancelled: int
    used: int
    """Somebody scanned, was marked as there, or was counted."""
    unseen: int
    """The class is over, was not cancelled, and nobody was seen in it."""
    counted: int
    """The classes among those used whose people are counted here, and not in a larger room of theirs."""
    people: int
    """How many were there, in all of these."""
    expected: int
    """How many were expected in the same classes."""

    @property
    def average(self) -> float | None:
        return self.people / self.counted if self.counted else None

    @property
    def filled(self) -> float | None:
        """How many of a hundred seats were taken on average, where the number of seats is known."""
        return 100 * self.people / (self.counted * self.room.capacity) if self.counted and self.room.capacity else None

    @property
    def came(self) -> float | None:
        """How many of a hundred who were expected came."""
        return 100 * self.people / self.expected if self.expected else None


def use_of_rooms(sessions: Iterable[ClassSession], at: datetime) -> list[Use]:
    """What became of these classes, by room; rooms with the most classes in which nobody was seen come first (five queries).
    A class in two rooms counts in both, with its people in the larger."""
    found = {one.pk: one for one in sessions}
    here, expected = here_in(found), how_many_expected(found)
    counts = Register.objects.filter(session__in=found, headcount__isnull=False).values_list("session", "headcount")
    for pk, heads in counts:
        here[pk] = max(here.get(pk, 0), heads or 0)
    rooms = Room.objects.select_related("site").in_bulk()
    by_room, larger = defaultdict[int, list[int]](list), dict[int, int]()
    for pk, room in ClassSession.rooms.through.objects.filter(classsession__in=found).values_list("classsession", "room"):
        by_room[room].append(pk)
        if pk not in larger or (rooms[room].capacity or 0) > (rooms[larger[pk]].capacity or 0):
            larger[pk] = room
    listed = []
    for room, pks in by_room.items():
        mine = [found[pk] for pk in pks]
        standing = [one for one in mine if one.status != ClassStatus.CANCELLED]
        used = [one for one in standing if here.get(one.pk)]
        of_people = [one.pk for one in used if larger[one.pk] == room]
        listed.append(
            Use(
                rooms[room],
                booked=len(mine),
                hours=sum((one.ends_at - one.starts_at).total_seconds() for one in mine) / 3600,
                cancelled=len(mine) - len(standing),
                used=len(used),
                unseen=sum(one.ends_at <= at and not here.get(one.pk) for one in standing),
                counted=len(of_people),
                people=sum(here[pk] for pk in of_people),
                expected=sum(expected.get(pk, 0) for pk in of_people),
            )
        )
    return sorted(listed, key=lambda use: (-use.unseen, use.room.name))

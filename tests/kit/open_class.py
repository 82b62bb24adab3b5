"""A class of two students whose check-in is open, as the gate sees it."""

from datetime import timedelta

from adsum.attendance.models import Mark
from adsum.checkin import services
from adsum.checkin.models import Opening, Scan
from adsum.timetable.models import ClassSession, Group
from tests.kit.world import NINE, World

FIVE_PAST = NINE + timedelta(minutes=5)


class Room:
    """A class of two students, its check-in open, one display showing."""

    def __init__(self) -> None:
        world = World()
        self.world = world
        self.group: Group = world.group()
        self.lecturer = world.lecturer("Ada Lecturer")
        self.alice = world.student("Alice Abel", groups=[self.group])
        self.bob = world.student("Bob Baker", groups=[self.group])
        self.session: ClassSession = world.session(self.group, staff=[self.lecturer])
        self.opening: Opening = services.open_checkin(self.session, by=self.lecturer, at=NINE - timedelta(minutes=9))
        self.display = services.add_display(self.opening, by=self.lecturer, at=NINE).display


def marks() -> list[tuple[int, str]]:
    return sorted(Mark.objects.values_list("student", "status"))


def kept() -> list[str]:
    return sorted(Scan.objects.values_list("refusal", flat=True))

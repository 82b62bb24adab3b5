"""A class in progress, seen by its lecturer: what the tests of the lecturer's pages start from."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.test import Client
from django.urls import reverse

from adsum.accounts.models import Person
from adsum.attendance.models import Mark
from adsum.checkin.models import Opening, Scan
from adsum.checkin.rules import Refusal
from adsum.checkin.services import open_checkin
from adsum.checkin.writer import record_scans
from adsum.timetable.models import ClassSession, Group
from tests.kit.scans import attempt
from tests.kit.world import NINE, World

FIVE_PAST = NINE + timedelta(minutes=5)


@dataclass
class Room:
    """Three students in a class that began five minutes ago; `client` is the lecturer's browser."""

    world: World
    client: Client
    clock: Any
    group: Group = field(init=False)
    session: ClassSession = field(init=False)

    def __post_init__(self) -> None:
        self.group = self.world.group(self.world.module("Algorithms", code="CS201"), code="L1")
        self.lecturer = self.world.lecturer("Ada Lecturer")
        self.alice, self.bob, self.cara = (
            self.world.student(name, groups=[self.group]) for name in ("Alice Abel", "Bob Baker", "Cara Cole")
        )
        self.session = self.world.session(self.group, staff=[self.lecturer])
        self.sign_in(self.lecturer)

    def sign_in(self, person: Person, at: datetime = FIVE_PAST) -> None:
        """Who looks, and when."""
        self.clock.move_to(at)
        self.client.force_login(person)

    def url(self, name: str, *args: object) -> str:
        return reverse(name, args=[self.session.ref, *args])

    def register(self) -> str:
        """The register as its page."""
        answer = self.client.get(self.url("class_register"))
        assert answer.status_code == 200
        return answer.content.decode()

    def post(self, name: str, *args: object, **data: object) -> Any:
        """Send a form of the register and see what the next page says."""
        return self.client.post(self.url(name, *args), data, follow=True)

    def opening(self) -> Opening:
        return open_checkin(self.session, by=self.lecturer, at=NINE - timedelta(minutes=5))

    def scan(self, student: Person, refusal: Refusal | None = None, **fields: object) -> Scan:
        """An attempt to check in, as the gate writes it."""
        given = attempt(self.opening(), student, ref=uuid4(), verdict=refusal, **fields)
        record_scans([given])
        return Scan.objects.get(ref=given.ref)

    def marks(self) -> dict[str, str]:
        """Status by given name."""
        return dict(Mark.objects.filter(session=self.session).values_list("student__given_name", "status"))


def notices(answer: Any) -> str:
    """What the page tells in answer to a form."""
    found = re.findall(r'<div class="notices".*?</div></div></div>', answer.content.decode(), re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", " ".join(found))).strip()

"""What the check-ins of the latest days left behind: openings, screens and scans, accepted, refused and held.

Older scans are not made up: the evidence of real ones would have been emptied by now.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from adsum.accounts.models import Person
from adsum.attendance.rules import OpenFor, Windows
from adsum.checkin.codes import HANDLE_BITS
from adsum.checkin.models import Display, Epoch, HeldDecision, Opening, Scan
from adsum.checkin.rules import PACES, Refusal
from adsum.core import keyring
from adsum.ops.demo.history import Taken
from adsum.ops.demo.people import BATCH, Population, make_ref

RECENT = timedelta(days=8)
UNDECIDED = timedelta(days=2)
"""Held scans younger than this still wait for their lecturer."""
AGENTS = ("ios",) * 9 + ("android",) * 9 + ("desktop", "in_app")
NETWORKS = ("campus",) * 13 + ("mobile",) * 5 + ("other",) * 2


@dataclass(slots=True)
class _Rows:
    openings: list[Opening] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)
    displays: list[Display] = field(default_factory=list)
    scans: list[Scan] = field(default_factory=list)
    decisions: list[HeldDecision] = field(default_factory=list)


class _Screen:
    """Check-in of one class as it happened."""

    def __init__(self, taken: Taken, rows: _Rows, random: Random, handle: int, version: int) -> None:
        session, teacher = taken.lesson.session, taken.lesson.staff[0]
        window = OpenFor.of(Windows(), starts_at=session.starts_at, ends_at=session.ends_at)
        self.rows, self.random, self.session = rows, random, session
        self.opened_at = window.opens_at + timedelta(seconds=random.randrange(30, 200))
        self.pace = PACES["standard"]
        self.opening = Opening(
            session=session,
            handle=handle,
            opened_at=self.opened_at,
            opened_by=teacher,
            opens_at=window.opens_at,
            present_until=window.present_until,
            late_until=window.late_until,
            ticket_seconds=self.pace.ticket_seconds,
            version=version,
        )
        rows.openings.append(self.opening)
        rows.epochs.append(
            Epoch(
                opening=self.opening,
                number=1,
                kid=keyring.current(),
                period_ms=self.pace.period_ms,
                grace_ms=self.pace.grace_ms,
                started_at=self.opened_at,
            )
        )
        rows.displays.append(
            Display(
                ref=make_ref(random),
                opening=self.opening,
                slot=0,
                credential=f"{random.getrandbits(128):032x}",
                opened_by=teacher,
                opened_at=self.opened_at,
            )
        )

    def scan(self, person: Person, seen: datetime, refusal: Refusal | None = None, device: str = "") -> Scan:
        """One attempt, with evidence such as a real one leaves."""
        random = self.random
        signed_in_after = random.random() < 0.06
        needed = random.uniform(25, 150) if signed_in_after else random.uniform(1.5, 6)
        network = random.choice(NETWORKS)
        age = (
            random.randrange(self.pace.period_ms, self.pace.period_ms + 70_000)
            if refusal == Refusal.STALE_CODE
            else (random.randrange(self.pace.period_ms + self.pace.grace_ms))
        )
        scan = Scan(
            ref=make_ref(random),
            opening=self.opening,
            session_id=self.session.pk,
            student_id=person.pk,
            ticket=make_ref(random),
            refusal=refusal or "",
            first_seen_at=seen,
            finished_at=seen + timedelta(seconds=round(needed, 3)),
            typed=random.random() < 0.04,
            slot=0,
            age_ms=age,
            device=device or device_of(person),
            new_device=random.random() < 0.01,
            network=network,
            network_changed=random.random() < 0.02,
            signed_in_after=signed_in_after,
            agent=AGENTS[int(person.number) % len(AGENTS)],
        )
        self.rows.scans.append(scan)
        return scan

    def hold(self, person: Person, seen: datetime, refusal: Refusal, *, accepted: bool, at: datetime, device: str = "") -> None:
        """An attempt that waited for the lecturer, and, after two days at the latest, what they decided."""
        if seen > at:
            return
        scan = self.scan(person, seen, refusal, device)
        decided = self.session.ends_at + timedelta(minutes=self.random.randrange(2, 90))
        if self.session.ends_at < at - UNDECIDED:
            self.rows.decisions.append(HeldDecision(scan=scan, accepted=accepted, by=self.opening.opened_by, at=decided))


def device_of(person: Person) -> str:
    """The keyed name of the one phone each student has."""
    return hashlib.sha256(f"phone {person.number}".encode()).hexdigest()[:32]


def make_evidence(register: list[Taken], population: Population, *, at: datetime, version: int) -> None:
    """Write openings and scans for classes of the latest days, and for every class of the persona student."""
    random = Random("evidence")  # noqa: S311 - made up, the same every time
    me = population.personas["student"]
    rows = _Rows()
    handles: set[int] = set()
    latest = min(at, max(taken.lesson.session.ends_at for taken in register))
    outsiders = [student.person for student in population.students]
    for taken in register:
        mine = any(person is me for person, _ in taken.scanned)
        if not taken.scanned or not (mine or taken.lesson.session.ends_at > latest - RECENT):
            continue
        while (handle := random.getrandbits(HANDLE_BITS)) in handles:
            continue
        handles.add(handle)
        screen = _Screen(taken, rows, random, handle, version)
        for person, seen in sorted(taken.scanned, key=lambda one: (one[1], one[0].pk)):
            if random.random() < 0.015:
                screen.scan(person, seen - timedelta(seconds=random.randrange(4, 20)), Refusal.STALE_CODE)
            screen.scan(person, max(seen, screen.opened_at))
        _trouble(screen, taken, outsiders, random, at=at)
    _write(rows)


def _trouble(screen: _Screen, taken: Taken, outsiders: list[Person], random: Random, *, at: datetime) -> None:
    """What went otherwise than planned in one class."""
    chance = random.random()
    present = {person.pk for person, _ in taken.scanned} | {person.pk for person in taken.absent}
    if chance < 0.05:  # a student of another group came along
        guest = random.choice(outsiders)
        if guest.pk not in present:
            screen.hold(guest, screen.opened_at + timedelta(minutes=9), Refusal.NOT_EXPECTED, accepted=False, at=at)
    elif chance < 0.09 and taken.absent:  # a student's phone checked in a friend, too
        friend, seen = random.choice(taken.scanned)
        screen.hold(
            random.choice(taken.absent),
            max(seen, screen.opened_at) + timedelta(seconds=40),
            Refusal.SAME_DEVICE,
            accepted=False,
            at=at,
            device=device_of(friend),
        )
    elif chance < 0.16 and taken.absent:  # a student came when it was over
        late = screen.opening.late_until + timedelta(minutes=random.randrange(1, 9))
        if late < at - timedelta(minutes=5):
            screen.scan(random.choice(taken.absent), late, Refusal.CLOSED)


def _write(rows: _Rows) -> None:
    Opening.objects.bulk_create(rows.openings, batch_size=BATCH)
    Epoch.objects.bulk_create(rows.epochs, batch_size=BATCH)
    Display.objects.bulk_create(rows.displays, batch_size=BATCH)
    Scan.objects.bulk_create(rows.scans, batch_size=BATCH)
    HeldDecision.objects.bulk_create(rows.decisions, batch_size=BATCH)

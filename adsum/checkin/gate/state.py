"""What the gate keeps in memory: openings, keys, registers, revocations; at most a second old."""

import asyncio
import contextlib
import math
import socket
import time
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from django.db import Error, OperationalError, connection
from django.db.models import Q

from adsum.accounts.models import Person
from adsum.attendance.models import Outage
from adsum.audit.services import warm
from adsum.checkin import services
from adsum.checkin.codes import Pass, browser_name, unseal_pass, unseal_remembered
from adsum.checkin.gate.entries import Entry, entry_of, instant
from adsum.checkin.known import note_used
from adsum.checkin.models import GateState, KnownBrowser, Opening, RetiredKey, RevokedPass
from adsum.checkin.own_windows import extra_minutes_in
from adsum.checkin.reports import slow_spells
from adsum.checkin.rules import AlarmKind, is_remembered, milliseconds
from adsum.checkin.slowness import BEFORE, sign_ins
from adsum.core import keyring
from adsum.core.reader import Reader
from adsum.timetable.reports import Name, names_expected_in

log = structlog.get_logger("adsum.gate")

REFRESH_SECONDS = 0.5
CLOCK_SECONDS = 60
SLOW_AGAIN = 15.0
"""Seconds between two notes of one process that signing in is slow."""
FIRST_READING_SECONDS = 5.0
CLOCK_ALARM_MS = 250
ROSTERS_AT_ONCE = 50
MOST_PASSES = 30_000
KEPT_FOR = services.TICKETS_LIVE
"""Openings older than this are forgotten."""


@dataclass(slots=True)
class Known:
    """What was read from the database at one time; always replaced as a whole."""

    version: int = 0
    rosters_version: int = 0
    frozen: bool = False
    slow: tuple[tuple[int, int], ...] = ()
    """Scans from when to when belong to a spell of slow sign-ins, in milliseconds."""
    retired: frozenset[str] = frozenset()
    by_handle: dict[int, Entry] = field(default_factory=dict)
    by_pk: dict[int, Entry] = field(default_factory=dict)
    by_session: dict[int, Entry] = field(default_factory=dict)
    revoked: dict[int, list[tuple[str, int]]] = field(default_factory=dict)
    forgotten: frozenset[bytes] = frozenset()
    """The names of browsers that are known no more."""
    remember_days: int = 0


class State:
    """The gate's memory in one process. `now_ms` is the database's clock as this node measures it."""

    def __init__(self) -> None:
        self.known = Known()
        self.rosters: dict[int, dict[int, Name]] = {}
        self.offset_ms = 0
        self._wanted: set[int] = set()
        self._loading: asyncio.Task[None] | None = None
        self._names: dict[int, Name] = {}
        self._genuine: dict[tuple[str, frozenset[str]], Pass] = {}
        self._used: set[str] = set()
        self._late: dict[int, set[int]] = {}
        self._alarms: dict[tuple[AlarmKind, int | None], str] = {}
        self.read = Reader("gate-reader")
        self._refreshed = -math.inf
        self._clock_read = -math.inf
        self._slow_told = -math.inf
        self._away = False
        self._warm = False
        self._task: asyncio.Task[None] | None = None
        self.ready = asyncio.Event()
        """Set after the first reading."""

    def now_ms(self) -> int:
        return int(time.time() * 1000) + self.offset_ms

    async def start(self) -> None:
        """Begin to read, and wait a moment for the first reading. The gate starts even if the database is away."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep_fresh())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.ready.wait(), FIRST_READING_SECONDS)

    async def stop(self) -> None:
        if running := [task for task in (self._task, self._loading) if task is not None]:
            for task in running:
                task.cancel()
            await asyncio.wait(running)
        await self.read.close()

    async def _keep_fresh(self) -> None:
        while True:
            try:
                await self.report()
                await self.refresh()
                self.ready.set()
                self._look_ahead()
                if not self._warm:
                    self._warm = True
                    await self.read(warm)
            except Error as failure:
                # Keep what is known: scanning goes on as far as it can without the database.
                log.warning("gate.refresh", why=str(failure))
            await asyncio.sleep(REFRESH_SECONDS)

    async def refresh(self, *, at_most_every: float = 0.0) -> None:
        """Read what has changed, if anything. Raises django.db errors when the database is away."""
        if time.monotonic() - self._refreshed < at_most_every:
            if self._away:
                raise OperationalError("The database was away a moment ago.")
            return
        self._refreshed = time.monotonic()
        try:
            known = await self.read(_read, self.known, self.now_ms())
        except Error:
            self._away = True
            raise
        self._away = False
        if known.rosters_version != self.known.rosters_version:
            self.rosters = {}
        self.known = known
        if time.monotonic() - self._clock_read > CLOCK_SECONDS:
            self._clock_read = time.monotonic()
            self.offset_ms = await self.read(_clock_offset)
            if abs(self.offset_ms) > CLOCK_ALARM_MS:
                self.alarm(AlarmKind.CLOCK, None, f"{socket.gethostname()}: {self.offset_ms:+} ms")

    def was_slow(self, at_ms: int) -> bool:
        """Whether signing in was slow for who scanned then."""
        return any(begins <= at_ms < ends for begins, ends in self.known.slow)

    async def report(self) -> None:
        """Write down what was noticed since the last time. Never called while a request waits."""
        if self._used:
            used, self._used = self._used, set()
            await self.read(note_used, used, at=instant(self.now_ms()))
        now = time.monotonic()
        if now - self._slow_told > SLOW_AGAIN and (slow := sign_ins.slow(now)):
            self._slow_told = now
            await self.read(services.sign_in_is_slow, slow, at=instant(self.now_ms()))
        if self._late or self._alarms:
            late, self._late, alarms, self._alarms = self._late, {}, self._alarms, {}
            await self.read(_report, late, alarms, instant(self.now_ms()))

    def came_late(self, entry: Entry, student: int) -> None:
        """Note for the next report that a genuine code of an expected student was a little too old."""
        self._late.setdefault(entry.pk, set()).add(student)

    def was_used(self, pass_: Pass) -> None:
        """Note for the next report that a known browser was used."""
        self._used.add(pass_.sign_in.hex())

    def alarm(self, kind: AlarmKind, opening: int | None, detail: str) -> None:
        """Tell the administrators: in the log now, on their page with the next report."""
        log.error(f"gate.{kind}", opening=opening, detail=detail)
        self._alarms[kind, opening] = detail

    def early(self, opening: int, slot: int, age_ms: int) -> None:
        """Tell them of a genuine code that its screen should not have shown yet."""
        self.alarm(AlarmKind.FUTURE_CODE, opening, f"screen {slot + 1}, {-age_ms / 1000:.1f} s early")

    def keys(self, purpose: str) -> dict[str, bytes]:
        """The keys that still count for `purpose`."""
        keys = keyring.keys_for(purpose)
        retired = self.known.retired
        return {kid: key for kid, key in keys.items() if kid not in retired} if retired else keys

    async def entry_for(self, handle: int) -> Entry | None:
        """The opening with this handle. One that another worker has just opened is looked for, at most five times a second."""
        entry = self.known.by_handle.get(handle)
        if entry is None:
            await self.refresh(at_most_every=0.2)
            entry = self.known.by_handle.get(handle)
        return entry

    async def roster(self, entry: Entry) -> dict[int, Name]:
        """The students expected in the class, by id. Classes requested at the same time are read together, once."""
        while (roster := self.rosters.get(entry.session)) is None:
            self._wanted.add(entry.session)
            if self._loading is None or self._loading.done():
                self._loading = asyncio.create_task(self._load())
            await asyncio.shield(self._loading)
        return roster

    async def _load(self) -> None:
        while self._wanted:
            version = self.known.rosters_version
            wanted = [self._wanted.pop() for _ in range(min(len(self._wanted), ROSTERS_AT_ONCE))]
            read = await self.read(names_expected_in, wanted)
            if version == self.known.rosters_version:  # else they changed meanwhile, and those who wait ask again
                self.rosters |= read

    def _look_ahead(self) -> None:
        """Read the registers of classes with open check-in before their first scan needs them."""
        now = self.now_ms()
        missing = {
            entry.session for entry in self.known.by_pk.values() if entry.session not in self.rosters and not entry.is_over(now)
        }
        self._wanted |= missing
        if missing and (self._loading is None or self._loading.done()):
            self._loading = asyncio.create_task(self._load())

    async def name_of(self, person: int) -> Name:
        """The name of someone who is not on the register."""
        if person not in self._names:
            if len(self._names) > 50_000:
                self._names.clear()
            self._names[person] = await self.read(_name, person)
        return self._names[person]

    def believe(self, text: str) -> Pass | None:
        """The sign-in this pass proves, if it is genuine, current and not revoked."""
        # Each pass is shown at least twice, at the scan and at the tap. A genuine pass stays so until a key is retired.
        known_by = (text, self.known.retired)
        pass_ = self._genuine.get(known_by)
        if pass_ is None:
            pass_ = unseal_pass(text, self.keys("pass/v1"))
            if pass_ is not None:
                if len(self._genuine) >= MOST_PASSES:
                    self._genuine.clear()
                self._genuine[known_by] = pass_
        if pass_ is None or self.now_ms() >= pass_.expires_ms:
            return None
        for sign_in, at_ms in self.known.revoked.get(pass_.person, ()):
            if (not sign_in and pass_.issued_ms <= at_ms) or sign_in == pass_.sign_in.hex():
                return None
        return pass_

    def recognise(self, text: str, tag: str) -> Pass | None:
        """What the proof of a known browser lets it do, if it is genuine, this browser's, in time, and not forgotten."""
        days = self.known.remember_days
        proof = unseal_remembered(text, self.keys("remembered/v1")) if days and tag else None
        if proof is None or proof.device != browser_name(tag) or proof.name in self.known.forgotten:
            return None
        if not is_remembered(renewed_ms=proof.renewed_ms, now_ms=self.now_ms(), days=days):
            return None
        return Pass(proof.person, proof.name, proof.renewed_ms, proof.renewed_ms + days * 86_400_000, remembered=True)


def _read(known: Known, now_ms: int) -> Known:
    state = GateState.objects.filter(pk=1).first()
    if state is None or state.version == known.version:
        return known
    retired = frozenset(RetiredKey.objects.values_list("kid", flat=True))
    since = 0 if state.rosters_version != known.rosters_version or retired != known.retired else known.version
    oldest = instant(now_ms) - KEPT_FOR
    outages = [one.reach for one in Outage.objects.standing().filter(Q(ends_at=None) | Q(ends_at__gt=oldest - KEPT_FOR))]
    openings = list(
        Opening.objects.filter(version__gt=since, late_until__gt=oldest)
        .select_related("session__module")
        .prefetch_related("epochs", "displays", "second_checks", "session__rooms")
    )
    extra = extra_minutes_in([opening.session for opening in openings])
    changed = [entry_of(opening, retired, outages, extra[opening.session_id]) for opening in openings]
    by_pk = {pk: entry for pk, entry in known.by_pk.items() if entry.late_until > oldest}
    by_pk |= {entry.pk: entry for entry in changed}
    revoked: dict[int, list[tuple[str, int]]] = {}
    for person, sign_in, at in RevokedPass.objects.filter(at__gt=oldest).values_list("person_id", "sign_in", "at"):
        revoked.setdefault(person, []).append((sign_in, milliseconds(at)))
    ended = KnownBrowser.objects.filter(version__gt=known.version).values_list("name", flat=True)
    forgotten = frozenset(bytes.fromhex(name) for name in ended)
    return Known(
        version=state.version,
        rosters_version=state.rosters_version,
        frozen=state.frozen_at is not None,
        slow=tuple((milliseconds(spell.began_at - BEFORE), milliseconds(spell.until)) for spell in slow_spells(oldest)),
        retired=retired,
        by_handle={entry.handle: entry for entry in by_pk.values()},
        by_pk=by_pk,
        revoked=revoked,
        forgotten=known.forgotten | forgotten if forgotten else known.forgotten,
        remember_days=state.remember_days,
        by_session={entry.session: entry for entry in by_pk.values()},
    )


def _report(late: dict[int, set[int]], alarms: dict[tuple[AlarmKind, int | None], str], at: datetime) -> None:
    for opening, students in late.items():
        services.count_late_codes(opening, students, at=at)
    for (kind, about), detail in alarms.items():
        services.raise_alarm(kind, about, detail, at=at)


def _name(person: int) -> Name:
    found = Person.objects.filter(pk=person).first()
    return Name(found.display_name, found.number) if found else Name("", "")


def _clock_offset() -> int:
    """How far the database's clock is ahead of ours, in milliseconds. An embedded database shares our clock."""
    if connection.vendor != "postgresql":
        return 0
    before = time.time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        theirs: datetime = cursor.fetchone()[0]
    ours = (before + time.time()) / 2
    return round((theirs.timestamp() - ours) * 1000)

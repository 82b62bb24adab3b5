"""What the gate keeps of an opening to judge its scans, and times as the gate counts them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import structlog

from adsum.attendance.rules import OpenFor, Reach
from adsum.checkin.codes import EpochKey
from adsum.checkin.models import Opening
from adsum.checkin.own_windows import window_of
from adsum.checkin.reports import keys_of
from adsum.checkin.rules import OpeningFacts, milliseconds
from adsum.core import keyring
from adsum.core.signing import derive
from adsum.timetable.reports import university_zone

log = structlog.get_logger("adsum.gate")


def instant(ms: int) -> datetime:
    """The instant of `milliseconds`."""
    return datetime.fromtimestamp(ms / 1000, UTC)


@lru_cache(maxsize=4_096)
def clock_text(at: datetime, form: str = "%H:%M") -> str:
    """A time as the university's clocks show it."""
    return at.astimezone(university_zone()).strftime(form)


@dataclass(frozen=True, slots=True)
class Entry:
    """One opening, with what is needed to judge its scans. Newest epoch first."""

    pk: int
    session: int
    ref: bytes
    """The class, as addresses name it."""
    version: int
    handle: int
    title: str
    module: str
    kind: str
    rooms: str
    starts_at: datetime
    opens_at: datetime
    present_until: datetime
    late_until: datetime
    extra: Mapping[int, int]
    """By student, how many minutes longer those have who have an adjustment: few, and most classes have none."""
    shown_until: datetime
    """Until when its code is shown: as long as one of its students may scan it."""
    ends_at: datetime
    starts: str
    ends: str
    """The same two as the university's clocks show them."""
    stopped_ms: int | None
    cancelled: bool
    ticket_seconds: int
    epochs: tuple[EpochKey, ...]
    revoked_slots: frozenset[int]
    relieved: bool
    """Its grace is widened."""
    check_ends_ms: int | None
    """When the second check that runs ends; None while none does."""
    check_to_come: bool
    """A second check is planned: screens that have closed wait for it."""
    outage: bool
    """An outage touched its check-in."""
    device_key: bytes
    """The key that names its browsers. It changes every half-year, but not during check-in, even when the signing key does."""

    def window(self, student: int) -> OpenFor:
        """When check-in is open for this student."""
        return OpenFor(self.opens_at, self.present_until, self.late_until).longer(
            self.extra.get(student, 0), ends_at=self.ends_at
        )

    def edges(self, student: int) -> tuple[int, ...]:
        """The moments at which a scan of this student becomes worth less."""
        window = self.window(student)
        ends = milliseconds(window.present_until), milliseconds(window.late_until)
        return ends if self.stopped_ms is None else (*ends, self.stopped_ms)

    def facts(self, window: OpenFor, *, frozen: bool, expected: bool, slow: bool = False) -> OpeningFacts:
        """What judging a ticket needs, with the student's own window; `slow`: signing in was, when it was scanned."""
        return OpeningFacts(
            opens_ms=milliseconds(window.opens_at),
            late_until_ms=milliseconds(window.late_until),
            stopped_ms=self.stopped_ms,
            cancelled=self.cancelled,
            frozen=frozen,
            expected=expected,
            outage=self.outage or slow,
        )

    def is_checking(self, now_ms: int) -> bool:
        """Whether a second check runs."""
        return self.check_ends_ms is not None and now_ms < self.check_ends_ms

    def is_for_check(self, epoch: int) -> bool:
        """Whether the codes of this epoch were shown for a second check."""
        return any(one.number == epoch and one.check for one in self.epochs)

    def is_over(self, now_ms: int, student: int | None = None) -> bool:
        """Whether scanning is over: for this student, or for everyone."""
        if self.is_checking(now_ms):
            return False
        until = self.shown_until if student is None else self.window(student).late_until
        return now_ms >= milliseconds(until) or (self.stopped_ms is not None and now_ms >= self.stopped_ms)


def entry_of(opening: Opening, retired: frozenset[str], outages: Iterable[Reach], extra: Mapping[int, int]) -> Entry:
    session, window = opening.session, window_of(opening)
    waiting = [one for one in opening.second_checks.all() if one.settled_at is None]
    epochs = []
    for epoch in sorted(opening.epochs.all(), key=lambda one: one.number, reverse=True)[:8]:
        master = keyring.masters().get(epoch.kid)
        if master is None:
            log.error("gate.key_missing", kid=epoch.kid)
            continue
        epochs.append(keys_of(epoch, opening, master, retired=retired))
    return Entry(
        pk=opening.pk,
        session=session.pk,
        ref=session.ref.bytes,
        version=opening.version,
        handle=opening.handle,
        title=session.title,
        module=session.module.code,
        kind=session.kind,
        rooms=", ".join(sorted(room.name for room in session.rooms.all())),
        starts_at=session.starts_at,
        opens_at=opening.opens_at,
        present_until=opening.present_until,
        late_until=opening.late_until,
        extra=extra,
        shown_until=window.longer(max(extra.values(), default=0), ends_at=session.ends_at).late_until,
        ends_at=session.ends_at,
        starts=clock_text(session.starts_at),
        ends=clock_text(session.ends_at),
        stopped_ms=milliseconds(opening.stopped_at) if opening.stopped_at else None,
        cancelled=session.cancelled,
        ticket_seconds=opening.ticket_seconds,
        epochs=tuple(epochs),
        revoked_slots=frozenset(display.slot for display in opening.displays.all() if display.revoked_at),
        relieved=opening.relieved_at is not None,
        check_ends_ms=next((milliseconds(one.ends_at) for one in waiting if one.ends_at), None),
        check_to_come=any(one.started_at is None for one in waiting),
        outage=any(reach.covers(window, [(room.pk, room.site_id) for room in session.rooms.all()]) for reach in outages),
        device_key=_device_key(opening, session.starts_at),
    )


def _device_key(opening: Opening, at: datetime) -> bytes:
    """Derived from the key that signed when check-in opened: a new key in mid-class must not make one phone look like two."""
    _number, kid = min(((epoch.number, epoch.kid) for epoch in opening.epochs.all()), default=(0, ""))
    keys = keyring.keys_for("device/v1")
    return derive(keys.get(kid) or keys[keyring.current()], salt=b"", info=f"{at.year}-{(at.month - 1) // 6}".encode())

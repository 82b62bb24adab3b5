"""Makes, reads and seals codes, tickets and passes. Whether they count is decided in `rules`."""

import hmac
import struct
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from adsum.checkin.entered import plain
from adsum.checkin.rules import Refusal, Ticket
from adsum.core import ids
from adsum.core.signing import TAG_BYTES, derive, fingerprint, seal, tag, unseal

CODE_LENGTH = 36

COUNTER_BITS = 15

EARLY_MS = 500
"""How far ahead of this node's clock another node's code may be; beyond it a genuine code means a leaked key."""

HANDLE_BITS = 30

RELIEF_GRACE_MS = 30_000
"""The grace of a class in relief: its students' genuine codes keep arriving a little too old. Relief never goes further."""


@dataclass(slots=True)
class Code:
    """The parts of a scanned code. `counter` is modulo 2^15."""

    handle: int
    slot: int
    counter: int
    tag: bytes


@dataclass(frozen=True, slots=True)
class EpochKey:
    """What one epoch of an opening needs to make and recognise its codes. `ended_ms` is None while its codes are shown."""

    opening: int
    number: int
    key: bytes
    typed_key: bytes
    period_ms: int
    grace_ms: int
    started_ms: int
    ended_ms: int | None = None
    killed: bool = False
    check: bool = False
    """Shown for a second check."""

    def counter_at(self, now_ms: int) -> int:
        """Which interval `now_ms` falls in, counted from the start of the epoch; never negative."""
        return max(0, (now_ms - self.started_ms) // self.period_ms)

    def left_ms(self, now_ms: int) -> int:
        """Milliseconds until the code changes."""
        return self.started_ms + (self.counter_at(now_ms) + 1) * self.period_ms - now_ms


def epoch_keys(master: bytes, *, opening: int, epoch: int) -> tuple[bytes, bytes]:
    """The keys of the QR code and of the typed code of one epoch. They differ, so that neither code passes for the other."""
    salt = opening.to_bytes(8, "big")
    number = epoch.to_bytes(4, "big")
    return derive(master, salt=salt, info=b"qr/v1|" + number), derive(master, salt=salt, info=b"typed/v1|" + number)


def _fields(*numbers: int) -> bytes:
    """Each number length-prefixed, so no two lists of numbers share an encoding."""
    return b"".join(b"\x08" + number.to_bytes(8, "big") for number in numbers)


def _code_tag(epoch: EpochKey, slot: int, counter: int) -> bytes:
    return tag(epoch.key, b"qr/v1" + _fields(epoch.opening, epoch.number, slot, counter % (1 << COUNTER_BITS)))


def make_code(epoch: EpochKey, *, handle: int, slot: int, counter: int) -> str:
    """The 36 characters of one code: handle 30 bits, slot 5, counter 15, tag 128 (padded to 130)."""
    return (
        ids.encode(handle, 6)
        + ids.encode(slot, 1)
        + ids.encode(counter % (1 << COUNTER_BITS), 3)
        + ids.encode(int.from_bytes(_code_tag(epoch, slot, counter), "big"), 26)
    )


def parse_code(text: str) -> Code | None:
    """Read a code strictly: 36 canonical characters, nothing before, between or after. None otherwise."""
    if len(text) != CODE_LENGTH:
        return None
    try:
        mac = ids.decode(text[10:])
        if mac >> (8 * TAG_BYTES):
            return None
        return Code(
            handle=ids.decode(text[:6]),
            slot=ids.decode(text[6]),
            counter=ids.decode(text[7:10]),
            tag=mac.to_bytes(TAG_BYTES, "big"),
        )
    except ValueError:
        return None


@dataclass(slots=True)
class Reading:
    """The result of reading a code, genuine or refused. `age_ms` counts from the start of its interval."""

    refusal: Refusal | None
    age_ms: int = 0
    epoch: int = 0
    from_the_future: bool = False


_NOBODY = EpochKey(opening=0, number=0, key=bytes(32), typed_key=bytes(32), period_ms=60_000, grace_ms=0, started_ms=0)


def read_code(code: Code, epochs: Iterable[EpochKey], *, now_ms: int) -> Reading:
    """Check a code against the epochs of its opening, newest first: the tag before the time.

    An unknown opening (no epochs) still costs one HMAC, so that its answer takes as long as that of a known one.
    """
    for epoch in epochs or (_NOBODY,):
        genuine = hmac.compare_digest(_code_tag(epoch, code.slot, code.counter), code.tag)
        if genuine and epoch is not _NOBODY:
            return _freshness(epoch, code.counter, now_ms)
    return Reading(Refusal.UNKNOWN_CODE)


def _freshness(epoch: EpochKey, counter: int, now_ms: int) -> Reading:
    if epoch.killed:
        return Reading(Refusal.STALE_CODE, epoch=epoch.number)
    # The counter is modulo 2^15: take the interval nearest to now.
    wrap = 1 << COUNTER_BITS
    current = epoch.counter_at(now_ms)
    nearest = current + (counter - current + wrap // 2) % wrap - wrap // 2
    age = now_ms - (epoch.started_ms + nearest * epoch.period_ms)
    if age < -EARLY_MS:
        return Reading(Refusal.STALE_CODE, age, epoch.number, from_the_future=True)
    if age >= epoch.period_ms + epoch.grace_ms:
        return Reading(Refusal.STALE_CODE, age, epoch.number)
    if epoch.ended_ms is not None and now_ms >= epoch.ended_ms + epoch.grace_ms:
        return Reading(Refusal.STALE_CODE, age, epoch.number)
    return Reading(None, age, epoch.number)


@dataclass(slots=True)
class KeptReading:
    """The result of reading a code that a phone kept while it had no network."""

    reading: Reading
    seen_ms: int
    """When it was scanned: now, when the code still lives; else what the phone says, but not before the code was shown."""
    proven: bool
    """Whether our own clock says so."""


def read_kept(code: Code, epochs: Iterable[EpochKey], *, ago_ms: int, now_ms: int, edges: Collection[int] = ()) -> KeptReading:
    """Check a code that a phone says it scanned `ago_ms` ago. A code that still lives proves its time; an older one is judged
    for the moment the phone names, within which it must have been shown. So is one that lives, when one of `edges` (moments at
    which a scan becomes worth less) lies between that moment and now: who sends it sooner must not be worse off."""
    epochs = tuple(epochs)
    now = read_code(code, epochs, now_ms=now_ms)
    seen_ms = min(max(now_ms - ago_ms, now_ms - now.age_ms), now_ms)
    crossed = now.refusal is None and any(seen_ms < edge <= now_ms for edge in edges)
    if (now.refusal != Refusal.STALE_CODE or now.from_the_future) and not crossed:
        return KeptReading(now, now_ms, proven=True)
    return KeptReading(read_code(code, epochs, now_ms=seen_ms), seen_ms, proven=False)


def make_typed(epoch: EpochKey, counter: int) -> str:
    """The 8-digit twin of the code, the same on every display of the class."""
    mac = tag(epoch.typed_key, b"typed/v1" + _fields(epoch.opening, epoch.number, counter))
    return f"{int.from_bytes(mac, 'big') % 10**8:08d}"


def clean_typed(text: str) -> str | None:
    """What a person typed, as 8 digits of any script; spaces and dashes between them are forgiven. None when it cannot be a
    code."""
    digits = plain(text[:200])
    return digits if len(digits) == 8 and digits.isascii() and digits.isdigit() else None


def read_typed(typed: str, epochs: Iterable[EpochKey], *, now_ms: int) -> tuple[Reading, int]:
    """Check a typed code against these epochs: the reading (genuine and still good now, or refused), and its counter."""
    found = (Reading(Refusal.UNKNOWN_CODE), 0)
    for epoch in epochs:
        current = epoch.counter_at(now_ms)
        reach = epoch.grace_ms // epoch.period_ms + 1
        for counter in range(max(0, current - reach), current + 2):
            if hmac.compare_digest(make_typed(epoch, counter), typed):
                reading = _freshness(epoch, counter, now_ms)
                if reading.refusal is None:
                    return reading, counter
                found = (reading, counter)
    return found


def relieved(epochs: Iterable[EpochKey]) -> tuple[EpochKey, ...]:
    """The same epochs with the grace of a class in relief; the codes of killed epochs stay refused."""
    return tuple(replace(epoch, grace_ms=max(epoch.grace_ms, RELIEF_GRACE_MS)) for epoch in epochs)


_TICKET = struct.Struct(">B16sQHBHqiBBB16sQq")

_TICKET_VERSION = 1

_REFUSALS = (None, *Refusal)
"""A ticket stores the index of its refusal in this list, so add new ones at the end."""


def seal_ticket(ticket: Ticket, key: bytes, kid: str) -> str:
    """The ticket as text, signed; `kid` says with which key."""
    packed = _TICKET.pack(
        _TICKET_VERSION,
        ticket.id,
        ticket.opening,
        ticket.epoch,
        ticket.slot,
        ticket.counter % (1 << COUNTER_BITS),
        ticket.first_seen_ms,
        ticket.age_ms,
        ticket.network,
        ticket.typed | ticket.new_device << 1 | ticket.bound << 2,
        _REFUSALS.index(ticket.refusal),
        ticket.device,
        ticket.person,
        ticket.expires_ms,
    )
    return f"{kid}.{seal(key, packed)}"


def unseal_ticket(text: str, keys: dict[str, bytes]) -> Ticket | None:
    """The ticket, or None when none of `keys` (by key id) made it."""
    kid, _, sealed = text.partition(".")
    key = keys.get(kid)
    packed = unseal(key, sealed) if key else None
    if packed is None or len(packed) != _TICKET.size or packed[0] != _TICKET_VERSION:
        return None
    _, id_, opening, epoch, slot, counter, first, age, network, flags, refusal, device, person, expires = _TICKET.unpack(packed)
    return Ticket(
        id=id_,
        opening=opening,
        epoch=epoch,
        slot=slot,
        counter=counter,
        first_seen_ms=first,
        age_ms=age,
        network=network,
        typed=bool(flags & 1),
        new_device=bool(flags & 2),
        device=device,
        person=person,
        expires_ms=expires,
        refusal=_REFUSALS[refusal],
        bound=bool(flags & 4),
    )


_PASS = struct.Struct(">BQ16sqq")


@dataclass(slots=True)
class Pass:
    """Proof of a sign-in, checked without the database. `sign_in` names the browser's sign-in, so one can be revoked."""

    person: int
    sign_in: bytes
    issued_ms: int
    expires_ms: int
    remembered: bool = False
    """Nobody signed in: the browser was known. Good for checking in, and for nothing else."""


def seal_pass(pass_: Pass, key: bytes, kid: str) -> str:
    return f"{kid}.{seal(key, _PASS.pack(1, pass_.person, pass_.sign_in, pass_.issued_ms, pass_.expires_ms))}"


def unseal_pass(text: str, keys: dict[str, bytes]) -> Pass | None:
    """The pass, or None when it is not genuine. Whether it has expired or been revoked is for the caller."""
    kid, _, sealed = text.partition(".")
    key = keys.get(kid)
    packed = unseal(key, sealed) if key else None
    if packed is None or len(packed) != _PASS.size:
        return None
    _, person, sign_in, issued, expires = _PASS.unpack(packed)
    return Pass(person, sign_in, issued, expires)


_REMEMBERED = struct.Struct(">BQ16s16sq")


@dataclass(slots=True)
class Remembered:
    """Proof that a browser is known for checking in, good only together with the tag of that browser. `name` is that of the
    sign-in it came from, and ends it."""

    person: int
    name: bytes
    device: bytes
    renewed_ms: int


def browser_name(tag: str) -> bytes:
    """The one-way name by which a browser's tag is known: 16 bytes. (The tag itself has 128 random bits.)"""
    return bytes.fromhex(fingerprint(tag))[:16]


def seal_remembered(proof: Remembered, key: bytes, kid: str) -> str:
    return f"{kid}.{seal(key, _REMEMBERED.pack(1, proof.person, proof.name, proof.device, proof.renewed_ms))}"


def unseal_remembered(text: str, keys: dict[str, bytes]) -> Remembered | None:
    """The proof, or None when it is not genuine. Whether it is this browser's, too old or has ended is for the caller."""
    kid, _, sealed = text.partition(".")
    key = keys.get(kid)
    packed = unseal(key, sealed) if key else None
    if packed is None or len(packed) != _REMEMBERED.size:
        return None
    _, person, name, device, renewed = _REMEMBERED.unpack(packed)
    return Remembered(person, name, device, renewed)

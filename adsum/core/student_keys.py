"""Keys of students, one for each class of retention: what is sealed with them is readable while they are there, and no longer.

They are files in a folder of their own, which never stands where backups of the database are kept: a backup taken before does
not bring back what was sealed with a key that is gone. The folder also keeps the journal of what was ended, by which a restored
backup is brought up to date. The names of its files say nothing: they are hashed with a salt that only the folder has.
"""

import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes, token_hex
from threading import Lock
from time import monotonic
from typing import NamedTuple

from django.conf import settings

from adsum.core.declared import Keep
from adsum.core.errors import AdsumError

REMEMBERED = 30.0
"""Seconds for which a process may go on using a key that it read: so long after an erasure another may still read."""
SALT, JOURNAL = "salt", "ended"
_known: dict[str, tuple[float, bytes]] = {}
_making = Lock()


class Over(NamedTuple):
    """A line of the journal: one class of one person's data is over."""

    person: int
    keep: str
    mark: str
    """A keyed hash of who it was, so that a number of another database is not taken for theirs."""


def folder() -> Path:
    """Where keys are kept. Made with the first of them."""
    return Path(settings.STUDENT_KEYS)


def _salt(*, make: bool = False) -> bytes | None:
    path = folder() / SALT
    try:
        return path.read_bytes()
    except FileNotFoundError:
        if not make:
            return None
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    with _making:
        _write_once(path, token_bytes(32))
    return path.read_bytes()


def _write_once(path: Path, content: bytes) -> None:
    """Write a file that nobody has written yet, whole or not at all; the first stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.{token_hex(4)}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(part, path)
    except FileExistsError:
        pass
    finally:
        part.unlink()


def _path(name: str) -> Path:
    return folder() / name[:2] / name


def name_for(person: int, keep: Keep) -> str:
    """The name of a student's key for a class, which is made where there is none."""
    salt = _salt(make=True) or b""
    name = sha256(salt + f"{person}/{keep}".encode()).hexdigest()[:32]
    if not _path(name).exists():
        _write_once(_path(name), token_bytes(32))
    return name


def key(name: str) -> bytes | None:
    """The key of that name; None when it was destroyed. Raises AdsumError `no_keys` when there are no keys here at all: then
    they are only elsewhere, and nothing may be taken for erased."""
    kept = _known.get(name)
    if kept is not None and monotonic() - kept[0] < REMEMBERED:
        return kept[1]
    _known.pop(name, None)
    try:
        found = _path(name).read_bytes()
    except FileNotFoundError:
        if _salt() is None:
            raise AdsumError(
                "no_keys",
                f"The keys of students are not in {folder()}. Put their folder back, or say in ADSUM_STUDENT_KEYS where it is.",
            ) from None
        return None
    _known[name] = (monotonic(), found)
    return found


def destroy(people: Iterable[int], keep: Keep) -> int:
    """Destroy the keys of these people for a class; how many there were."""
    salt = _salt()
    if salt is None:
        return 0
    gone = 0
    for person in people:
        name = sha256(salt + f"{person}/{keep}".encode()).hexdigest()[:32]
        _known.pop(name, None)
        path = _path(name)
        if path.exists():
            with path.open("r+b") as file:  # before its place on the disk is free for others
                file.write(bytes(path.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
            gone += 1
    return gone


def mark_of(person: int, ref: str) -> str:
    """How the journal knows a person: by their number and the public id that they had."""
    return sha256((_salt(make=True) or b"") + f"{person} {ref}".encode()).hexdigest()[:24]


def note_over(lines: Iterable[Over], *, at: datetime) -> None:
    """Write into the journal that these are over."""
    text = "".join(f"{line.person} {line.keep} {line.mark} {at:%Y-%m-%dT%H:%M:%SZ}\n" for line in lines)
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(folder() / JOURNAL, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def journal() -> Iterator[Over]:
    """What was ever noted as over."""
    try:
        lines = (folder() / JOURNAL).read_text().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        person, keep, mark, _at = line.split()
        yield Over(int(person), keep, mark)


def forget() -> None:
    """Forget every key that was read: for tests, and after an erasure."""
    _known.clear()

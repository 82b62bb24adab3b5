"""A person's file as it is handed over: one archive with the same content for people (HTML) and for programs (JSON)."""

import io
import json
import re
import zipfile
from collections import Counter
from datetime import datetime
from typing import Any

import pyzipper
from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from adsum.attendance.labels import STATUSES
from adsum.messages.topics.registry import KINDS, letter_of
from adsum.privacy.access_files import fail_file, keep_file, show_progress
from adsum.privacy.headings import UNREAD, heading
from adsum.privacy.models import AccessFile
from adsum.privacy.parts import Why
from adsum.privacy.reviewing import verdicts_of
from adsum.privacy.rights_rules import Ground
from adsum.privacy.subject_access import Gathered, Other, Part, gather

FORMAT = 1
"""Of the JSON: raised when a program that reads it would have to change."""
NAME = "your-data"
SHORTEST_PASSPHRASE = 12
NOTHING: tuple[Any, ...] = (None, "", [], {})
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
STATUSES_BY_CODE = {status.value: word for status, word in STATUSES.items()}


def build_file(*, pk: int) -> str:
    """Make a file that was asked for; returns its state. It may run twice."""
    file = AccessFile.objects.select_related("person", "request").get(pk=pk)
    if file.state not in {AccessFile.State.WAITING, AccessFile.State.RUNNING}:
        return file.state
    try:
        with translation.override(file.language):
            verdicts = verdicts_of(file.request) if file.request is not None else None
            found = gather(file.person, verdicts=verdicts, done=lambda done: show_progress(file, done))
            rows = sum(len(part.rows) for part in found.parts)
            keep_file(file, archive(file, found), rows=rows, left_out=len(found.said), at=file.asked_at)
    except Exception:
        fail_file(file)
        raise
    return AccessFile.State.READY


def archive(file: AccessFile, found: Gathered) -> bytes:
    """Both forms, in one archive."""
    for part in found.parts:
        if part.name == "Message":
            _as_letters(part)
    about = {
        "format": FORMAT,
        "university": settings.UNIVERSITY,
        "made": file.asked_at.isoformat(timespec="seconds"),
        "person": file.person.number,
        "reviewed": file.request is not None,
    }
    left = Counter((one.why.value, one.ground.value if one.ground else "") for one in found.said)
    content = {
        "about": about,
        "left_out": [{"why": why, "ground": ground, "texts": n} for (why, ground), n in sorted(left.items())],
        "parts": {part.name: {"title": part.title, "rows": part.rows} for part in found.parts},
    }
    context = {
        **about,
        "file": file,
        "person": file.person,
        "parts": [(part, *_readable(part)) for part in found.parts],
        "left": [(Why(why), Ground(ground) if ground else None, n) for (why, ground), n in sorted(left.items())],
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(f"{NAME}.html", render_to_string("adsum/archive/file.html", context))
        packed.writestr(f"{NAME}.json", json.dumps(content, ensure_ascii=False, indent=1))
    return out.getvalue()


def locked(content: bytes, passphrase: str) -> bytes:
    """The same archive, encrypted to a passphrase (AES-256), which is kept nowhere."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as plain,
        pyzipper.AESZipFile(out, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as packed,
    ):
        packed.setpassword(passphrase.encode())
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    return out.getvalue()


def _as_letters(part: Part) -> None:
    """What messages said, in place of what they are made of."""
    part.columns = ["created_at", "subject", "says", "state", "opened_at"]
    rows = []
    for row in part.rows:
        letter = letter_of(row["kind"], row["facts"]) if row["kind"] in KINDS else None
        said = [letter.opening, *(one.title for one in letter.items), *letter.closing] if letter else []
        rows.append(
            {
                "created_at": row["created_at"],
                "subject": letter.subject if letter else row["kind"],
                "says": "\n".join(said),
                "state": row["state"],
                "opened_at": row["opened_at"],
            }
        )
    part.rows = rows


def _readable(part: Part) -> tuple[list[str], list[list[str]]]:
    """The headings and cells of a part; columns in which nothing stands, or that only programs read,
    are left out."""
    read = [name for name in part.columns if name not in UNREAD]
    used = [name for name in read if any(row.get(name) not in NOTHING for row in part.rows)]
    return [heading(name) for name in used], [[_cell(row.get(name)) for name in used] for row in part.rows]


def _of_others(value: str) -> str:
    """Who somebody is, in the reader's language."""
    words = {Other.YOU: _("you"), Other.STUDENT: _("another student"), Other.STAFF: _("a member of staff")}
    return words[Other(value)]


def _cell(value: Any) -> str:
    if value in NOTHING:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, str) and TIME.fullmatch(value):
        return date_format(localtime(datetime.fromisoformat(value)), "j M Y, H:i")
    if isinstance(value, Other):
        return _of_others(value)
    if isinstance(value, str) and value in STATUSES_BY_CODE:
        return str(STATUSES_BY_CODE[value])
    if isinstance(value, list):
        return ", ".join(map(_cell, value))
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_cell(one)}" for name, one in value.items())
    return str(value)

"""The printable register: a class on paper, as a tagged PDF (PDF/UA-1), with references by which it comes back."""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
import typst
from django.conf import settings
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.core import ids
from adsum.integrations.files import lettering
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import expected_in

log = structlog.get_logger("adsum.files")

TEMPLATE = Path(__file__).parent / "register.typ"
MOST = 120
"""How many classes one file may hold: the day of a large department."""
SPARE_LINES = 4
"""Empty lines for people who come though they are not on the list."""


def _digest(*refs: UUID) -> int:
    return int.from_bytes(hashlib.sha256(b"".join(ref.bytes for ref in refs)).digest()[:8])


def sheet_reference(session: ClassSession) -> str:
    """The name of a class's sheet, such as 7F3K-22QD: always the same for the same class, and it says nothing else."""
    text = ids.encode(_digest(session.ref) >> 24, 8)
    return f"{text[:4]}-{text[4:]}"


def row_reference(session: ClassSession, student: Person) -> str:
    """The name of one student's row on it: six characters, the same however often and in whatever order it is printed."""
    return ids.encode(_digest(session.ref, student.ref) >> 34, 6)


def register_pdf(sessions: Sequence[ClassSession], *, at: datetime) -> bytes:
    """The sheets of these classes, each on pages of its own, in the language that is active (two queries)."""
    return draw(sheet_data(sessions, at=at))


def draw(data: dict[str, Any], *, template: Path = TEMPLATE) -> bytes:
    """The filled template. Whatever people and rooms are called, there is a sheet (lettering.py)."""
    try:
        return _drawn(data, template)
    except typst.TypstError:
        letters = lettering.letters_of(data)
        missing = lettering.undrawable(letters)
        log.warning("sheet.letters", missing=len(missing), do="adsum check names the scripts and their fonts")
    try:
        return _drawn(_legible(data, missing), template)
    except typst.TypstError:  # together they are refused though each is drawn: a plain sheet is better than none
        return _drawn(_legible(data, letters), template)


def _drawn(data: dict[str, Any], template: Path) -> bytes:
    return typst.compile(
        template.read_bytes(),
        font_paths=lettering.fonts(),
        sys_inputs={"data": json.dumps(data)},
        pdf_standards=lettering.STANDARD,
    )


def _legible(data: Any, missing: Collection[str]) -> Any:
    """The same without the letters that are missing here. A student of whose name nothing is left has their number there."""
    if isinstance(data, str):
        return lettering.legible(data, missing) or (lettering.GAP if data else "")
    if isinstance(data, dict):
        left = {key: _legible(value, missing) for key, value in data.items()}
        if left.get("name") == lettering.GAP:
            left["name"] = _("Student %(number)s") % {"number": data["number"] or data["ref"]}
        return left
    return [_legible(one, missing) for one in data] if isinstance(data, (list, tuple)) else data


def sheet_data(sessions: Sequence[ClassSession], *, at: datetime) -> dict[str, Any]:
    """What the template is filled with (two queries)."""
    expected = expected_in([session.pk for session in sessions])
    language, _dash, region = (get_language() or settings.LANGUAGE_CODE).partition("-")
    return {
        "title": _("Printable register"),
        "university": settings.UNIVERSITY,
        "language": language,
        "region": (region or "gb").upper(),
        "words": _words(at),
        "sheets": [_sheet(session, expected[session.pk].values()) for session in sessions],
    }


def _words(at: datetime) -> dict[str, Any]:
    printed = localtime(at)
    return {
        "page": _("Page"),
        "of": _("of"),
        "sheet": _("Sheet"),
        "printed": _("Printed on %(when)s") % {"when": f"{date_format(printed, 'j F Y')}, {printed:%H:%M}"},
        "how": _(
            "Tick one box for each student, and write down when somebody came late. Afterwards enter the sheet on the page of "
            "the class: the times you wrote are what counts, not the time at which you enter them."
        ),
        "headcount": _("People in the room:"),
        "time": _("Taken at:"),
        "signature": _("Lecturer’s signature:"),
        "columns": [_("No."), _("Name"), _("Number"), _("Present"), _("Late"), _("Arrived"), _("Absent"), _("Reference")],
    }


def _sheet(session: ClassSession, students: Iterable[Person]) -> dict[str, Any]:
    starts, ends = localtime(session.starts_at), localtime(session.ends_at)
    when = f"{date_format(starts, 'l j F Y')}, {starts:%H:%M}–{ends:%H:%M}"
    reference = sheet_reference(session)
    rows = [
        {"name": student.display_name, "number": student.number, "ref": row_reference(session, student)} for student in students
    ]
    rows += [{"name": "", "number": "", "ref": ""}] * SPARE_LINES
    facts = [
        (_("When"), when),
        (_("Room"), ", ".join(sorted(room.name for room in session.rooms.all()))),
        (_("Staff"), ", ".join(sorted(person.display_name for person in session.staff.all()))),
        (_("Groups"), ", ".join(sorted(str(group) for group in session.groups.all()))),
        (_("Sheet"), reference),
    ]
    return {
        "code": session.module.code,
        "title": session.title,
        "when": when,
        "ref": reference,
        "facts": [(label, value or "–") for label, value in facts],
        "rows": [{"n": n, **row} for n, row in enumerate(rows, 1)],
    }

"""The evidence pack as one ZIP: pages and a PDF for people, tables for machines, and the log's proof with what checks it."""

import io
import json
import zipfile
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.audit import tree
from adsum.audit.encoding import encode
from adsum.compliance.evidence import Pack, asked_of, pack
from adsum.compliance.evidence_duty import decisions_of
from adsum.compliance.evidence_record import Asked
from adsum.compliance.evidence_work import people_named
from adsum.compliance.scopes import ABOUT_KINDS, Scope, kinds_shown
from adsum.compliance.sections import Column, Reads, Section, instant, ref, row, sums, text, word
from adsum.core import keyring
from adsum.core.cells import safe_filename
from adsum.integrations.files.sheets import draw
from adsum.messages.models import Message
from adsum.messages.told_then import told_then
from adsum.messages.topics.registry import KINDS

HERE = Path(__file__).parent
AUTHORITIES = {Scope.UKVI: "UK Visas and Immigration", Scope.SLC: "Student Loans Company"}


def evidence_of(student: Person, scope: Scope, *, at: datetime) -> Pack:
    """Everything that was known of a student at that instant, for this authority."""
    told = _told(student, scope, at)
    asked = asked_of(student, scope, at=at, subjects=tuple(f"message:{one.ref}" for one in told))
    return pack(asked, (messages(asked, told),))


def _told(student: Person, scope: Scope, at: datetime) -> list[Message]:
    """The messages to the student that this authority may know of, the oldest first (four queries)."""
    kinds, decisions = kinds_shown(scope), decisions_of(student, scope)
    written = Message.objects.filter(person=student, kind__in=kinds | ABOUT_KINDS, created_at__lte=at)
    return [
        one
        for one in written.order_by("created_at", "pk")
        if one.kind in kinds or {one.facts.get("decision"), one.facts.get("duty")} & decisions
    ]


def messages(asked: Asked, told: Sequence[Message]) -> Section:
    """What the student was told, and how far it came."""
    rows = [
        row(one.message.ref, one.message.kind, one.message.version, one.message.created_at, one.message.address, *one[1:])
        for one in told_then(told, asked.events, asked.at)
    ]
    return Section(
        "messages",
        _("Messages to the student"),
        _("What about, when it was written, and how far it had come. “Read” means that the student, signed in, opened it."),
        [
            ref("message", _("Message")),
            word("kind", _("About"), {one.kind: KINDS[one.kind].label for one in told if one.kind in KINDS}),
            Column("version", _("Wording"), Reads.NUMBER),
            instant("written", _("Written")),
            word("address", _("Address")),
            word("state", _("State")),
            instant("since", _("Since")),
            instant("read", _("Read")),
        ],
        rows,
    )


# How people read it


@dataclass(frozen=True, slots=True)
class Read:
    """One table as people read it."""

    name: str
    title: str
    lead: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


class Reader:
    """Reads facts out in the language that is active, in the university's time; names people as they are called today."""

    def __init__(self, sections: Sequence[Section]) -> None:
        self.people = people_named(set().union(*(one.people() for one in sections)))
        classes = next((one for one in sections if one.name == "classes"), None)
        self.classes = {line[0]: f"{line[3]}, {self.instant(line[1])}" for line in (classes.rows if classes else ())}

    def table(self, section: Section) -> Read:
        columns = section.columns
        rows = [[self.cell(column, value) for column, value in zip(columns, line, strict=True)] for line in section.rows]
        return Read(section.name, section.title, section.lead, [column.heading for column in columns], rows)

    def cell(self, column: Column, value: str) -> str:
        if not value:
            return ""
        match column.reads:
            case Reads.INSTANT:
                return self.instant(value)
            case Reads.DAY:
                return date_format(date.fromisoformat(value), "j M Y")
            case Reads.WORD:
                return column.words.get(value) or {"yes": _("yes"), "no": _("no")}.get(value) or value.replace("_", " ")
            case Reads.PERSON:
                return str(self.people.get(value, value))
            case Reads.CLASS:
                return self.classes.get(value, value[:8])
            case Reads.REF:
                return value[:8]
            case _:
                return value

    @staticmethod
    def instant(value: str) -> str:
        at = localtime(datetime.fromisoformat(value))
        return f"{date_format(at, 'j M Y')}, {at:%H:%M}"


# The files


def zipped(made: Pack, *, at: datetime, by: Person) -> bytes:
    """The pack as one file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files(made, at=at, by=by).items():
            archive.writestr(name, content)
    return out.getvalue()


def files(made: Pack, *, at: datetime, by: Person) -> dict[str, bytes]:
    """Each file of the pack by its name. Those below `facts/` are the same whenever it is made again."""
    reader = Reader(made.sections)
    checkpoint, log, waiting = _log(made)
    cover = _cover(made, at=at, by=by, waiting=waiting)
    tables = [reader.table(one) for one in made.sections]
    facts = {f"facts/{one.name}.csv": one.file() for one in made.sections}
    context = {"pack": made, "cover": cover, "tables": tables, "language": get_language() or settings.LANGUAGE_CODE}
    return {
        "index.html": render_to_string("adsum/packs/pack.html", context).encode(),
        "how-to-verify.html": render_to_string("adsum/packs/verify.html", context).encode(),
        "pack.css": (HERE / "pack.css").read_bytes(),
        "pack.pdf": draw(_printed(made, cover, tables), template=HERE / "pack.typ"),
        **facts,
        "people.csv": _people(reader.people).file(),
        "SHA256SUMS": sums(made.sections).encode(),
        "log/events.jsonl": log,
        "log/checkpoint.txt": checkpoint,
        "log/keys.txt": "".join(f"{one}\n" for one in keyring.verifiers(settings.CHECKPOINT_ORIGIN)).encode(),
        "verify.py": (HERE / "verify_pack.py").read_bytes(),
    }


def file_name(made: Pack) -> str:
    return safe_filename("evidence", made.scope, made.student.number, f"{localtime(made.at):%Y-%m-%d}", ending="zip")


def _cover(made: Pack, *, at: datetime, by: Person, waiting: int) -> list[tuple[str, str]]:
    student = made.student
    return [
        (_("Student"), f"{student.display_name}, {student.number}"),
        (_("For"), AUTHORITIES[made.scope]),
        (_("As known on"), Reader.instant(made.at.isoformat())),
        (_("Made"), _("%(when)s by %(who)s") % {"when": Reader.instant(at.isoformat()), "who": by}),
        (_("University"), settings.UNIVERSITY),
        (_("Fingerprint of the facts"), made.fingerprint),
        (_("Events of the log"), str(len(made.events))),
        (_("Of these not in a published checkpoint yet"), str(waiting)),
    ]


def _log(made: Pack) -> tuple[bytes, bytes, int]:
    """The newest published checkpoint, a line for each event with its proof, and how many have none yet."""
    checkpoint, proven = tree.proofs_of(made.events)
    lines = [
        json.dumps({"event": encode(event).decode(), "index": index, "proof": [b64encode(step).decode() for step in steps]})
        for event, index, steps in proven
    ]
    note = tree.note_of(checkpoint).encode() if checkpoint is not None else b""
    return note, "".join(f"{line}\n" for line in lines).encode(), len(made.events) - len(proven)


def _people(people: Mapping[str, Person]) -> Section:
    """Who the references are: no fact of then, but how people are called today."""
    columns = [ref("person", _("Reference")), text("name", _("Name")), text("number", _("Number"))]
    rows = [row(one.ref, one.display_name, one.number) for one in people.values()]
    return Section("people", _("People"), "", columns, sorted(rows))


def _printed(made: Pack, cover: Sequence[tuple[str, str]], tables: Sequence[Read]) -> dict[str, Any]:
    language, _dash, region = (get_language() or settings.LANGUAGE_CODE).partition("-")
    return {
        "title": _("Evidence pack"),
        "university": settings.UNIVERSITY,
        "language": language,
        "region": (region or "gb").upper(),
        "for": AUTHORITIES[made.scope],
        "facts": [list(fact) for fact in cover],
        "words": {"page": _("Page"), "of": _("of"), "contents": _("Contents"), "none": _("Nothing is kept here about this.")},
        "tables": [
            {"title": one.title, "lead": one.lead, "headings": list(one.headings), "rows": [list(line) for line in one.rows]}
            for one in tables
        ],
    }

"""The Welsh catalogue: what the code says, what is translated, and the compiled file that ships.

`python scripts/translate.py` adds to the .po file what is new, drops what is gone, and compiles the .mo file; with `--check`
it only says what is wrong. It needs no gettext tools, because a fresh machine has none.
"""

import ast
import re
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
PO = ROOT / "adsum/web/locale/cy/LC_MESSAGES/django.po"
MO = PO.with_suffix(".mo")
HEADER = (
    "Language: cy\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n"
    "Plural-Forms: nplurals=4; plural=(n==1) ? 0 : (n==2) ? 1 : (n != 8 && n != 11) ? 2 : 3;\n"
)
FORMS = 4
ONE = {"gettext", "gettext_lazy", "gettext_noop", "_"}
MANY = {"ngettext", "ngettext_lazy"}
STRING = r"""(u?'(?:\\.|[^'\\])*'|u?"(?:\\.|[^"\\])*")"""
IN_TEMPLATE = re.compile(rf"\b(n?gettext|_)\(\s*{STRING}(?:\s*,\s*{STRING})?")
HOLE = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+\}")


@dataclass
class Entry:
    """One message: `text` has one form, or FORMS when there is a plural. No text: not translated yet."""

    id: str
    plural: str = ""
    text: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)

    @property
    def missing(self) -> bool:
        return len(self.text) != (FORMS if self.plural else 1) or not all(self.text)

    @property
    def strange_holes(self) -> bool:
        """Whether a translation fills other holes than the original. A form for one or two may leave the number out."""
        wanted = set(HOLE.findall(self.id + self.plural))
        given = [set(HOLE.findall(text)) for text in self.text if text]
        return any(holes - wanted or (not self.plural and holes != wanted) for holes in given)


def said() -> dict[str, Entry]:
    """Every message of the code and of the templates, by its English, in the order of the files."""
    found: dict[str, Entry] = {}
    for path in sorted((ROOT / "adsum").rglob("*")):
        if path.suffix not in {".py", ".html"}:
            continue
        messages = _in_python(path.read_text()) if path.suffix == ".py" else _in_template(path.read_text())
        for text, plural in messages:
            entry = found.setdefault(text, Entry(text))
            entry.plural = entry.plural or plural
            place = str(path.relative_to(ROOT))
            if place not in entry.places:
                entry.places.append(place)
    return found


def _in_python(source: str) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            if name in ONE and texts:
                yield texts[0], ""
            elif name in MANY and len(texts) > 1:
                yield texts[0], texts[1]


def _in_template(source: str) -> Iterator[tuple[str, str]]:
    for name, text, plural in IN_TEMPLATE.findall(templatize(source)):
        yield ast.literal_eval(text), ast.literal_eval(plural) if name == "ngettext" else ""


def read(path: Path = PO) -> dict[str, Entry]:
    """The entries of a .po file, its header left out."""
    entries: dict[str, Entry] = {}
    for block in re.split(r"\n\s*\n", path.read_text() if path.exists() else ""):
        parts: dict[str, str] = {}
        keyword = ""
        for line in block.splitlines():
            if match := re.match(r'(msgid_plural|msgid|msgstr(?:\[\d\])?) (".*")$', line):
                keyword = match[1]
                parts[keyword] = ast.literal_eval(match[2])
            elif line.startswith('"'):
                parts[keyword] += ast.literal_eval(line)
            elif line.startswith("#,") and "fuzzy" in line:
                raise ValueError(f"fuzzy: {block}")
        if parts.get("msgid"):
            text = [parts[name] for name in sorted(parts) if name.startswith("msgstr")]
            entries[parts["msgid"]] = Entry(parts["msgid"], parts.get("msgid_plural", ""), text)
    return entries


def written(entries: dict[str, Entry]) -> str:
    """The .po file."""
    blocks = ["\n".join(['msgid ""', 'msgstr ""', *(_quoted(f"{line}\n") for line in HEADER.splitlines())])]
    for entry in entries.values():
        lines = [f"#: {place}" for place in entry.places]
        if HOLE.search(entry.id.replace("{", "")):
            lines.append("#, python-format")
        lines.append(f"msgid {_quoted(entry.id)}")
        if entry.plural:
            lines.append(f"msgid_plural {_quoted(entry.plural)}")
            lines += [f"msgstr[{n}] {_quoted(entry.text[n] if entry.text else '')}" for n in range(FORMS)]
        else:
            lines.append(f"msgstr {_quoted(entry.text[0] if entry.text else '')}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def compiled(entries: dict[str, Entry]) -> bytes:
    """The .mo file (GNU gettext manual, "The Format of GNU MO Files"), without its hash table."""
    pairs = [("", HEADER)]
    pairs += [(f"{e.id}\0{e.plural}" if e.plural else e.id, "\0".join(e.text)) for e in entries.values() if not e.missing]
    rows = sorted((name.encode(), text.encode()) for name, text in pairs)
    start = 28 + 16 * len(rows)
    names, texts, body = b"", b"", b""
    for column in (0, 1):
        for row in rows:
            place = struct.pack("<II", len(row[column]), start + len(body))
            names, texts = (names + place, texts) if column == 0 else (names, texts + place)
            body += row[column] + b"\0"
    return struct.pack("<7I", 0x950412DE, 0, len(rows), 28, 28 + 8 * len(rows), 0, start) + names + texts + body


def merged() -> dict[str, Entry]:
    """What the code says, with the translations there are."""
    now, before = said(), read()
    for text, entry in now.items():
        known = before.get(text)
        if known is not None and bool(known.plural) == bool(entry.plural):
            entry.text = known.text
    return now


def wrong() -> list[str]:
    """What is not as it should be, a sentence each."""
    entries, kept = merged(), read()
    found = [f"not translated: {entry.id!r} ({entry.places[0]})" for entry in entries.values() if entry.missing]
    found += [f"no longer said: {text!r}" for text in kept if text not in entries]
    found += [f"fills other holes than the English: {entry.id!r}" for entry in entries.values() if entry.strange_holes]
    if not found and PO.read_text() != written(entries):
        found.append(f"{PO.name} is not as it would be written")
    if not found and MO.read_bytes() != compiled(entries):
        found.append(f"{MO.name} is not compiled from {PO.name}")
    return found


def main(check: bool) -> int:
    if not check:
        entries = merged()
        PO.parent.mkdir(parents=True, exist_ok=True)
        PO.write_text(written(entries))
        MO.write_bytes(compiled(entries))
    for sentence in (found := wrong()):
        print(sentence)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))

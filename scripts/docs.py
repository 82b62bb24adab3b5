"""Write what can be read from the code: docs/data.md (every table and column), docs/states.md (what may become of a mark)
and .env.example (every setting).

python scripts/docs.py            writes them: make docs
python scripts/docs.py --check    says which are no longer true, and which links lead nowhere: make check
"""

import ast
import inspect
import os
import re
import sys
import tempfile
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 120
LINK = re.compile(r'\]\(([^)#\s]+)[^)]*\)|src="([^"]+)"')

ENV_HEAD = """\
# Every setting, with its default. Copy to .env and change what differs; the environment outweighs this file.
# A secret may also be a file of that name (lower case) in the folder $CREDENTIALS_DIRECTORY: see deploy/.
"""
SOURCE_WORDS = {
    "staff": "a person may make",
    "absence": "an absence decision",
    "scan": "a scan",
    "import": "an import",
    "system": "closing, or an outage",
}
STATES_HEAD = """\
# What may become of a mark

Written by `make docs` from `attendance.rules.MOVES`; edit that. `expected` is a student without a mark yet. Besides this table
**precedence** decides: what made a mark gives way to an equal or higher source, and the columns stand in that order, the
highest first. So a scan turns the absence of a closed register into *present*, and never one that a person set.

`cancelled` and `not_expected` are no marks: they are read off the class, and off the list of who is expected. A student's query
changes no mark either: it is *under query* beside its status until somebody answers.

Undo takes back a person's last change of a register, whatever it was, to exactly what it was before.

Whoever makes a mark, the same follows from it: a line of its history, an event, a correction where its day was reported
outside, the live register, a message where somebody changed it ([ADR 36](adr/0036-every-mark-every-consequence.md)). The table
of who makes marks and what follows, each exception with its reason, is `tests/attendance/test_consequences.py`.

An absence decision never touches a register in which nothing was observed: that row is for a person who completes one and
accepts what was foreseen. It also explains the first mark of a student whom a person only did not see, though not a mark that a
person amended ([ADR 39](adr/0039-what-is-foreseen.md)).

A person gives {by_hand}.
"""
STATES_DIAGRAM = """\
## Without a person's hand

What happens by itself or by a decision about an absence; a person may make any of these statuses of any other.
"""
DATA_HEAD = """\
# The tables

Written by `make docs` from the models and the declaration beside each (`adsum/core/declared.py`); edit those. Times are UTC.

At the end of its life, or when its person is erased, a field is *erased* (emptied, or gone with its row), *pseudonymised* (it
leads to a person of whom nothing is known any more), or *kept*, because it says nothing of anybody any more. What is no table:
the cache (`adsum_cache`: tries and sign-ins under way, gone when their time is over), the log of the server (ids and addresses
of pages, no names), the folder of checkpoints (hashes) and the folder of keys of students (`adsum/core/student_keys.py`).

How long:
"""


ROLES_FROM = "## Which page opens to whom"
ROLES_SAID = """\
Written by `make docs` from `tests/kit/doors.py`, which is also the test: each of these doors is knocked at as everyone. *own*:
for one's own class, module, tutee, department or record, and for no other. An empty cell: the page does not exist for that role
(404). Pages that everybody has, and those of signing in and of one's own account, are left out."""
COLUMNS = (
    ("student", "student"),
    ("lecturer", "lecturer"),
    ("leader", "module leader"),
    ("tutor", "tutor"),
    ("department", "department"),
    ("team", "attendance team"),
    ("ukvi", "UKVI"),
    ("slc", "SLC"),
    ("timetabling", "time-tabling"),
    ("administrator", "administrator"),
    ("data protection", "data protection"),
    ("auditor", "auditor"),
    ("help desk", "help desk"),
)
"""Who of the table of doors, and the word above their column."""


def said(cls: type) -> dict[str, str]:
    """The sentence under each attribute of a class, which Python itself throws away."""
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for one, following in zip(body.body, body.body[1:], strict=False):
        match one, following:
            case (
                ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = " ".join(text.split())
    return found


def env_example() -> str:
    from adsum.environment import BASE_DIR, Environment

    said_of, parts = said(Environment), [ENV_HEAD]
    for name, field in Environment.model_fields.items():
        default = "" if field.default is None else str(field.default)
        if isinstance(field.default, Path):  # as seen from the checkout, wherever that is
            default = os.path.relpath(field.default, BASE_DIR)
        comment = textwrap.fill(said_of[name], WIDTH, initial_indent="# ", subsequent_indent="# ")
        parts.append(f"{comment}\n# ADSUM_{name.upper()}={default}\n")
    return "\n".join(parts)


def data() -> str:
    import django

    django.setup()
    from adsum.core.declared import LIVES
    from adsum.privacy.declarations import declarations, tables
    from adsum.privacy.life import said as life_said

    lives = [f"| `{keep}` | {life_said(keep)} |" for keep in LIVES]
    parts, feature = [DATA_HEAD, "\n".join(["| class | kept |", "|---|---|", *lives]) + "\n"], ""
    ours = [model for model in tables() if model.__module__.startswith("adsum.")]
    for model in [*ours, *(model for model in tables() if model not in ours and declarations()[model].about_people)]:
        if (here := model.__module__.split(".")[1] if model in ours else "tables of Django, allauth and django-q") != feature:
            feature = here
            parts.append(f"## {feature}\n")
        about = " ".join((inspect.getdoc(model) or "").split()) if model in ours else ""
        parts += [part for part in (f"### {model.__name__}\n", f"{about}\n" if model in ours else "", kept_of(model)) if part]
    return "\n".join(parts)


def kept_of(model: type) -> str:
    """What a table's declaration says, and a row for each of its columns."""
    from django.db.models import ForeignKey, ManyToManyField, Model

    from adsum.privacy.declarations import declarations

    assert issubclass(model, Model)
    table, said_of = declarations()[model], said(model) if model.__module__.startswith("adsum.") else {}
    first = next(iter(table.fields.values()))
    about = f"About the person in `{table.person}`. " if table.person else ""
    verb = "".join(f" By `{one}`." for one in (table.nightly, table.verb) if one)
    rows = [
        f"{about}For {first.purpose.replace('_', ' ')}; from {first.source}; kept: `{table.keep}`.{verb}\n",
        "| column | holds | kind | at the end | |",
        "|---|---|---|---|---|",
    ]
    for column in [*model._meta.concrete_fields, *model._meta.many_to_many]:
        kind = column.get_internal_type().removesuffix("Field")
        if isinstance(column, ForeignKey | ManyToManyField):
            assert not isinstance(column.related_model, str)
            kind = f"{'many ' if isinstance(column, ManyToManyField) else ''}{column.related_model.__name__}"
        one = table.fields.get(column.name)
        end = "" if one is None else f"{one.at_end}" if one.keep == table.keep else f"{one.at_end} (`{one.keep}`)"
        what = said_of.get(column.name, "").replace("|", chr(92) + "|")
        rows.append(f"| `{column.name}` | {kind} | {one.klass if one else ''} | {end} | {what} |")
    return "\n".join(rows) + "\n"


def roles() -> str:
    """docs/roles.md: what stands above ROLES_FROM as it is, and below it the table of doors, page by page and role by role."""
    sys.path.insert(0, str(ROOT))
    from django.urls import URLPattern, get_resolver

    from tests.kit.door import IN, WHO
    from tests.kit.doors import DOORS

    pages = {
        pattern.name: " ".join((inspect.getdoc(inspect.unwrap(pattern.callback)) or "").split("\n\n")[0].split())
        for pattern in get_resolver().url_patterns
        if isinstance(pattern, URLPattern)
    }
    heads = " | ".join(word for _who, word in COLUMNS)
    rows = [f"| page | what it is | {heads} |", "|---|---|" + ":-:|" * len(COLUMNS)]
    for door in DOORS:
        opens = {who: got not in {404, 403, 405, IN} for who, got in zip(WHO, door.gets, strict=True)}
        if (
            door.path.startswith("/account/")
            or opens["anonymous"]
            or not any(opens.values())
            or all(got != 404 for got in door.gets)
        ):
            continue
        named = "{" in door.path
        cells = [
            "" if not opens[who] else "own" if not opens.get(f"other {who}", not (named and who == "leader")) else "yes"
            for who, _word in COLUMNS
        ]
        what = pages.get(door.name, "").replace("|", "\\|")
        rows.append(f"| `{door.method} {door.path}` | {what} | {' | '.join(cells)} |")
    kept, _, _ = (ROOT / "docs/roles.md").read_text().partition(ROLES_FROM)
    return kept + ROLES_FROM + "\n\n" + ROLES_SAID + "\n\n" + "\n".join(rows) + "\n"


def states() -> str:
    from adsum.attendance.rules import BY_HAND, MOVES, OF_THE_CLASS, Precedence, Source, Status

    def cell(status: Status, source: Source) -> str:
        targets = MOVES[source].get(status, frozenset())
        if targets == BY_HAND - {status}:
            return "any of those a person gives"
        return ", ".join(f"`{to}`" for to in Status if to in targets) or "–"

    order = sorted(Source, key=lambda source: -Precedence[source.name])
    parts = [STATES_HEAD.format(by_hand=", ".join(f"`{one}`" for one in Status if one in BY_HAND))]
    head = ["a mark that is", *(SOURCE_WORDS[source] for source in order)]
    rows = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    rows += [
        f"| `{status}` | {' | '.join(cell(status, source) for source in order)} |"
        for status in Status
        if status not in OF_THE_CLASS
    ]
    parts.append("\n".join(rows) + "\n")
    parts.append(STATES_DIAGRAM)
    edges: dict[tuple[str, str], list[str]] = {}
    for source in reversed(order):
        if source in {Source.STAFF, Source.IMPORT}:
            continue
        for status, targets in sorted(MOVES[source].items()):  # they come from sets: never twice in one order
            for to in sorted(targets):
                edges.setdefault((status, to), []).append(source)
    lines = [f"    {status} --> {to}: {', '.join(by)}" for (status, to), by in edges.items()]
    parts.append("```mermaid\nstateDiagram-v2\n    [*] --> expected\n" + "\n".join(lines) + "\n```\n")
    return "\n".join(parts)


def dead_links() -> list[str]:
    """Links and pictures of our own documents that are not there."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("deploy/*.md")]
    links = [(page, a or b) for page in sorted(pages) for a, b in LINK.findall(page.read_text())]
    return [
        f"{page.relative_to(ROOT)}: {link}" for page, link in links if "://" not in link and not (page.parent / link).exists()
    ]


def main(check: bool) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adsum.settings")
    stale = []
    with tempfile.TemporaryDirectory() as folder:
        for name in [name for name in os.environ if name.startswith("ADSUM_")]:
            del os.environ[name]
        os.environ["ADSUM_DATA"] = folder
        written = {
            ROOT / "docs/data.md": data(),
            ROOT / "docs/states.md": states(),
            ROOT / ".env.example": env_example(),
            ROOT / "docs/roles.md": roles(),
        }
    for path, text in written.items():
        if check and (not path.exists() or path.read_text() != text):
            stale.append(str(path.relative_to(ROOT)))
        elif not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    if stale:
        print(f"{', '.join(stale)}: no longer what the code says; run `make docs`.")
    dead = dead_links() if check else []
    for link in dead:
        print(f"{link} leads nowhere")
    return int(bool(stale or dead))


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))

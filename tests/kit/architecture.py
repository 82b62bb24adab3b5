"""What `test_architecture` looks for: each check reads one file and says what is wrong, or nothing."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FEATURES = ["audit", "accounts", "timetable", "attendance", "absence", "checkin", "engagement", "compliance"]
LAYERS = ["core", *FEATURES, "integrations", "web"]
"""From low to high, as far as reverse accessors go; the full order is import-linter's."""

FEATURE_FILES = {"__init__", "services", "reports", "models", "rules"}
EXTRA_FILES = {
    ("attendance", "closing"): "what becomes of a register after its class; services for one mark at a time stay apart",
    ("attendance", "outages"): "declared by a person; above closing, whose work they put right",
    ("audit", "encoding"): "how an event is written down for ever; pure, below its table",
    ("audit", "tree"): "reading the Merkle tree, its proofs and checkpoints",
    ("audit", "verification"): "the whole log, gone through once more",
    ("checkin", "checks"): "second checks and spot checks, which are no part of earning a mark",
    ("checkin", "disposal"): "evidence whose life is over, a batch at a time",
    ("accounts", "roles"): "who may change whose roles and accounts by hand; services write for every caller",
    ("timetable", "roles"): "who leads a module, as a person says by hand",
    ("checkin", "held"): "what a person decides about scans that wait; above attendance's queries and amendments",
    ("checkin", "kiosks"): "the way in for students without a phone",
    ("checkin", "gate"): "the check-in path itself, in Starlette",
    ("checkin", "writer"): "group commit, behind one interface",
    ("checkin", "effect"): "what a policy would have done to the scans of a month: one long question, asked of the database",
    ("attendance", "policies"): "which policy a class is held to, asked by services and reports alike; made and withdrawn here",
    ("attendance", "history"): "registers and sums as they stood at any moment; reports read what stands now",
    ("timetable", "history"): "the timetable as it was known at any moment",
    ("timetable", "events"): "what an import leaves in the event log, apart from writing it",
    ("timetable", "keeping"): "writes what history reads, for the services that change it",
    ("attendance", "amendments"): "what one person alone cannot change, undo, and periods reported outside",
    ("attendance", "queries"): "what a student says against a mark, above the services that change it",
    ("attendance", "visits"): "another group's students, let in and counted once: two classes at a time",
    ("attendance", "alike"): "which queries share a cause: pure, and about queries alone",
    ("attendance", "presets"): "what universities publish about their policies: pure data, with sources",
    ("timetable", "sources"): "the tables of imports and feeds, apart from those of the timetable itself",
    ("timetable", "changes"): "what a person says of a class, apart from what sources say",
    ("engagement", "oversight"): "what those who watch over the logs are told; reports are about classes, marks and queries",
    ("engagement", "timetabling"): "what the timetabling team is told; reports are about classes, marks and queries",
    (
        "engagement",
        "offices",
    ): "what the attendance team and departments are told; reports are about classes, marks and queries",
    ("engagement", "labels"): "words for statuses and reasons, the same in letters and on pages",
    ("engagement", "words"): "what messages say: the letter and the page say the same, and integrations and web both need it",
}

WRITERS = {
    "services.py": "the only code that writes",
    "adsum/attendance/closing.py": "registers closed many at once",
    "adsum/attendance/outages.py": "what a declared outage takes back",
    "adsum/checkin/checks.py": "second checks and spot checks",
    "adsum/checkin/disposal.py": "evidence whose life is over",
    "adsum/checkin/held.py": "decisions about held scans",
    "adsum/checkin/kiosks.py": "what students enter at a kiosk",
    "adsum/checkin/writer.py": "group commit of scans, marks, history and audit events",
    "adsum/attendance/amendments.py": "changes a second person confirms, undo, reported periods",
    "adsum/attendance/queries.py": "queries and their answers",
    "adsum/attendance/policies.py": "versions of policies, made and withdrawn",
    "adsum/timetable/roles.py": "the services with which a person says who leads a module",
    "adsum/timetable/keeping.py": "the history of places",
    "adsum/timetable/changes.py": "the services with which a person changes a class",
    "adsum/ops/work.py": "the schedules of the jobs, a table of django-q2",
    "adsum/ops/demo": "fills an empty demo university in bulk, and refuses any other",
    "adsum/migrations": "Django's own",
}
"""Where rows may be written: the name of a file in a feature, or the beginning of a path; each with its reason."""

VAGUE = {"utils", "util", "helpers", "helper", "managers", "signals", "selectors", "common", "misc", "tools"}
MOST_LINES = 500
COUNTED = {".py", ".html", ".css", ".js"}

ALWAYS_WRITES = {"bulk_create", "bulk_update", "get_or_create", "update_or_create", "executemany"}
WRITES_ON_ROWS = {"create", "save", "delete", "update"}
LOOKUPS = {
    "filter", "exclude", "get", "annotate", "aggregate", "alias", "values", "values_list", "order_by", "select_related",
    "prefetch_related", "Q", "F", "Prefetch", "Count", "Exists", "Max", "Min", "Sum",
}  # fmt: skip


@dataclass(frozen=True)
class Reverse:
    """How a row of `target` (in feature `below`) can be asked for the rows that point at it (in feature `above`)."""

    below: str
    above: str
    accessor: str
    lookup: str


def is_vendored(path: Path) -> bool:
    """Files that others wrote and we only serve."""
    return bool({"vendor", "static-collected"} & set(path.parts)) or path.name.endswith(".min.js")


def wrong_place(path: Path) -> str | None:
    """`path` is relative to the repository. A feature holds its four files and the extras named above."""
    if path.parts[0] != "adsum" or len(path.parts) < 3 or path.suffix != ".py" or path.parts[1] not in FEATURES:
        return None
    feature, name = path.parts[1], Path(path.parts[2]).stem
    if (name in FEATURE_FILES and len(path.parts) == 3) or (feature, name) in EXTRA_FILES:
        return None
    return f"{path}: a feature holds {', '.join(sorted(FEATURE_FILES))}; name a new kind in EXTRA_FILES with its reason"


def vague_name(path: Path) -> str | None:
    """A name that says nothing about what is inside."""
    if vague := {part.split(".")[0] for part in path.parts} & VAGUE:
        return f"{path}: {', '.join(vague)} says nothing; name it after what it does"
    return None


def too_long(path: Path, text: str) -> str | None:
    """A file that should be two."""
    lines = text.count("\n") + 1
    if path.suffix in COUNTED and lines > MOST_LINES and not is_vendored(path):
        return f"{path}: {lines} lines, the limit is {MOST_LINES}: it is about two things"
    return None


def may_write(path: Path) -> bool:
    """Whether rows may be written in this file (path relative to the repository)."""
    in_feature = path.parts[0] == "adsum" and len(path.parts) == 3 and path.parts[1] in FEATURES
    return (in_feature and path.name in WRITERS) or any(path.as_posix().startswith(place) for place in WRITERS if "/" in place)


def writes(path: Path, tree: ast.AST) -> Iterator[str]:
    """Calls that write rows, outside the places where rows are written.

    `.update(x)` of a dictionary or a hash and `.save(file)` of a picture take what they work on as an argument, and a
    row does not: that tells them apart.
    """
    if may_write(path):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = node.func.attr.removeprefix("a") if node.func.attr[1:] in WRITES_ON_ROWS else node.func.attr
            if name in ALWAYS_WRITES or (name in WRITES_ON_ROWS and not node.args):
                yield f"{path}:{node.lineno}: .{node.func.attr}() writes; only a service does"


def looks_up(path: Path, tree: ast.AST, reverses: list[Reverse]) -> Iterator[str]:
    """Reverse accessors and lookups that reach from a feature into one above it."""
    if path.parts[0] != "adsum" or len(path.parts) < 3 or path.parts[1] not in LAYERS:
        return
    here = LAYERS.index(path.parts[1])
    higher = [reverse for reverse in reverses if LAYERS.index(reverse.above) > here >= LAYERS.index(reverse.below)]
    accessors = {reverse.accessor: reverse.above for reverse in higher}
    lookups = {reverse.lookup: reverse.above for reverse in higher}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in accessors:
            yield f"{path}:{node.lineno}: .{node.attr} belongs to {accessors[node.attr]}, which is above"
        elif isinstance(node, ast.Call):
            function = node.func
            called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            if called not in LOOKUPS:
                continue
            names = [keyword.arg or "" for keyword in node.keywords]
            names += [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            for name in names:
                if (first := name.lstrip("-").split("__")[0]) in lookups:
                    yield f"{path}:{node.lineno}: {name} belongs to {lookups[first]}, which is above"


def imports_django(path: Path, tree: ast.AST) -> Iterator[str]:
    """Rules are pure Python. (import-linter also follows what they import.)"""
    if path.name != "rules.py" and "rules" not in path.parts[:-1]:
        return
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if isinstance(node, ast.stmt) and any(name.split(".")[0] == "django" for name in names):
            yield f"{path}:{node.lineno}: rules know nothing of Django"

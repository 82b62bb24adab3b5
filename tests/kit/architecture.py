"""What `test_architecture` looks for: each check reads one file and says what is wrong, or nothing."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

FEATURES = [
    "audit",
    "accounts",
    "timetable",
    "attendance",
    "absence",
    "checkin",
    "engagement",
    "compliance",
    "privacy",
    "messages",
]
LAYERS = ["core", *FEATURES, "integrations", "web"]
"""From low to high, as far as reverse accessors go; the full order is import-linter's."""

WRITERS = {
    "audit": ["services", "looks", "following", "bulk"],
    "absence": ["services", "decisions", "evidence", "placements", "terms"],
    "accounts": ["services", "applications", "bulk", "erasing", "generation", "identities", "reaching", "second_factors"],
    "timetable": ["services", "changes", "keeping", "partners", "roles"],
    "attendance": [
        "services",
        "adjustments",
        "amendments",
        "catching_up",
        "closing",
        "contradictions",
        "erasing",
        "foreseen",
        "marks",
        "outages",
        "policies",
        "proposals",
        "queries",
        "reported",
    ],
    "checkin": ["services", "checks", "disposal", "held", "kiosks", "known", "pairing", "writer"],
    "compliance": [
        "assessment",
        "changes",
        "confirmations",
        "duties",
        "editions",
        "funding",
        "late_changes",
        "leave",
        "liability",
        "partner_checks",
        "representations",
        "samples",
        "sponsorship",
        "suggestions",
        "terms",
        "watch",
        "worklists",
    ],
    "engagement": [
        "alerts",
        "assigning",
        "cases",
        "checklist",
        "closures",
        "concerns",
        "conduct",
        "contacts",
        "covering",
        "equity",
        "evaluation",
        "meetings",
        "rehearsals",
        "supervisions",
        "trials",
        "versions",
    ],
    "privacy": [
        "access_files",
        "disclosures",
        "ending",
        "erasing",
        "holds",
        "particulars",
        "publishing",
        "requests",
        "retention",
        "reviewing",
    ],
    "messages": ["services", "choices", "ordering", "phones", "push", "unopened", "week"],
}
"""Which files of a feature write rows, one for each thing written; no others do."""

ALSO_WRITE = {
    "adsum/api/idempotency.py": "answers that are kept so that a call is not done twice",
    "adsum/integrations/webhooks/services.py": "webhooks, and the messages to them",
    "adsum/ops/work.py": "the schedules of the jobs, a table of django-q2",
    "adsum/privacy/scrubbing.py": "another database, which is empty and becomes a copy with nobody in it",
    "adsum/ops/demo": "fills an empty demo university in bulk, and refuses any other",
    "adsum/migrations": "Django's own",
}
"""Other places where rows may be written: the beginning of a path, with its reason."""

INTERNALS = Path("adsum/accounts/allauth_internals.py")
"""The one file that imports what django-allauth keeps to itself."""

BEGUN = {("adsum/checkin/services.py", "Register"): "opening check-in begins the register that it fills"}
"""Rows of a feature's tables that a feature above it writes all the same, with the reason."""

VAGUE = {"utils", "util", "words", "helpers", "helper", "managers", "signals", "selectors", "common", "misc", "tools"}
MOST_LINES = 500
COUNTED = {".py", ".html", ".css", ".js"}

ALWAYS_WRITES = {"bulk_create", "bulk_update", "get_or_create", "update_or_create", "executemany"}
WRITES_ON_ROWS = {"create", "save", "delete", "update"}
LOOKUPS = {
    "filter",
    "exclude",
    "get",
    "annotate",
    "aggregate",
    "alias",
    "values",
    "values_list",
    "order_by",
    "select_related",
    "prefetch_related",
    "Q",
    "F",
    "Prefetch",
    "Count",
    "Exists",
    "Max",
    "Min",
    "Sum",
}


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
    if path.parts[0] == "adsum" and len(path.parts) == 3 and path.stem in WRITERS.get(path.parts[1], []):
        return True
    return any(path.as_posix().startswith(place) for place in ALSO_WRITE)


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


def writes_of_others(path: Path, tree: ast.AST, features: Mapping[str, str]) -> Iterator[str]:
    """Rows of a feature's tables that another feature writes by name. `features`: which feature each table belongs to."""
    here = path.parts[1] if path.parts[0] == "adsum" and len(path.parts) > 2 else ""
    if any(path.as_posix().startswith(place) for place in ALSO_WRITE):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            root: ast.AST = node.func
            while isinstance(root, ast.Attribute | ast.Call):
                root = root.func if isinstance(root, ast.Call) else root.value
            owner = features.get(root.id) if isinstance(root, ast.Name) else None
            if owner and (path.as_posix(), ast.unparse(root)) in BEGUN:
                continue
            if owner and owner != here and node.func.attr.removeprefix("a") in ALWAYS_WRITES | WRITES_ON_ROWS:
                yield f"{path}:{node.lineno}: {ast.unparse(root)} is written by {owner} alone"


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


def imported(tree: ast.AST) -> Iterator[tuple[int, str, str]]:
    """Each import: its line, the module, and the name taken from it ('' for the module itself)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, node.module or "", alias.name) for alias in node.names)


def leans_on_internals(path: Path, tree: ast.AST) -> Iterator[str]:
    """What django-allauth keeps to itself is imported in one file, which a new release may break."""
    if path == INTERNALS:
        return
    for line, module, name in imported(tree):
        parts = [*module.split("."), name]
        if parts[0] == "allauth" and "internal" in parts:
            yield f"{path}:{line}: {module} is allauth's own; import it from {INTERNALS}"

"""The walls between packages, and the proof that each of them would be seen to fall."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps

from tests.kit import architecture as look

ROOT = Path(__file__).resolve().parent.parent
SOURCES = [path.relative_to(ROOT) for path in sorted((ROOT / "adsum").rglob("*")) if path.suffix in look.COUNTED]
PYTHON = [path for path in SOURCES if path.suffix == ".py" and "migrations" not in path.parts]


def tree(path: Path) -> ast.AST:
    return ast.parse((ROOT / path).read_text(), str(path))


def feature(model: type) -> str:
    return model.__module__.split(".")[1]


def reverses() -> Iterator[look.Reverse]:
    """Every relation that points down from one feature to another, seen from its lower end."""
    for model in apps.get_app_config("adsum").get_models():
        for relation in model._meta.related_objects:
            if relation.related_model._meta.app_label != "adsum":
                continue
            below, above = feature(model), feature(relation.related_model)
            accessor, lookup = relation.get_accessor_name(), relation.field.related_query_name()
            if below != above and accessor:
                yield look.Reverse(below, above, accessor, lookup)


def own_names(below: str) -> set[str]:
    """What models of `below` call their own columns: such a name is never mistaken for a reverse accessor."""
    models = [model for model in apps.get_app_config("adsum").get_models() if feature(model) == below]
    return {field.name for model in models for field in model._meta.get_fields() if not field.auto_created}


# The tree as it is


def test_there_is_something_to_look_at():
    assert {path.parts[1] for path in PYTHON if len(path.parts) > 2} >= {"core", "audit", "checkin", "web"}
    assert list(reverses()), "relations between features are what the check about reverse accessors is for"


def test_names_say_what_is_inside():
    assert [vague for path in SOURCES if (vague := look.vague_name(path))] == []


def test_no_file_is_too_long():
    own = [*SOURCES, *(path.relative_to(ROOT) for part in ("tests", "bench", "scripts") for path in (ROOT / part).rglob("*.*"))]
    texts = [path for path in own if path.suffix in look.COUNTED and "migrations" not in path.parts]
    assert [long for path in texts if (long := look.too_long(path, (ROOT / path).read_text()))] == []


def test_only_services_write():
    assert [found for path in PYTHON for found in look.writes(path, tree(path))] == []


def features() -> dict[str, str]:
    """Which feature each table belongs to, by the name of its model."""
    return {model.__name__: feature(model) for model in apps.get_app_config("adsum").get_models()}


def test_only_the_feature_that_has_a_table_writes_it():
    assert [found for path in PYTHON for found in look.writes_of_others(path, tree(path), features())] == []


def test_nobody_reaches_up_through_a_reverse_accessor():
    known = [reverse for reverse in reverses() if reverse.accessor not in own_names(reverse.below)]
    assert [found for path in PYTHON for found in look.looks_up(path, tree(path), known)] == []


def test_rules_are_pure():
    assert [found for path in PYTHON for found in look.imports_django(path, tree(path))] == []


def test_one_file_leans_on_allauths_internals():
    tests = [path.relative_to(ROOT) for path in sorted((ROOT / "tests").rglob("*.py"))]
    assert [found for path in [*PYTHON, *tests] for found in look.leans_on_internals(path, tree(path))] == []


# Each check sees what it is for


@pytest.mark.parametrize("path", ["adsum/web/utils.py", "adsum/ops/helpers/dates.py"])
def test_a_vague_name_is_seen(path: str):
    assert look.vague_name(Path(path))


def test_a_long_file_is_seen_and_a_vendored_one_is_not():
    text = "x\n" * look.MOST_LINES
    assert look.too_long(Path("adsum/web/static/adsum/app.js"), text)
    assert look.too_long(Path("adsum/web/static/vendor/lib.js"), text) is None
    assert look.too_long(Path("adsum/web/student.py"), "x\n" * (look.MOST_LINES - 1)) is None


@pytest.mark.parametrize(
    "line",
    [
        "Mark.objects.create(student=s)",
        "mark.save()",
        "mark.save(update_fields=['status'])",
        "marks.delete()",
        "marks.update(status='P')",
        "Mark.objects.bulk_create(rows)",
        "await mark.asave()",
        "Mark.objects.get_or_create(id=1)",
    ],
)
def test_a_write_outside_services_is_seen(line: str):
    planted = ast.parse(f"async def page():\n    {line}")
    assert list(look.writes(Path("adsum/web/student/today.py"), planted))
    assert list(look.writes(Path("adsum/attendance/reports.py"), planted))
    assert list(look.writes(Path("adsum/web/services.py"), planted)), "only a feature has services"
    assert not list(look.writes(Path("adsum/attendance/services.py"), planted))


@pytest.mark.parametrize(
    "line",
    [
        "Person.objects.create(username='a')",
        "RoleGrant.objects.filter(source='x').update(ends_on=None)",
        "Identifier.objects.bulk_create(rows)",
    ],
)
def test_a_row_that_another_feature_writes_is_seen(line: str):
    planted = ast.parse(line)
    assert list(look.writes_of_others(Path("adsum/timetable/services.py"), planted, features()))
    assert not list(look.writes_of_others(Path("adsum/accounts/bulk.py"), planted, features()))


@pytest.mark.parametrize("line", ["facts.update(more)", "picture.save(out, kind='svg')", "cache.delete('key')"])
def test_what_only_looks_like_a_write_is_left_alone(line: str):
    assert not list(look.writes(Path("adsum/web/student/today.py"), ast.parse(line)))


@pytest.mark.parametrize(
    "line", ["lesson.marks.all()", "Lesson.objects.filter(mark__status='P')", "Lesson.objects.order_by('-mark__at')"]
)
def test_reaching_up_is_seen_from_below_and_fine_from_above(line: str):
    reverse = look.Reverse(below="timetable", above="attendance", accessor="marks", lookup="mark")
    planted = ast.parse(line)
    assert list(look.looks_up(Path("adsum/timetable/reports.py"), planted, [reverse]))
    assert not list(look.looks_up(Path("adsum/attendance/reports.py"), planted, [reverse]))
    assert not list(look.looks_up(Path("adsum/web/teaching/register.py"), planted, [reverse]))


@pytest.mark.parametrize("line", ["import django.db", "from django.db import models", "from django import forms"])
def test_django_in_rules_is_seen(line: str):
    assert list(look.imports_django(Path("adsum/checkin/rules.py"), ast.parse(line)))
    assert not list(look.imports_django(Path("adsum/checkin/models.py"), ast.parse(line)))


@pytest.mark.parametrize(
    "line",
    [
        "from allauth.mfa.totp.internal.auth import TOTP",
        "import allauth.mfa.totp.internal.auth",
        "from allauth.mfa import internal",
    ],
)
def test_a_reach_into_allauth_is_seen(line: str):
    assert list(look.leans_on_internals(Path("adsum/web/signin/entrance.py"), ast.parse(line)))
    assert not list(look.leans_on_internals(look.INTERNALS, ast.parse(line)))
    assert not list(
        look.leans_on_internals(Path("adsum/web/home.py"), ast.parse("from allauth.mfa.models import Authenticator"))
    )


# The contracts in pyproject.toml


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"}
    )


def test_the_contracts_hold():
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("path", "line", "contract"),
    [
        ("adsum/timetable/models.py", "import adsum.attendance.models", "Features point downwards"),
        ("adsum/web/planted.py", "import adsum.ops", "Features point downwards"),
        ("adsum/newcomer/__init__.py", "", "Features point downwards"),
        ("adsum/attendance/rules.py", "import adsum.attendance.models", "Inside attendance"),
        ("adsum/timetable/planted.py", "", "Inside timetable"),
        ("adsum/accounts/rules.py", "from django.db import models", "Rules are pure"),
        ("adsum/web/planted.py", "import adsum.audit.models", "Only audit touches"),
        ("adsum/core/one.py", "import adsum.core.two", "No cycles"),
    ],
)
def test_a_breach_of_a_contract_is_seen(tmp_path: Path, path: str, line: str, contract: str):
    shutil.copytree(ROOT / "adsum", tmp_path / "adsum", ignore=shutil.ignore_patterns("static", "__pycache__", "locale"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    if contract == "No cycles":
        (tmp_path / "adsum/core/two.py").write_text("import adsum.core.one\n")
    planted = tmp_path / path
    planted.parent.mkdir(exist_ok=True)
    planted.write_text(f"{planted.read_text() if planted.exists() else ''}\n{line}\n")
    done = lint_imports(tmp_path)
    assert done.returncode == 1
    assert any(row.startswith(contract) and row.endswith("BROKEN") for row in done.stdout.splitlines()), done.stdout

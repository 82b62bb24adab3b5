"""No page begins a query with everybody's rows, except where `scoping` says why (T-AZ-8)."""

import ast
from pathlib import Path

import pytest
from django.apps import apps

from adsum.accounts.models import Person
from adsum.timetable.models import ClassSession
from tests.kit.scoping import ALLOWED, unscoped

WEB = Path(__file__).resolve().parents[2] / "adsum/web"


def about_people() -> set[str]:
    """Models that are people or classes, or point at one."""
    central = {Person, ClassSession}
    return {
        model.__name__
        for model in apps.get_app_config("adsum").get_models()
        if model in central or any(field.related_model in central for field in model._meta.get_fields() if field.concrete)
    }


def found() -> set[str]:
    models = about_people()
    paths = [path for path in WEB.rglob("*.py") if "templatetags" not in path.parts]
    return {one for path in paths for one in unscoped(path.relative_to(WEB), ast.parse(path.read_text()), models)}


def test_what_is_about_people_is_known():
    assert about_people() >= {
        "Person",
        "ClassSession",
        "Mark",
        "Query",
        "Scan",
        "Enrolment",
        "BreakGlass",
        "RoleGrant",
        "Place",
    }


def test_no_page_begins_with_everybodys_rows():
    assert sorted(found() - ALLOWED.keys()) == []


def test_no_reason_is_left_over():
    assert sorted(ALLOWED.keys() - found()) == []


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("Mark.objects.filter(student=x)", True),
        ("Mark._default_manager.get(pk=pk)", True),
        ("get_object_or_404(Person, ref=ref)", True),
        ("get_object_or_404(visible, ref=ref)", False),
        ("ClassSession.objects.visible_to(person, access).filter(ref=ref)", False),
        ("Room.objects.all()", False),
        ("Mark.objects.filter(session=session)", False),
        ("Mark.objects.filter(student=request.user)", False),
        ("Mark.objects.filter(student=student)", True),
        ("Mark.objects.filter(session__ref=session)", True),
        ("get_object_or_404(Mark.objects.select_related('student'), session=session, pk=pk)", False),
    ],
)
def test_an_unscoped_query_is_seen(line: str, seen: bool):
    planted = ast.parse(f"def page(request):\n    return {line}")
    assert bool(list(unscoped(Path("student/planted.py"), planted, {"Mark", "Person", "ClassSession"}))) is seen

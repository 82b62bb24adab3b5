"""Documents that fill themselves in: from what is so here, version by version; and who is not ready says so."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.weighing import Act
from adsum.core.declared import LIVES, After, For, Keep, Life
from adsum.messages.telling import tell
from adsum.messages.topics import rights
from adsum.ops.health import State, findings
from adsum.privacy.documents import facts_of, sections_of
from adsum.privacy.models import DocumentVersion
from adsum.privacy.particulars import current, say
from adsum.privacy.publishing import publish_documents
from adsum.privacy.purposes import Basis, Condition, Document, Missing, Pursued, Says, missing
from tests.kit.said import WHOLE
from tests.kit.told import told
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("without", "lacks"),
    [
        ({}, []),
        ({"controller": ""}, [(Missing.CONTROLLER, None)]),
        ({"officer_email": ""}, [(Missing.CONTACT, None)]),
        ({"officer_telephone": ""}, [(Missing.CONTACT, None)]),
        ({"officer_telephone": "", "officer_post": "Registry"}, []),
        ({"accessibility_email": ""}, [(Missing.ACCESSIBILITY, None)]),
        ({"purposes": {**WHOLE.purposes, For.TEACHING: Pursued()}}, [(Missing.BASIS, For.TEACHING)]),
        ({"purposes": {**WHOLE.purposes, For.SUPPORT: Pursued(Basis.PUBLIC_TASK)}}, [(Missing.CONDITION, For.SUPPORT)]),
        ({"purposes": {**WHOLE.purposes, For.SPONSOR: Pursued(pursued=False)}}, []),
        ({"purposes": {**WHOLE.purposes, For.AUDIT: Pursued(pursued=False)}}, [(Missing.BASIS, For.AUDIT)]),
    ],
)
def test_what_is_missing(without: dict[str, Any], lacks: list[tuple[Missing, For | None]]):
    assert missing(replace(WHOLE, **without)) == lacks


def words(document: Document) -> str:
    sections = sections_of(document, facts_of(document, NINE.date()))
    lines = [line for one in sections for line in (one.heading, *one.text, *one.points, *(c for row in one.rows for c in row))]
    return "\n".join(map(str, lines))


@pytest.fixture
def officer(world: World) -> Person:
    return world.person(Role.DATA_PROTECTION)


def test_check_says_not_ready_until_basis_and_contact_are_given(officer: Person):
    def found() -> Any:
        return next(one for one in findings(NINE) if one.what == "Data protection")

    assert found().state == State.UNWISE
    assert "not ready" in found().says
    assert publish_documents(at=NINE) == []
    assert say(WHOLE, act=Act(officer, NINE))
    assert not say(WHOLE, act=Act(officer, NINE)), "nothing new"
    assert current() == WHOLE
    assert found().state == State.GOOD


def test_they_say_what_is_so_here(officer: Person, monkeypatch: pytest.MonkeyPatch):
    assert "the university has not said this yet" in words(Document.STUDENT_NOTICE)
    say(WHOLE, act=Act(officer, NINE))
    notice = words(Document.STUDENT_NOTICE)
    assert "University of Example, 1 College Road" in notice
    assert "Public task (Article 6(1)(e))" in notice
    assert "Home Office" in notice
    assert "1 year after the end of your studies; 2 years for sponsored students" in notice
    monkeypatch.setitem(LIVES, Keep.SCANS, Life(After.EVENT, 45))
    assert "45 days" in words(Document.STUDENT_NOTICE)
    without = {**WHOLE.purposes, For.SPONSOR: Pursued(pursued=False)}
    say(replace(WHOLE, purposes=without), act=Act(officer, NINE))
    assert "Home Office" not in words(Document.STUDENT_NOTICE)
    assert "minutes_late" in words(Document.DPIA), "exactly the fields that are stored"
    assert "Serco" in words(Document.DPIA)
    assert "access@uni.example" in words(Document.ACCESSIBILITY)


def test_a_change_makes_a_version_and_those_whom_it_is_for_are_told(world: World, officer: Person):
    alice, lecturer = world.student(), world.lecturer()
    say(WHOLE, act=Act(officer, NINE))
    assert len(publish_documents(at=NINE)) == len(Document)
    assert publish_documents(at=NINE + DAY) == [], "nothing has changed"
    tell(rights.TOPIC, at=NINE)
    assert told(alice) == [], "of the first nobody is told"
    say(replace(WHOLE, officer_telephone="01582 400001"), act=Act(officer, NINE + DAY))
    made = {one.document for one in publish_documents(at=NINE + DAY)}
    assert {Document.STUDENT_NOTICE, Document.STAFF_NOTICE} <= made
    for _ in range(2):
        tell(rights.TOPIC, at=NINE + DAY)
    assert told(alice) == told(lecturer) == ["The privacy notice has changed"]
    first, second = DocumentVersion.objects.filter(document=Document.STUDENT_NOTICE).order_by("number")
    assert "01582 400000" in str(sections_of(Document.STUDENT_NOTICE, first.facts))
    assert "01582 400001" in str(sections_of(Document.STUDENT_NOTICE, second.facts))


def test_what_is_said_is_kept_whole():
    says = Says.from_json(WHOLE.as_json())
    assert says == WHOLE
    assert Says.from_json({"purposes": {"no_such_purpose": {}}}) == Says()
    assert says.of(For.SUPPORT).condition == Condition.PUBLIC_INTEREST

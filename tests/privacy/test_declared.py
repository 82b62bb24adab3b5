"""Every field of every table says why it is kept, for how long, and what happens then."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from django.db.models import CharField, Model

from adsum.attendance.models import Query
from adsum.core.declared import AtEnd, For, From, Keep, Table, declare
from adsum.privacy import declarations
from adsum.privacy.declarations import faults


def test_every_field_is_declared():
    assert faults() == []


@contextmanager
def another_field(model: type[Model], name: str) -> Iterator[None]:
    """The table with one more column, as somebody would add it."""
    field = CharField(max_length=20)
    field.contribute_to_class(model, name)
    try:
        yield
    finally:
        model._meta.local_fields.remove(field)
        model._meta._expire_cache()  # type: ignore[attr-defined]  # Django's own
        delattr(model, name)


def test_a_field_added_without_its_declaration_is_found():
    with another_field(Query, "nickname"):
        assert faults() == ["adsum.Query.nickname is not declared."]
    assert faults() == []


@pytest.mark.parametrize(
    ("instead", "said"),
    [
        (None, "adsum.Query declares nothing: give it `declared` (adsum/core/declared.py says how)."),
        ({"verb": "adsum.nowhere.forget"}, "adsum.Query names adsum.nowhere.forget, which is not there."),
        (
            {"verb": "adsum.attendance.queries.forgotten"},
            "adsum.Query names adsum.attendance.queries.forgotten, which is not there.",
        ),
        (
            {"verb": "adsum.absence.evidence.dispose"},
            "adsum.Query names adsum.absence.evidence.dispose, which cannot be called with the rows that end, and at.",
        ),
        ({"person": "pupil"}, "adsum.Query: pupil leads nowhere"),
        ({"since": "session__began"}, "adsum.Query: session__began leads nowhere"),
    ],
)
def test_a_declaration_that_is_wrong_says_so(monkeypatch: pytest.MonkeyPatch, instead: dict[str, str] | None, said: str):
    changed: Table | None = replace(Query.declared, **instead) if instead else None  # type: ignore[arg-type]
    known = declarations.declarations() | {Query: changed}
    monkeypatch.setattr(declarations, "declarations", lambda: {model: table for model, table in known.items() if table})
    (found,) = faults()
    assert found.startswith(said)


def test_fields_are_named_in_groups():
    table = declare(
        "student", Keep.CASES, For.SUPPORT, From.STAFF, facts="at code", people="by", words="words", sooner={Keep.SCANS: "code"}
    )
    ends = {name: (field.at_end, field.keep) for name, field in table.fields.items()}
    assert ends == {
        "at": (AtEnd.KEEP, Keep.CASES),
        "code": (AtEnd.ERASE, Keep.SCANS),
        "student": (AtEnd.PSEUDONYMISE, Keep.CASES),
        "by": (AtEnd.PSEUDONYMISE, Keep.CASES),
        "words": (AtEnd.ERASE, Keep.CASES),
    }
    assert table.fields["at"].ground
    assert not table.fields["words"].ground
    with pytest.raises(ValueError, match="declared twice"):
        declare("student", Keep.CASES, For.SUPPORT, From.STAFF, facts="at", words="at")

"""Documents that fill themselves in: from what the university says, from the declarations, and from how this installation is
set up."""

import hashlib
import json
from collections.abc import Callable
from datetime import date
from typing import Any

from django.conf import settings

from adsum.attendance.policies import policies
from adsum.core.declared import LIVES, Class, Table
from adsum.privacy.assessments import accessibility, impact, processing
from adsum.privacy.declarations import declarations
from adsum.privacy.models import DocumentVersion
from adsum.privacy.notices import for_staff, for_students
from adsum.privacy.particulars import current
from adsum.privacy.purposes import Document
from adsum.privacy.sections import Facts, Section

WORDING = 1
"""Of all documents together: raised with every change of what one says."""
WRITTEN: dict[Document, Callable[[Facts], list[Section]]] = {
    Document.STUDENT_NOTICE: for_students,
    Document.STAFF_NOTICE: for_staff,
    Document.DPIA: impact,
    Document.PROCESSING: processing,
    Document.ACCESSIBILITY: accessibility,
}
WITH_FIELDS = frozenset({Document.DPIA, Document.PROCESSING})


def facts_of(document: Document, on: date) -> dict[str, Any]:
    """What a document is made of now, in no language (two queries)."""
    facts: dict[str, Any] = {"wording": WORDING, "university": settings.UNIVERSITY, "says": current().as_json()}
    if document == Document.ACCESSIBILITY:
        return facts
    policy = policies().version_for(department=None, kind="", on=on)
    facts["policy"] = policy.number if policy is not None else None
    facts["kept"] = {
        keep.value: {"after": life.after.value, "days": life.days, "sponsored": life.sponsored} for keep, life in LIVES.items()
    }
    if document in WITH_FIELDS:
        facts["stored"] = [_stored(model.__name__, table) for model, table in declarations().items() if table.about_people]
    return facts


def _stored(name: str, table: Table) -> list[str]:
    told = sorted(one for one, field in table.fields.items() if field.klass != Class.SECRET)
    purposes = sorted({field.purpose for field in table.fields.values()})
    return [name, ", ".join(told), purposes[0]]


def sections_of(document: Document, facts: Facts) -> list[Section]:
    """What it says, in the language that is active."""
    return WRITTEN[document](facts)


def digest_of(facts: Facts) -> str:
    """SHA-256 of what a document is made of."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def latest(document: Document) -> DocumentVersion | None:
    """Its newest version (one query)."""
    return DocumentVersion.objects.filter(document=document).order_by("-number").first()

"""Timetables and rosters in: the same reading, the same diff, and a person who says yes."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext as _

from adsum.accounts.application_rules import Scope
from adsum.api import schemas
from adsum.api.callers import ApiRequest
from adsum.api.classes import instant, said
from adsum.api.offers import offer
from adsum.api.problems import Problem, not_found
from adsum.integrations.imports import reports
from adsum.integrations.imports import runs as imports
from adsum.integrations.imports.problems import Refused
from adsum.timetable.rules import ImportState
from adsum.timetable.sources import Import

MOST_WAITING = 20
"""Imports of one application that nobody has applied or discarded yet."""
WAITING = (ImportState.WAITING, ImportState.CHECKING, ImportState.CHECKED)


@offer("POST", "/imports", "api_imports", scope=Scope.IMPORTS_WRITE, gives={202: schemas.Import})
def bring_in(request: ApiRequest, file: schemas.FileSent) -> HttpResponse:
    """A file of classes, a roster or enrolments, in the forms that the page Imports takes as text. It is read, and what it
    would change is worked out. A person reads that on the page and applies it: a token proves nobody. Files that say who may
    do what are refused."""
    waiting = Import.objects.filter(actor=request.caller.person.actor, state__in=WAITING)
    if waiting.count() >= MOST_WAITING:
        raise Problem(409, "too_many", _("Twenty imports of this application wait. Have them applied or discarded first."))
    options = {"source": file.source, "partial": file.partial, "language": request.LANGUAGE_CODE}
    try:
        run = imports.take(
            filename=file.filename,
            content=file.content.encode(),
            actor=request.caller.person.actor,
            at=request.at,
            options=options,
        )
    except Refused as refused:
        raise Problem(422, str(refused.code), refused.message) from refused
    imports.check_soon(run, at=request.at)
    return said(_told(Import.objects.defer("content").get(pk=run.pk)), status=202)


@offer("GET", "/imports/{uuid:ref}", "api_import", scope=Scope.IMPORTS_WRITE, gives={200: schemas.Import})
def get_import(request: ApiRequest, ref: UUID) -> HttpResponse:
    """How far an import has come. Only those that this application has brought in."""
    run = reports.imports().filter(actor=request.caller.person.actor, ref=ref).first()
    if run is None:
        raise not_found()
    return said(_told(run))


def _told(run: Import) -> dict[str, Any]:
    problems = run.problems.filter(notice=False).order_by("pk")
    return {
        "ref": str(run.ref),
        "state": run.state,
        "created_at": instant(run.created_at),
        "finished_at": instant(run.finished_at),
        "changes": {str(change): number for change, number in reports.headline(run.counts).items()},
        "stop_reason": run.stop_reason,
        "problems": [{"code": one.code, "line": one.line, "detail": one.message} for one in problems[: schemas.MOST_PROBLEMS]],
        "next_step": _("A person reads what would change, and applies it, on the page Imports.")
        if run.state == "checked"
        else "",
    }

"""Classes and their registers, as the office of their department sees them."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from time import monotonic
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, Q
from django.http import HttpResponse
from django.utils.translation import gettext as _
from ninja.params.functions import Query as FromQuery

from adsum.accounts.application_rules import Scope
from adsum.accounts.generation import generation
from adsum.accounts.models import Person
from adsum.api import cursors, looks, schemas
from adsum.api.callers import ApiRequest
from adsum.api.offers import offer
from adsum.api.problems import Problem, not_found
from adsum.attendance.models import Mark, MarkChange, Register
from adsum.attendance.reports import register_of
from adsum.core.clock import civil_day
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import university_zone

FIRST, LAST = date(1900, 1, 1), date(2199, 12, 31)
JSON = "application/json"
MOST_KEPT = 500


def said(told: Any, *, status: int = 200, etag: str = "") -> HttpResponse:
    """An answer in JSON."""
    answer = HttpResponse(text_of(told), status=status, content_type=JSON)
    if etag:
        answer["ETag"] = etag
    return answer


def text_of(told: Any) -> bytes:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def instant(at: datetime | None) -> str | None:
    """A moment as every answer has it: UTC, with a Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at is not None else None


def in_days(first: date | None, last: date | None) -> Q:
    """Classes that begin from the first of these days to the last, by the university's calendar. Raises Problem 422."""
    for day in (first, last):
        if day is not None and not FIRST <= day <= LAST:
            raise Problem(422, "no_such_day", _("Choose a day between 1900 and 2199."))
    zone, found = university_zone(), Q()
    if first is not None:
        found &= Q(starts_at__gte=civil_day(first, zone)[0])
    if last is not None:
        found &= Q(starts_at__lt=civil_day(last, zone)[1])
    return found


def the_class(request: ApiRequest, ref: UUID) -> ClassSession:
    """The class with this reference, where the application may see it. Raises Problem 404."""
    found = ClassSession.objects.visible_to(request.caller.person, request.caller.access).filter(ref=ref)
    session = found.select_related("module", "register").first()
    if session is None:
        raise not_found()
    return session


def class_told(session: ClassSession) -> dict[str, Any]:
    return {
        "ref": str(session.ref),
        "version": session.version,
        "module": {"code": session.module.code, "title": session.module.title},
        "title": session.title,
        "kind": session.kind,
        "delivery": session.delivery,
        "mandatory": session.mandatory,
        "status": session.status,
        "starts_at": instant(session.starts_at),
        "ends_at": instant(session.ends_at),
        "rooms": sorted(room.name for room in session.rooms.all()),
        "groups": sorted(str(group) for group in session.groups.all()),
        "staff": [{"ref": str(one.ref), "name": one.display_name} for one in session.staff.all()],
    }


@offer("GET", "/classes", "api_classes", scope=Scope.CLASSES_READ, gives={200: schemas.Classes})
def list_classes(
    request: ApiRequest,
    first: schemas.Day | None = FromQuery(None, alias="from", description="The first day, such as 2026-11-23."),
    last: schemas.Day | None = FromQuery(None, alias="to", description="The last day."),
    module: str = FromQuery("", max_length=60, description="The code of a module."),
    cursor: str = FromQuery("", max_length=200),
    limit: int = FromQuery(100, ge=1, le=schemas.MOST),
) -> HttpResponse:
    """Classes in order of their time. Only those of the departments of the application, and joint ones."""
    found = ClassSession.objects.visible_to(request.caller.person, request.caller.access).filter(in_days(first, last))
    if module:
        found = found.filter(module__code=module.replace("\0", ""))
    after = cursors.read(cursor, cursors.moment, cursors.number)
    if after is not None:
        found = found.filter(Q(starts_at__gt=after[0]) | Q(starts_at=after[0], pk__gt=after[1]))
    rows = found.select_related("module").prefetch_related("rooms", "groups", "staff").order_by("starts_at", "pk")
    some = list(rows[: limit + 1])
    there = cursors.cursor(some[limit - 1].starts_at, some[limit - 1].pk) if len(some) > limit else None
    return said({"classes": [class_told(one) for one in some[:limit]], "next": there})


@offer("GET", "/classes/{uuid:ref}", "api_class", scope=Scope.CLASSES_READ, gives={200: schemas.Class})
def get_class(request: ApiRequest, ref: UUID) -> HttpResponse:
    """One class. Its ETag is its version."""
    session = the_class(request, ref)
    return unless_known(request, f'"{session.ref}-{session.version}"', lambda: text_of(class_told(session)))


def unless_known(request: ApiRequest, etag: str, make: Callable[[], bytes]) -> HttpResponse:
    """What `make` makes; 304 where the application has it already."""
    known = request.headers.get("If-None-Match", "")
    if known and (known.strip() == "*" or etag in {one.strip().removeprefix("W/") for one in known.split(",")}):
        return HttpResponse(status=304, headers={"ETag": etag})
    answer = HttpResponse(make(), content_type=JSON)
    answer["ETag"] = etag
    return answer


# Registers


def student_told(student: Person) -> dict[str, str]:
    return {"ref": str(student.ref), "number": student.number, "name": student.display_name}


def mark_told(mark: Mark) -> dict[str, Any]:
    return {
        "status": mark.status,
        "source": mark.source,
        "at": instant(mark.at),
        "minutes_late": mark.minutes_late,
        "left_at": instant(mark.left_at),
        "changed_at": instant(mark.changed_at),
    }


def register_in(session: ClassSession) -> Register | None:
    """The register of a class that was read with it."""
    return getattr(session, "register", None)


def version_of(session: ClassSession) -> str:
    """The version of a register: it changes with every mark, with the list of who is expected and what they are called, and
    with what is written down of the register itself (two queries)."""
    kept = register_in(session)
    steps = MarkChange.objects.filter(session=session).aggregate(latest=Max("id"), number=Count("id"))  # ids may come late
    facts = (session.pk, session.version, *steps.values(), generation(), *((kept.state, kept.headcount) if kept else ()))
    return f'"{hashlib.sha256(repr(facts).encode()).hexdigest()[:24]}"'


KEPT_FOR = 60.0
_kept: dict[str, tuple[float, bytes]] = {}
"""Registers that this process has written out, by version, for a minute: one that many systems read is written once."""


def forget() -> None:
    """Forget what was written out: between tests."""
    _kept.clear()


def register_text(session: ClassSession, version: str) -> bytes:
    now = monotonic()
    if (known := _kept.get(version)) is not None and now < known[0]:
        return known[1]
    kept = register_in(session)
    told = {
        "class": str(session.ref),
        "state": kept.state if kept else "unopened",
        "closed_at": instant(kept.closed_at) if kept else None,
        "headcount": kept.headcount if kept else None,
        "lines": [
            {
                "student": student_told(line.student),
                "expected": line.expected,
                "mark": mark_told(line.mark) if line.mark else None,
            }
            for line in register_of(session)
        ],
    }
    if len(_kept) >= MOST_KEPT:
        _kept.clear()
    text = text_of(told)
    _kept[version] = (now + KEPT_FOR, text)
    return text


@offer("GET", "/classes/{uuid:ref}/register", "api_register", scope=Scope.REGISTERS_READ, gives={200: schemas.Register})
def get_register(request: ApiRequest, ref: UUID) -> HttpResponse:
    """The register of one class. Who is expected, who came though not on the list, and each mark as it stands now. Its ETag is
    its version: send it as If-None-Match to be told that nothing changed, or as If-Match with marks."""
    session = the_class(request, ref)
    looks.at_registers(request.caller, [session], request.at)
    version = version_of(session)
    return unless_known(request, version, lambda: register_text(session, version))

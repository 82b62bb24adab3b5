"""Marks by hand, from a tool of the university: the same verb as a lecturer's tick."""

from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from django.utils.translation import gettext as _

from adsum.accounts.application_rules import Scope
from adsum.accounts.models import Person
from adsum.api import looks, schemas
from adsum.api.callers import ApiRequest
from adsum.api.classes import mark_told, said, the_class, version_of
from adsum.api.offers import offer
from adsum.api.problems import Problem
from adsum.attendance.models import Mark, Register
from adsum.attendance.policies import window_of
from adsum.attendance.reports import register_of
from adsum.attendance.rules import GIVEN_BY_THEMSELVES, MARKABLE, Needs, Reason, Status
from adsum.attendance.services import Answer, Proposed, mark
from adsum.attendance.weighing import Act, Entry, Why, refusal
from adsum.timetable.models import ClassSession


@offer(
    "POST", "/classes/{uuid:ref}/marks", "api_marks", scope=Scope.MARKS_WRITE, gives={200: schemas.Marks, 202: schemas.Proposed}
)
def mark_students(request: ApiRequest, ref: UUID, wanted: schemas.MarksWanted) -> HttpResponse:
    """Mark students of a class by hand, or change their marks. All of them or none. A mark that is there changes only with a
    reason. What one person may not change alone, or would prove
    themselves for, is proposed to a colleague (202): nothing changes until they confirm it. What the application changed within
    a day counts towards that, in this class and over all. A colleague is asked about one kind of mark at a time: where they
    differ, nothing is asked (409, second_person). With If-Match and the ETag of the register, nothing is changed in a register
    that is not as the application knows it (412)."""
    session = the_class(request, ref)
    looks.at_registers(request.caller, [session], request.at)
    with transaction.atomic():
        _as_known(request, session)
        answer = _mark(request, session, wanted)
    if isinstance(answer, Needs):
        raise Problem.of(refusal(answer))
    if isinstance(answer, Proposed):
        told = _("A colleague has to confirm this change: until then nothing changes.")
        return said({"outcome": "proposed", "proposal": str(answer.proposal.ref), "detail": told}, status=202)
    marks = [{"student": str(one.student.ref), "mark": mark_told(one)} for one in answer.marks]
    return said({"outcome": "done", "marks": marks}, etag=version_of(_again(session)))


def _again(session: ClassSession) -> ClassSession:
    return ClassSession.objects.select_related("register").get(pk=session.pk)


def _as_known(request: ApiRequest, session: ClassSession) -> None:
    """Raises Problem 412 where the register is not the one that the application has seen. The class, its register and the marks
    that are there stay so until the change is made. What remains: a mark that is made in the same moment for a student who had
    none, or a student who is expected since, is not seen."""
    known = request.headers.get("If-Match", "").strip()
    if not known or known == "*":
        return
    ClassSession.objects.select_for_update(no_key=True).filter(pk=session.pk).first()
    Register.objects.select_for_update().filter(session=session).first()
    list(Mark.objects.select_for_update().filter(session=session))
    if version_of(_again(session)) not in {one.strip() for one in known.split(",")}:
        raise Problem(412, "changed", _("This register has changed since it was read. Read it again, then decide anew."))


def _mark(request: ApiRequest, session: ClassSession, wanted: schemas.MarksWanted) -> Answer:
    lines = {line.student.ref: line.student for line in register_of(session)}
    entries = [_entry(session, lines, one, f"marks.{n}") for n, one in enumerate(wanted.marks)]
    if len({one.student.pk for one in entries}) < len(entries):
        raise Problem(422, "named_twice", _("A student is named twice. Send one mark for each."))
    act = Act(request.caller.person, request.at, token=True)
    return mark(session, entries, act=act, why=_why(wanted))


def _entry(session: ClassSession, lines: dict[UUID, Person], one: schemas.MarkWanted, where: str) -> Entry:
    """What one student's mark is to be. Raises Problem 422."""
    if one.student not in lines:
        raise _wrong(where + ".student", "not_on_register", _("This student is not on the register of the class."))
    if one.status not in MARKABLE:
        raise _wrong(where + ".status", "no_status", _("This mark is not one that a person gives by hand."))
    window = window_of(session)
    for name, at in (("seen_at", one.seen_at), ("left_at", one.left_at)):
        if at is not None and not window.opens_at <= at <= session.ends_at:
            told = _("This time is not within the class, from the opening of its check-in to its end.")
            raise _wrong(f"{where}.{name}", "not_in_class", told)
    seen = one.seen_at if one.status == Status.LATE else None
    left = one.left_at if one.status == Status.LEFT_EARLY else None
    return Entry(lines[one.student], one.status, seen, left)


def _why(wanted: schemas.MarksWanted) -> Why:
    """Raises Problem 422 for a reason that nobody gives, or that says nothing."""
    words = wanted.words.strip()
    if wanted.reason in GIVEN_BY_THEMSELVES:
        raise _wrong("reason", "given_by_itself", _("This reason is set by what is done, and cannot be chosen."))
    if wanted.reason == Reason.OTHER and not words:
        raise _wrong("words", "needs_words", _("Say in a few words what the reason is."))
    return Why(wanted.reason, words)


def _wrong(where: str, code: str, detail: str) -> Problem:
    return Problem(422, code, detail, errors=[{"where": where, "code": code, "detail": detail}])

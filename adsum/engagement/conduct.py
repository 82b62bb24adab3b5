"""Conduct referrals: apart from every case. The student is heard, a second person decides, and only then may a mark change."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.models import MarkChange
from adsum.attendance.rules import Needs, Reason, Status
from adsum.attendance.services import Done, mark
from adsum.attendance.weighing import Act, Entry, Why
from adsum.audit import services as audit_log
from adsum.checkin.models import Scan
from adsum.core.errors import AdsumError
from adsum.core.holidays import working_days
from adsum.core.university import civil_date
from adsum.engagement.case_rules import CONDUCT_MOVES, HEARD_IN, ConductState, Finding, Unheard, why_not_decide
from adsum.engagement.models import Conduct, ConductClass
from adsum.engagement.owners import CONDUCT, Staffing, owner_of, stand_in
from adsum.timetable.models import ClassSession

ACTOR = "system:cases"


class About(NamedTuple):
    """A class that a referral is about, and the scan that was held in it, if one was."""

    session: ClassSession
    scan: Scan | None = None


@transaction.atomic
def refer_conduct(student: Person, about: Collection[About], words: str, *, act: Act) -> Conduct:
    """Refer what may be misuse of check-in. The student is asked how it was, and nothing else happens yet.

    Raises AdsumError `own_record`, `needs_words`, `no_class`.
    """
    if student.pk == act.by.pk:
        raise AdsumError("own_record", _("This is your own record. A colleague has to look at it."))
    if not words.strip():
        raise AdsumError("needs_words", _("Say what it looks like, in words that the student can answer."))
    if not about:
        raise AdsumError("no_class", _("Choose the class that it is about."))
    conduct = Conduct.objects.create(
        student=student,
        by=act.by,
        at=act.at,
        words=words.strip(),
        owner=owner_of(student, act.at, besides=[act.by.pk], duty=CONDUCT),
        due_on=working_days().after(civil_date(act.at), HEARD_IN),
    )
    ConductClass.objects.bulk_create([ConductClass(conduct=conduct, session=one.session, scan=one.scan) for one in about])
    _record(conduct, "refer", act.by.actor, act.at)
    return conduct


@transaction.atomic
def hear(conduct: Conduct, words: str, *, act: Act) -> Conduct:
    """The student says how it was; they may add to it until it is decided. Raises AdsumError `needs_words`, `moved_on`."""
    conduct = _locked(conduct, ConductState.HEARD)
    if not words.strip() or conduct.student_id != act.by.pk:
        raise AdsumError("needs_words", _("Say in your own words how it was."))
    conduct.answer = "\n\n".join(part for part in (conduct.answer, words.strip()) if part)[:2000]
    conduct.state, conduct.heard_at = ConductState.HEARD, act.at
    conduct.save(update_fields=["answer", "state", "heard_at"])
    _record(conduct, "hear", act.by.actor, act.at)
    return conduct


@transaction.atomic
def decide_conduct(
    conduct: Conduct, finding: Finding, reasons: str, *, act: Act, absent_in: Collection[ClassSession] = ()
) -> Conduct | Needs:
    """Decide, with reasons that the student reads; after *misuse* the marks of these classes become absent. Returns what the
    marks still need, and then nothing is decided.

    Raises AdsumError `same_person` for the person who referred it, `too_early` before the student was heard or had the time to
    be, `needs_words`, `no_misuse` for marks without that finding, and `moved_on`.
    """
    conduct = _locked(conduct, ConductState.DECIDED)
    why = why_not_decide(
        ConductState(conduct.state), due_on=conduct.due_on, today=civil_date(act.at), referred_by=conduct.by_id, by=act.by.pk
    )
    if why is not None:
        raise AdsumError(why, _undecided(why) % {"day": conduct.due_on})
    if not reasons.strip():
        raise AdsumError("needs_words", _("Give your reasons: the student reads them."))
    if absent_in and finding != Finding.MISUSE:
        raise AdsumError("no_misuse", _("Marks change only where you found misuse."))
    for session in absent_in:
        needed = _take_mark(conduct, session, act=act)
        if needed is not None:
            transaction.set_rollback(True)
            return needed
    conduct.state, conduct.finding, conduct.reasons = ConductState.DECIDED, finding, reasons.strip()
    conduct.decided_at, conduct.decided_by = act.at, act.by
    conduct.save(update_fields=["state", "finding", "reasons", "decided_at", "decided_by"])
    _record(conduct, "decide", act.by.actor, act.at)
    return conduct


def _take_mark(conduct: Conduct, session: ClassSession, *, act: Act) -> Needs | None:
    """The mark of this class becomes absent, like every amendment by hand; or what that still needs."""
    row = conduct.classes.get(session=session)
    why = Why(Reason.NOT_IN_CLASS, "")
    made = mark(session, [Entry(conduct.student, Status.ABSENT)], act=act._replace(proposes=False), why=why)
    if isinstance(made, Needs):
        return made
    if isinstance(made, Done) and made.marks:
        row.change = MarkChange.objects.filter(session=session, student=conduct.student).latest("pk")
        row.save(update_fields=["change"])
    return None


def _undecided(why: Unheard) -> str:
    return {
        Unheard.SAME_PERSON: _("You referred this. Somebody else decides it."),
        Unheard.TOO_EARLY: _("The student has not answered yet, and may until %(day)s. Decide it after that."),
    }[why]


def _locked(conduct: Conduct, to: ConductState) -> Conduct:
    conduct = Conduct.objects.select_for_update(of=("self",)).select_related("student").get(pk=conduct.pk)
    if to not in CONDUCT_MOVES[ConductState(conduct.state)]:
        raise AdsumError("moved_on", _("This is decided already. Reload the page to see how."))
    return conduct


def settle_conduct(staffing: Staffing, *, at: datetime) -> int:
    """Give open referrals of those who are not there to others of the attendance team; how many have moved."""
    moved_on = 0
    waiting = Conduct.objects.exclude(state=ConductState.DECIDED).select_related("student")
    for conduct in waiting.select_for_update(of=("self",)).order_by("pk"):
        to = stand_in(staffing, conduct.owner_id, conduct.student, at, besides=[conduct.by_id], duty=CONDUCT)
        if to is not None:
            conduct.owner = to
            conduct.save(update_fields=["owner"])
            _record(conduct, "pass_on", ACTOR, at)
            moved_on += 1
    return moved_on


def _record(conduct: Conduct, verb: str, actor: str, at: datetime) -> None:
    audit_log.record(
        actor=actor, verb=f"conduct.{verb}", subject=f"person:{conduct.student_id}", at=at, conduct=str(conduct.ref)
    )

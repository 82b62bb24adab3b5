"""Funded students: codes in every state, a student who contests one, changes of circumstance from opened to completed, and rows
of the portal's file that match nobody; through officers' verbs."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from adsum.attendance.weighing import Act
from adsum.compliance import changes, confirmations
from adsum.compliance.changes import Dates, open_change, prepare, settle_change, submit
from adsum.compliance.confirmations import confirm, confirm_together, propose
from adsum.compliance.funding import LeftOver, keep_left_over, register
from adsum.compliance.models import Confirmation, Funding, LiabilityPoint
from adsum.compliance.participation import last_attendance
from adsum.compliance.representation_life import Stance
from adsum.compliance.representations import About, answer, note_opened, open_about
from adsum.compliance.round_trip import Layout
from adsum.compliance.slc_codes import AttendanceCode, ChangeKind, ChangeState, ConfirmationState, LeftFor, RegistrationCode
from adsum.compliance.suggestions import due_points, suggest_at
from adsum.compliance.worklists import bring_worklist, give_back, make_layout
from adsum.core.university import civil_date
from adsum.ops.demo.people import Population

HOUR = timedelta(hours=1)
UNREGISTERED = 2
"""Of so many students registration is not confirmed yet."""
LOCKED, CONFIRMED = 3, 3
"""How many codes have gone out at the liability point that is due now, and how many more are confirmed."""
CONTESTS = "I was in the seminar of every week. The reader at the door was broken."


def make_funding(population: Population, *, at: datetime) -> None:
    """What a funding officer has before them, with what an evening's work left behind."""
    officer, administrator = population.personas["compliance"], population.personas["administrator"]
    fundings = list(Funding.objects.order_by("pk").select_related("student"))
    for funding in fundings[UNREGISTERED:]:
        register(funding, RegistrationCode.REGISTERED, act=Act(officer, at - 9 * HOUR))
    unknown = {"column": "student", "value": "00099999"}
    left = [LeftOver(14, "DEMO9999999X", "00099999", "unknown", unknown)]
    keep_left_over(left, file="funding.csv", by=officer, at=at - 9 * HOUR)
    make_layout(Layout(",", ssn=1, codes=(4, 5, 6), course=2, fee=3), act=Act(administrator, at - 9 * HOUR))
    begun = [one for one in _points(at) if one.starts_on <= civil_date(at)]
    for point in begun[:-1]:
        _said_then(point, Act(officer, at - 8 * HOUR))
    if begun:
        _say(begun[-1], Act(officer, at - 6 * HOUR))
    _changes(fundings[UNREGISTERED:], Act(officer, at - 3 * HOUR))


def _points(at: datetime) -> list[LiabilityPoint]:
    """Those of the year that is under way, in order."""
    now = due_points(civil_date(at))
    return list(LiabilityPoint.objects.filter(academic_year__in={one.academic_year for one in now}).order_by("number"))


def _said_then(point: LiabilityPoint, act: Act) -> None:
    """At an earlier liability point everyone attended."""
    suggest_at(point, at=act.at)
    rows = Confirmation.objects.filter(point=point, state=ConfirmationState.OPEN).order_by("pk")
    confirm_together(rows, act=act)
    for row in rows.all().select_related("funding", "point"):
        confirm(row, AttendanceCode.ATTENDING, "In the department’s list of that term.", act=act)


def _say(point: LiabilityPoint, act: Act) -> None:
    """What is suggested now, and what was said of it."""
    suggest_at(point, at=act.at - 2 * HOUR)
    rows = Confirmation.objects.filter(point=point, state=ConfirmationState.OPEN).select_related("funding__student", "point")
    attending = list(rows.filter(suggested=AttendanceCode.ATTENDING).order_by("pk"))
    confirm_together(attending[: LOCKED + CONFIRMED], act=act)
    if attending:
        lines = [f"{one.funding.ssn},{one.funding.slc_course_code},9535.00,,,\r\n" for one in attending[:LOCKED]]
        content = "".join(["SSN,COURSE,FEE,P1,P2,P3\r\n", *lines, "DEMO8888888X,C1001,9535.00,,,\r\n"]).encode()
        give_back(bring_worklist(point, content, "worklist.csv", act=act), act=act)
    others = [*rows.exclude(suggested=AttendanceCode.ATTENDING).order_by("pk"), *attending[: LOCKED + CONFIRMED : -1]]
    for nth, row in enumerate(others[UNREGISTERED : UNREGISTERED + 2]):
        proposed = propose(row, AttendanceCode.NOT_ATTENDING, "Did not answer two messages.", act=act)
        if nth:
            _contest(proposed, act.at + HOUR)


def _contest(row: Confirmation, at: datetime) -> None:
    """The student has read of it, and sees it differently."""
    told = open_about(About(confirmations.ABOUT, str(row.ref)))
    if told is not None:
        note_opened(told.ref, at=at)
        answer(told, Stance.CONTESTS, CONTESTS, act=Act(row.funding.student, at))


def _changes(fundings: Sequence[Funding], act: Act) -> None:
    """From one that was only opened to one that the portal has completed; and a withdrawal that the student can answer."""
    because = "The fee was lowered after a bursary."
    none = Dates(None, None)
    kinds = (ChangeKind.FEE, ChangeKind.COURSE, ChangeKind.CREDIT, ChangeKind.REPEAT, ChangeKind.TRANSFER)
    for nth, (funding, kind) in enumerate(zip(fundings[4:], kinds, strict=False)):
        row = open_change(funding, kind, "demo", because=because if kind == ChangeKind.FEE else "", at=act.at, act=act)
        if nth > 0:
            prepare(row, none, act=act)
        if nth > 1:
            submit(row, f"COC-{nth:05d}", act=act)
        if nth > 2:
            settle_change(row, ChangeState.COMPLETED if nth == 3 else ChangeState.FAILED, "", act=act)
    for funding in fundings[9:10]:
        row = open_change(funding, ChangeKind.WITHDRAWAL, "demo", because="Has told the school of leaving.", at=act.at, act=act)
        seen = last_attendance(funding, act.at)
        if seen:
            prepare(row, Dates(seen[0], seen[0].on, LeftFor.OTHER, authority_agreed=True), act=act)
            told = open_about(About(changes.ABOUT, str(row.ref)))
            if told is not None:
                note_opened(told.ref, at=act.at + HOUR)

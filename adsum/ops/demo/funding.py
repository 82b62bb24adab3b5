"""Funded students in every state: suggested, confirmed, locked, proposed; a change of circumstance; a row that
matches nobody."""

from datetime import datetime

from adsum.attendance.weighing import Act
from adsum.compliance.changes import open_change
from adsum.compliance.confirmations import confirm_together, propose
from adsum.compliance.funding import LeftOver, keep_left_over, register
from adsum.compliance.models import Confirmation, Funding, LiabilityPoint
from adsum.compliance.round_trip import Layout
from adsum.compliance.slc_codes import AttendanceCode, ChangeKind, ConfirmationState, RegistrationCode
from adsum.compliance.suggestions import due_points, suggest_at
from adsum.compliance.worklists import bring_worklist, give_back, make_layout
from adsum.core.university import civil_date
from adsum.ops.demo.people import Population

OPEN, FUNDED = 2, 24
"""Of so many students registration is settled here, but for the first."""
LOCKED = 3
"""How many codes have gone out already."""


def make_funding(population: Population, *, at: datetime) -> None:
    """Of the funded students that `compliance` made, some are registered, and their codes come to different ends."""
    act = Act(population.personas["compliance"], at)
    for funding in Funding.objects.order_by("pk")[OPEN:FUNDED]:
        register(funding, RegistrationCode.REGISTERED, act=act)
    unknown = {"column": "student", "value": "00099999"}
    keep_left_over([LeftOver(14, "DEMO9999999X", "00099999", "unknown", unknown)], file="funding.csv", by=act.by, at=at)
    begun = [one for one in due_points(civil_date(at)) if one.starts_on <= civil_date(at)]
    if begun:
        _codes(begun[0], Act(population.personas["administrator"], at), act)


def _codes(point: LiabilityPoint, administrator: Act, act: Act) -> None:
    """What is suggested, and what was said of it."""
    suggest_at(point, at=act.at)
    rows = Confirmation.objects.filter(point=point).select_related("funding").order_by("pk")
    attending = list(rows.filter(suggested=AttendanceCode.ATTENDING))
    if not attending:  # a demo of a few students only
        return
    confirm_together(attending[: LOCKED + 1], act=act)
    make_layout(Layout(",", ssn=1, codes=(4, 5, 6), course=2, fee=3), act=administrator)
    lines = [f"{one.funding.ssn},{one.funding.slc_course_code},9535.00,,,\r\n" for one in attending[:LOCKED]]
    content = "".join(["SSN,COURSE,FEE,P1,P2,P3\r\n", *lines, "DEMO8888888X,C1001,9535.00,,,\r\n"]).encode()
    give_back(bring_worklist(point, content, "worklist.csv", act=act), act=act)
    others = rows.filter(state=ConfirmationState.OPEN).exclude(suggested=AttendanceCode.ATTENDING)
    for row in others.filter(suggested__in=[AttendanceCode.NOT_ATTENDING, AttendanceCode.NEVER_ATTENDED])[:1]:
        propose(row, AttendanceCode(row.suggested), "Did not answer two messages.", act=act)
    for row in attending[:1]:
        open_change(row.funding, ChangeKind.FEE, "demo", because="The fee was lowered after a bursary.", at=act.at, act=act)

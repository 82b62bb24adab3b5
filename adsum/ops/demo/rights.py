"""Requests and complaints about data in every state, what authorities asked for, and what the university says of itself."""

from datetime import datetime, timedelta

from adsum.attendance.weighing import Act
from adsum.core.declared import For
from adsum.ops.demo.people import PERSONA_SCHOOL, Population
from adsum.privacy.disclosure_rules import Basis as Ground
from adsum.privacy.disclosure_rules import Body
from adsum.privacy.disclosures import record_disclosure
from adsum.privacy.particulars import say
from adsum.privacy.publishing import publish_documents
from adsum.privacy.purposes import Basis, Condition, Pursued, Says
from adsum.privacy.requests import open_request, take_step, withdraw
from adsum.privacy.rights_rules import Came, Kind, Outcome, Step

DAY = timedelta(days=1)
SAID = Says(
    controller="Adsum Demo University",
    address="1 College Road, Exampleton EX1 1AA",
    registration="Z0000000",
    officer_email="data-protection@demo.example",
    officer_telephone="01632 960001",
    accessibility_email="accessible@demo.example",
    purposes={one: Pursued(Basis.PUBLIC_TASK) for one in For}
    | {
        For.SUPPORT: Pursued(Basis.PUBLIC_TASK, Condition.PUBLIC_INTEREST),
        For.FUNDING: Pursued(Basis.PUBLIC_TASK, recipients="Student Loans Company"),
        For.SPONSOR: Pursued(Basis.LEGAL_OBLIGATION, recipients="Home Office"),
        For.RIGHTS: Pursued(Basis.LEGAL_OBLIGATION),
        For.AUDIT: Pursued(Basis.LEGITIMATE_INTERESTS),
    },
)


def make_rights(population: Population, *, at: datetime) -> None:
    """The documents are published; the student among the personas has had an answer, and others wait for one."""
    people = population.personas
    officer, me = people["data_protection"], people["student"]
    others = [one.person for one in population.students if one.school.code == PERSONA_SCHOOL.code and one.person != me]
    say(SAID, act=Act(officer, at - 60 * DAY))
    publish_documents(at=at - 60 * DAY)

    def staff(days: int) -> Act:
        return Act(officer, at - days * DAY)

    mine = open_request(me, Kind.COMPLAINT, "Somebody I do not know opened my record. Why?", act=Act(me, at - 11 * DAY))
    take_step(mine, Step.ACKNOWLEDGED, act=staff(10))
    take_step(mine, Step.TAKEN, "We asked the person for their reason, and read it.", act=staff(9))
    answer = "A flatmate was worried, and a lecturer looked whether you had been in class. They should have told you."
    take_step(mine, Step.ANSWERED, answer, outcome=Outcome.IN_PART, act=staff(8))
    if len(others) < 5:  # a demo of a few students only
        return
    open_request(
        others[0], Kind.COMPLAINT, "My telephone number was read out in class.", under_18=True, act=Act(others[0], at - 2 * DAY)
    )
    waiting = open_request(others[1], Kind.ACCESS, "", came=Came.LETTER, received_on=(at - 9 * DAY).date(), act=staff(8))
    take_step(waiting, Step.ASKED_IDENTITY, "Please show your student card at the Student Information Desk.", act=staff(6))
    longer = open_request(
        others[2], Kind.OBJECTION, "Do not use my scans to look for misuse.", act=Act(others[2], at - 25 * DAY)
    )
    take_step(longer, Step.EXTENDED, "We have to weigh this with the attendance team.", act=staff(3))
    back = open_request(others[3], Kind.RECTIFICATION, "My course is wrong.", act=Act(others[3], at - 5 * DAY))
    withdraw(back, act=Act(others[3], at - 4 * DAY))
    for student, given, told in ((others[3], "Attended a class on that morning: yes.", True), (others[4], "", False)):
        record_disclosure(
            student,
            Body.POLICE if told else Body.COUNCIL,
            Ground.CRIME if told else Ground.TAX,
            asked_by="PC 4711, Exampleton" if told else "Revenues, Exampleton",
            reference="EX/26/118",
            why="Whether the student was on campus on the morning of a theft."
            if told
            else "A list of all who live in one street: too wide.",
            given=given,
            given_on=(at - 14 * DAY).date(),
            may_be_told=told,
            act=staff(14),
        )

"""What may be about somebody's health is read by those who decide, and by nobody else: not in mail, the event log, the log of
the server, or a file that goes elsewhere."""

import json
import logging
from datetime import timedelta

import pytest
from django.test import Client

from adsum.absence.decisions import decide
from adsum.absence.evidence import keep, read
from adsum.absence.models import Evidence
from adsum.absence.rules import Cleaned, FileKind, Outcome
from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.record import classes_of, own_classes
from adsum.attendance.weighing import Act
from adsum.audit.models import Event
from adsum.engagement.case_rules import Readers, Reply, Way, Worry
from adsum.engagement.cases import add_note, open_case
from adsum.engagement.concerns import raise_concern
from adsum.engagement.contacts import log_contact
from adsum.integrations.files import exports
from adsum.integrations.files.tables import written
from adsum.messages import telling
from adsum.messages.mail import send_due
from adsum.messages.models import Message
from adsum.messages.topics.registry import TOPICS
from adsum.privacy.requests import open_request, reply, take_step
from adsum.privacy.rights_rules import Kind, Step
from adsum.timetable.services import renew_calendar
from tests.kit.absences import told
from tests.kit.mail import mail_server
from tests.kit.told import text
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
MARKER = "zebrafish"
"""In every text that may be about health. No page, word or name of ours has it."""
HOUR = timedelta(hours=1)


@pytest.fixture
def ill(world: World) -> Person:
    """A student about whom everything that may be about health has been written, and everything has been done with it."""
    group = world.group(world.module("Algorithms", "CS201"))
    tutor, team, lecturer = world.person(Role.TUTOR), world.person(Role.ATTENDANCE_TEAM), world.lecturer()
    officer = world.person(Role.DATA_PROTECTION)
    student = world.student("Alice Abel", groups=[group])
    world.enrol(student, tutor=tutor)
    world.session(group, staff=[lecturer])

    def act(by: Person) -> Act:
        return Act(by, NINE)

    absence = told(student, category="bereavement", text=f"{MARKER} words")
    letter = keep(absence, Cleaned(FileKind.PDF, MARKER.encode()), act=act(student))
    assert MARKER.encode() in read(letter, act=act(team))
    decide(absence, Outcome.WHOLE, act=act(team), words=f"{MARKER} decision")
    case = open_case(student, because="Three weeks without a class", act=act(tutor))
    add_note(case, f"{MARKER} note", Readers.SUPPORT, act=act(tutor))
    log_contact(student, Way.CALL, Reply.NO_ANSWER, words=f"{MARKER} call", act=act(tutor))
    raise_concern(student, Worry.STOPPED_COMING, f"{MARKER} concern", act=act(lecturer))
    request = open_request(student, Kind.COMPLAINT, f"{MARKER} complaint", act=act(student))
    take_step(request, Step.ASKED_SCOPE, f"{MARKER} question", act=act(officer))
    reply(request, f"{MARKER} reply", act=act(student))
    take_step(request, Step.NOTED, f"{MARKER} remark", act=act(officer))
    return student


def test_neither_mail_nor_the_event_log_nor_the_server_log_has_any_of_it(ill: Person, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.DEBUG):
        for hours in (0, 9):
            for topic in TOPICS.values():
                telling.tell(topic, at=NINE + hours * HOUR)
        with mail_server() as post:
            assert send_due(lambda: NINE + 9 * HOUR) > 0
    spool = [one.as_string() for one in post.letters]
    letters = [f"{text(one)} {json.dumps(one.facts)}" for one in Message.objects.all()]
    assert {"absence_decided", "rights_moved"} <= set(Message.objects.values_list("kind", flat=True)), "there was much to tell"
    events = [f"{one.verb} {one.subject} {json.dumps(one.detail)}" for one in Event.objects.all()]
    for place in (*letters, *spool, *events, caplog.text):
        assert MARKER not in place
        assert "bereavement" not in place


def test_no_file_that_goes_elsewhere_has_any_of_it(ill: Person, client: Client):
    session = classes_of(ill).get()
    tables = [
        exports.student_record(ill, own_classes(ill, classes_of(ill))),
        exports.module_summary(session.module, at=NINE),
        exports.register(session),
        exports.class_list([session], at=NINE),
    ]
    files = [written("csv", one.header, one.rows, title="x").decode() for one in tables]
    files.append(client.get(f"/calendar/{renew_calendar(ill, at=NINE)}.ics").content.decode())
    assert any(ill.number in one for one in files)
    for one in files:
        assert MARKER not in one
        assert "bereavement" not in one


def test_evidence_is_kept_encrypted(ill: Person):
    assert MARKER.encode() not in bytes(Evidence.objects.get().sealed)


@pytest.mark.parametrize(
    ("role", "reads"),
    [
        (Role.ATTENDANCE_TEAM, True),
        (Role.TUTOR, False),
        (Role.LECTURER, False),
        (Role.HELP_DESK, False),
        (Role.COMPLIANCE_UKVI, False),
        (Role.TIMETABLING, False),
        (Role.ADMINISTRATOR, False),
        (Role.AUDITOR, False),
        (Role.DATA_PROTECTION, False),
    ],
)
def test_those_who_decide_read_the_reason_and_nobody_else(ill: Person, world: World, client: Client, role: Role, reads: bool):
    ref = Evidence.objects.get().request.ref
    client.force_login(world.person(role))
    page = client.get(f"/office/absences/{ref}/")
    assert (page.status_code == 200 and MARKER in page.content.decode()) is reads

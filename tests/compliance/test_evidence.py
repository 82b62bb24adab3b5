"""The evidence pack: what it holds, that it is the same whenever it is made again, and that each authority sees its own."""

import io
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pypdf import PdfReader

from adsum.absence.services import withdraw
from adsum.accounts.models import Person
from adsum.accounts.reaching import enter_details
from adsum.accounts.rules import ContactBy, Role
from adsum.attendance.queries import raise_query
from adsum.attendance.rules import Reason, Status
from adsum.attendance.weighing import Act
from adsum.audit.services import publish
from adsum.compliance.drawing import drawn
from adsum.compliance.duties import open_duty, propose
from adsum.compliance.duty_life import Kind, Outcome
from adsum.compliance.duty_life import Reason as Why
from adsum.compliance.evidence import Pack
from adsum.compliance.funding import Profile, keep_profiles
from adsum.compliance.scopes import ABOUT_KINDS, LEFT_OUT, OWN, OWN_KINDS, SHARED_KINDS, Scope, shows_event
from adsum.compliance.sections import Section
from adsum.compliance.sponsor_rules import Arrival, Level, Sponsorship
from adsum.compliance.sponsorship import keep_profile, take_step
from adsum.engagement.alerts import close
from adsum.engagement.case_rules import Channel, Reply, Way
from adsum.engagement.cases import open_case
from adsum.engagement.contacts import log_contact, record_contact
from adsum.engagement.models import Alert
from adsum.integrations.files.packs import evidence_of, files, zipped
from adsum.messages.telling import tell
from adsum.messages.topics.registry import KINDS, TOPICS
from adsum.timetable.models import Course
from tests.kit import guidance
from tests.kit.absences import told
from tests.kit.alerted import DAY, Missing, minute, night
from tests.kit.marking import answer_query, mark_students
from tests.kit.world import NINE, cancel_class

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)


class Life(Missing):
    """A student to whom everything happens that a pack speaks of; `go_on` then changes all of it."""

    def live(self) -> None:
        act = self.act(NINE)
        enter_details(self.alice, {ContactBy.TELEPHONE: "+44 20 7946 0001"}, by=self.alice, actor=self.alice.actor, at=NINE)
        self.week("PAAAP")
        query = raise_query(self.classes[1], self.alice, at=NINE + 2 * DAY)
        answer_query(query, by=self.ada, at=NINE + 3 * DAY, reason="Seen", status=Status.PRESENT)
        self.absence = told(self.alice, 4, at=NINE + 3 * DAY)
        night(NINE + 4 * DAY)
        night(NINE + 7 * DAY)
        minute(NINE + 8 * DAY)
        log_contact(self.alice, Way.CALL, Reply.SPOKE, act=act._replace(at=NINE + 7 * DAY))
        record_contact(self.alice, Channel.SUPERVISION, NINE + 6 * DAY, act=act._replace(at=NINE + 7 * DAY))
        open_case(self.alice, because="Three classes", act=act._replace(at=NINE + 7 * DAY))

    def go_on(self) -> None:
        later = NINE + 10 * DAY
        act = self.act(later)
        enter_details(self.alice, {ContactBy.TELEPHONE: "+44 20 7946 0002"}, by=self.alice, actor=self.alice.actor, at=later)
        for session in self.classes:
            mark_students(session, [self.alice], Status.AUTHORISED, by=self.team, at=later, reason_code=Reason.ABSENCE_AGREED)
        cancel_class(self.classes[0], at=later, actor="system:test")
        withdraw(self.absence, act=Act(self.alice, later))
        for alert in Alert.objects.open():
            close(alert, "Put right", act=act)
        self.read(at=later)
        self.week("PPAAP", monday=NINE + WEEK + WEEK)
        told(self.alice, 2, at=later)
        log_contact(self.alice, Way.EMAIL, Reply.SENT, act=act)
        Person.objects.filter(pk=self.alice.pk).update(family_name="Newname")
        Person.objects.filter(pk=self.team.pk).update(family_name="Other")


AS_OF = NINE + 9 * DAY


def facts(made: Pack) -> dict[str, bytes]:
    return {one.name: one.file() for one in made.sections}


def section(made: Pack, name: str) -> Section:
    return next(one for one in made.sections if one.name == name)


@pytest.fixture
def life(transactional_db: None) -> Life:
    made = Life()
    made.live()
    return made


def test_made_again_it_holds_the_same_facts(life: Life) -> None:
    before = evidence_of(life.alice, Scope.UKVI, at=AS_OF)
    life.go_on()
    publish(by="system:test", at=NINE + 21 * DAY)
    again = evidence_of(Person.objects.get(pk=life.alice.pk), Scope.UKVI, at=AS_OF)
    assert facts(again) == facts(before)
    assert again.fingerprint == before.fingerprint
    assert [event.pk for event in again.events] == [event.pk for event in before.events]
    now = evidence_of(life.alice, Scope.UKVI, at=NINE + 22 * DAY)
    changed = {name for name, content in facts(now).items() if content != facts(before)[name]}
    assert {"classes", "marks", "absences", "alerts", "contacts", "contact_details", "messages"} <= changed


def test_no_section_is_empty_of_what_happened(life: Life) -> None:
    made = {one.name: one for one in evidence_of(life.alice, Scope.UKVI, at=AS_OF).sections}
    assert [row[8] for row in made["classes"].rows][:2] == ["present", "present"]
    assert len(made["marks"].rows) == 6  # five classes, and one put right
    assert made["queries"].rows[0][2] == "upheld"
    assert made["absences"].rows
    assert "illness" not in str(made["absences"].rows)
    assert {row[2] for row in made["contacts"].rows} == {"call", "supervision"}
    assert made["alerts"].rows
    assert made["alert_classes"].rows
    assert made["cases"].rows
    assert made["messages"].rows
    assert made["contact_details"].rows[0][1] == "+44 20 7946 0001"
    assert made["enrolments"].rows[0][:2] == ("BSC-CS", "enrolled")


def test_the_file_is_whole_and_verifies(life: Life, tmp_path: Path) -> None:
    publish(by="system:test", at=AS_OF)
    made = evidence_of(life.alice, Scope.SLC, at=AS_OF)
    content = zipped(made, at=AS_OF, by=life.team)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(tmp_path)
        names = set(archive.namelist())
    assert {"index.html", "how-to-verify.html", "pack.pdf", "people.csv", "verify.py", "log/checkpoint.txt"} <= names
    index = (tmp_path / "index.html").read_text()
    assert all(f'href="facts/{one.name}.csv"' in index and f'id="{one.name}"' in index for one in made.sections)
    pdf = PdfReader(tmp_path / "pack.pdf")
    assert "/StructTreeRoot" in pdf.root_object
    assert b"pdfuaid" in (tmp_path / "pack.pdf").read_bytes()

    def verify() -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "verify.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)

    good = verify()
    assert good.returncode == 0, good.stderr
    assert made.fingerprint in good.stdout
    assert "6 of 6 steps" in good.stdout
    log = tmp_path / "log" / "events.jsonl"
    kept = log.read_text()
    log.write_text(kept.replace("present", "absent_", 1))
    assert "not in the log" in verify().stderr
    log.write_text(kept)
    marks = tmp_path / "facts" / "marks.csv"
    marks.write_bytes(marks.read_bytes().replace(b"present", b"absent_", 1))
    assert "marks.csv was changed" in verify().stderr


def test_each_authority_sees_its_own() -> None:
    """No word of an authority's own events and messages is shared, and none is another's."""
    assert not OWN[Scope.UKVI] & OWN[Scope.SLC]
    assert not OWN_KINDS[Scope.UKVI] & OWN_KINDS[Scope.SLC]
    assert not SHARED_KINDS & (OWN_KINDS[Scope.UKVI] | OWN_KINDS[Scope.SLC])
    for scope in Scope:
        assert not shows_event(scope, "welfare_hold.begin", {})
        assert not shows_event(scope, "case.referred", {})


def test_of_every_kind_of_message_it_is_decided_whose_it_is() -> None:
    """A new kind fails here until it stands in one of the lists of `scopes`."""
    listed = [SHARED_KINDS, ABOUT_KINDS, OWN_KINDS[Scope.UKVI], OWN_KINDS[Scope.SLC], LEFT_OUT]
    assert sorted(kind for kinds in listed for kind in kinds) == sorted(KINDS)


def test_a_pack_for_one_authority_shows_nothing_of_the_other(life: Life) -> None:
    officer = life.person(Role.COMPLIANCE_UKVI, Role.COMPLIANCE_SLC)
    act = life.act(NINE, officer)
    guidance.in_force(officer)
    profile = keep_profile(life.alice, Sponsorship(cas_number="CAS777", level=Level.DEGREE, since=NINE.date()), act=act)
    take_step(profile, Arrival.ARRIVED, NINE.date(), act=act)
    duty = open_duty(life.alice, Kind.WITHDRAWAL, NINE.date(), because="The enrolment ended.", act=NINE)
    propose(duty, Outcome.REPORT, Why.AS_RECORDED, "So it is", ground="You left.", act=act)
    course = Course.objects.get(code="BSC-CS")
    facts_of_it = {"product": "full_time_9250", "ssn": "SSN777", "starts_on": NINE.date()}
    keep_profiles([Profile(life.alice.pk, course.pk, None, "2026/27", facts_of_it)], by=officer, at=NINE)
    at = NINE + 2 * DAY
    tell(TOPICS["decisions"], at=at)
    packs = {scope: evidence_of(life.alice, scope, at=at) for scope in Scope}
    text = {
        scope: b"".join(
            content for name, content in files(made, at=at, by=officer).items() if name.endswith((".csv", ".html", ".jsonl"))
        ).decode()
        for scope, made in packs.items()
    }
    for own, scope in (("CAS777", Scope.UKVI), ("sponsorship", Scope.UKVI), ("duty", Scope.UKVI), ("funding", Scope.SLC)):
        other = Scope.SLC if scope == Scope.UKVI else Scope.UKVI
        assert own in text[scope]
        assert own not in text[other], own
    assert "SSN777" not in text[Scope.UKVI]
    kinds = {scope: {row[1] for row in section(made, "messages").rows} for scope, made in packs.items()}
    assert "decision_announced" in kinds[Scope.UKVI] - kinds[Scope.SLC]
    steps = {scope: {row[1] for row in section(made, "steps").rows} for scope, made in packs.items()}
    assert {"sponsorship_begin", "arrival_step", "duty_proposed", "representation_announce"} <= steps[Scope.UKVI]
    assert steps[Scope.SLC] == {"funding_bring"}


def test_a_long_record_takes_as_many_queries_as_a_short_one(life: Life) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            evidence_of(life.alice, Scope.UKVI, at=NINE + 40 * DAY)
        return len(counted)

    evidence_of(life.alice, Scope.UKVI, at=NINE + 40 * DAY)
    short = queries()
    life.week("PAPAP", monday=NINE + 2 * WEEK)
    assert queries() == short < 60


def test_a_sample_is_drawn_by_its_seed_alone() -> None:
    refs = [UUID(int=n) for n in range(50)]
    assert drawn("a", refs, 5) == drawn("a", refs[::-1], 5) != drawn("b", refs, 5)

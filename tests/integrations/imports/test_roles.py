"""roles.csv: compared row by row with what the same file gave before; what was given by hand stays as it is."""

from datetime import date, timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.audit.models import Event
from adsum.audit.reports import events_about
from adsum.core.errors import AdsumError
from adsum.integrations.imports import runs as imports
from adsum.ops import cli
from adsum.timetable.models import ModuleLeader
from adsum.timetable.sources import Import
from tests.kit.reading import text_of
from tests.kit.signing_in import prove
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
HEAD = "person,role,department,module,from,to"
TODAY = NINE.date()


class University:
    """Ada teaches and leads; Ben works in the department."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ada = world.lecturer("Ada Lovelace", number="00000101")
        self.ben = world.person(name="Ben Bell", number="00000102")
        self.cs, self.hi = world.department("CS", "Computing"), world.department("HI", "History")
        self.module = world.module("Algorithms", code="CS201", department=self.cs)

    def check(self, *rows: str, actor: str = "system:test", **options: object) -> Import:
        content = "\n".join([HEAD, *rows, ""]).encode()
        run = imports.take(filename="roles.csv", content=content, actor=actor, at=NINE, options=options, roles=True)
        return imports.check(run, at=NINE)

    def apply(self, *rows: str, confirm: bool = True, actor: str = "system:test", **options: object) -> Import:
        return imports.apply(self.check(*rows, actor=actor, **options), at=NINE, actor="system:test", confirm=confirm)

    def held(self) -> set[tuple[str, str, str, str]]:
        """What the file gave and is in force: person, role, department, last day."""
        grants = RoleGrant.objects.filter(source="roles").held_on(TODAY).select_related("person", "department")
        return {
            (one.person.given_name, one.role, one.department.code if one.department else "", str(one.ends_on or ""))
            for one in grants
        }


@pytest.fixture
def uni(world: World) -> University:
    return University(world)


ROWS = ("00000102,department,CS,,,2027-07-31", "00000101,module_leader,,CS201,2026-09-21,", "ben.bell.2@uni.example,tutor,,,,")


def test_roles_are_given_shown_and_audited(uni: University):
    run = uni.check(*ROWS)
    assert (run.state, run.problems.count()) == ("checked", 0)
    assert {line.label for line in run.changes.all()} == {
        "Ben Bell: Computing",
        "Ben Bell",
        "Ada Lovelace",
        "Ada Lovelace · CS201",
    }
    assert uni.held() == set()
    imports.apply(run, at=NINE, actor="system:test")
    assert uni.held() == {("Ben", "department", "CS", "2027-07-31"), ("Ada", "module_leader", "", ""), ("Ben", "tutor", "", "")}
    leader = ModuleLeader.objects.get()
    assert (leader.person, leader.module, leader.starts_on, leader.source) == (uni.ada, uni.module, date(2026, 9, 21), "roles")
    assert Event.objects.filter(verb="import.grant.new").count() == 3
    assert Event.objects.filter(verb="import.leader.new").count() == 1


def test_the_event_of_a_role_says_whose_which_and_until_when(uni: University, client: Client):
    uni.apply(*ROWS)
    uni.apply("00000102,department,CS,,,2027-08-31", *ROWS[1:])
    changed, *_, given = [event for event in events_about(uni.ben.actor) if event.detail.get("role") == "department"]
    assert (given.verb, given.detail["department"], given.detail["ends_on"]) == ("import.grant.new", uni.cs.pk, "2027-07-31")
    assert (changed.verb, changed.detail["fields"]) == ("import.grant.changed", ["ends_on"])
    (leads,) = [event for event in events_about(uni.ada.actor) if event.verb == "import.leader.new"]
    assert (leads.detail["module"], leads.detail["starts_on"]) == (uni.module.pk, "2026-09-21")
    with time_machine.travel(NINE, tick=False):
        client.force_login(uni.world.person(Role.ADMINISTRATOR))
        assert "Role given by an import: Department" in text_of(client.get(f"/office/people/{uni.ben.ref}/"))


def test_the_same_file_twice_changes_nothing(uni: University):
    uni.apply(*ROWS)
    run = uni.check(*ROWS)
    assert run.changes.count() == 0
    assert run.counts == {"role": {"unchanged": 3}, "leader": {"unchanged": 1}}


def test_what_is_no_longer_in_the_file_ends_and_returns(uni: University):
    uni.apply(*ROWS)
    stopped = uni.apply(ROWS[0], confirm=False)
    assert (stopped.state, bool(stopped.stop_reason)) == ("checked", True)
    uni.apply(ROWS[0])
    assert uni.held() == {("Ben", "department", "CS", "2027-07-31")}
    assert ModuleLeader.objects.get().ends_on == TODAY - timedelta(days=1)
    uni.apply(*ROWS)
    assert len(uni.held()) == 3
    assert ModuleLeader.objects.get().ends_on is None


def test_a_part_ends_nothing(uni: University):
    uni.apply(*ROWS)
    uni.apply(ROWS[0], partial=True)
    assert len(uni.held()) == 3


def test_what_was_given_by_hand_is_not_touched(uni: University):
    by_hand = RoleGrant.objects.create(person=uni.ben, role=Role.DEPARTMENT, department=uni.cs, ends_on=date(2026, 12, 31))
    leading = ModuleLeader.objects.create(module=uni.module, person=uni.ada, ends_on=date(2026, 12, 31))
    uni.apply(*ROWS)
    uni.apply("00000102,tutor,,,,")
    by_hand.refresh_from_db()
    leading.refresh_from_db()
    assert (by_hand.ends_on, by_hand.source) == (date(2026, 12, 31), "")
    assert (leading.ends_on, leading.source) == (date(2026, 12, 31), "")
    assert RoleGrant.objects.filter(person=uni.ada, role=Role.LECTURER, source="", ends_on=None).exists()


def test_dates_change(uni: University):
    uni.apply(*ROWS)
    run = uni.apply("00000102,department,CS,,,2027-08-31", *ROWS[1:])
    (line,) = run.changes.all()
    before, after = line.before or {}, line.after or {}
    assert (line.change, before["ends_on"], after["ends_on"]) == ("changed", "2027-07-31", "2027-08-31")


def test_whoever_leads_two_modules_is_leader_from_the_first_to_the_last_day(uni: University):
    uni.world.module("Databases", code="CS202", department=uni.cs)
    uni.apply("00000101,module_leader,,CS201,2026-09-21,2027-01-31", "00000101,module_leader,,CS202,2026-10-01,2027-06-30")
    grant = RoleGrant.objects.get(source="roles")
    assert (grant.starts_on, grant.ends_on) == (date(2026, 9, 21), date(2027, 6, 30))


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (",tutor,,,,", "blank"),
        ("00009999,tutor,,,,", "unknown"),
        ("00000102,king,,,,", "choice"),
        ("00000102,administrator,,,,", "by_hand_only"),
        ("00000102,data_protection,,,,", "by_hand_only"),
        ("00000102,auditor,,,,", "by_hand_only"),
        ("00000102,tutor,CS,,,", "not_by_department"),
        ("00000102,department,XX,,,", "unknown"),
        ("00000102,module_leader,,,,", "blank"),
        ("00000102,module_leader,,XX1,,", "unknown"),
        ("00000102,tutor,,CS201,,", "module_only_leader"),
        ("00000102,tutor,,,2026-9-1,", "date"),
        ("00000102,tutor,,,2026-12-01,2026-11-01", "order"),
        ("00000102,tutor,,,,,,surplus", "cell_count"),
    ],
)
def test_a_row_that_cannot_be_used_waits_with_its_line(uni: University, row: str, code: str):
    uni.apply("00000102,attendance_team,,,,", "00000101,tutor,,,,")
    run = uni.apply("00000101,tutor,,,,", row)
    problem = run.problems.get(notice=False)
    assert (problem.code, problem.line) == (code, 3)
    assert ("Ada", "tutor", "", "") in uni.held()
    if code not in {"blank", "cell_count"} and row.startswith("00000102"):
        assert ("Ben", "attendance_team", "", "") in uni.held(), "of whom a row waits, nothing counts as gone"


def test_two_rows_that_contradict_each_other(uni: University):
    run = uni.check("00000102,tutor,,,,", "00000102,tutor,,,,2027-07-31")
    assert run.problems.get().code == "duplicate"


def test_nobody_gives_themselves_a_role(uni: University):
    RoleGrant.objects.create(person=uni.ben, role=Role.ADMINISTRATOR)
    run = uni.check("00000102,attendance_team,,,,", actor=uni.ben.actor)
    assert run.problems.get().code == "own_role"
    run = uni.check("00000102,attendance_team,,,,")
    imports.apply(run, at=NINE, actor=uni.ben.actor, confirm=True)
    assert "your own roles" in run.stop_reason
    assert uni.held() == set()


def test_only_whoever_may_gives_roles_with_a_file(uni: University):
    with pytest.raises(AdsumError) as refused:
        imports.take(filename="r.csv", content=HEAD.encode(), actor="system:test", at=NINE)
    assert refused.value.code == "roles_by_administrators"


def upload(client: Client, who: Person) -> Client:
    client.force_login(who)
    file = SimpleUploadedFile("roles.csv", "\n".join([HEAD, ROWS[0], ""]).encode())
    client.answer = client.post("/imports/", {"file": file, "mapping": ""})  # type: ignore[attr-defined]
    return client


def test_on_the_page_only_an_administrator_and_with_a_proof(uni: University, client: Client):
    with time_machine.travel(NINE, tick=False):
        answer = upload(client, uni.world.person(Role.TIMETABLING)).answer  # type: ignore[attr-defined]
        assert "Only an administrator brings such a file in" in text_of(answer)
        upload(client, uni.world.person(Role.ADMINISTRATOR))
        run = Import.objects.get()
        assert "Ben Bell: Computing" in text_of(client.get(f"/imports/{run.ref}/"))
        assert client.post(f"/imports/{run.ref}/decide/", {"action": "apply"}).status_code == 404
        apply = f"/imports/{run.ref}/roles/"
        assert client.post(apply, {"action": "apply", "confirm": "1"}).status_code == 403
        assert uni.held() == set()
        prove(client, NINE)
        client.post(apply, {"action": "apply", "confirm": "1"})
        assert uni.held() == {("Ben", "department", "CS", "2027-07-31")}


def test_on_the_server(uni: University, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "roles.csv"
    file.write_text("\n".join([HEAD, *ROWS, "nobody,tutor,,,,", ""]))
    assert cli.main(["import", str(file), "--yes"]) == 3  # some rows refused
    assert "roles.csv:5" in " ".join(capsys.readouterr().out.split())
    assert len(uni.held()) == 3

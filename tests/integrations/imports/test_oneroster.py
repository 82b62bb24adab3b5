"""Rosters: people, groups and places as the student system has them, and nothing lost of what was before."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from adsum.accounts.models import Department, Identifier, Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.accounts.services import close_account
from adsum.audit.models import Event
from adsum.audit.reports import events_about
from adsum.checkin.models import GateState, RevokedPass
from adsum.timetable.models import Group, GroupStaff, Module, Place, Term
from tests.kit import feeds
from tests.kit.feeds import AT, bring, check, delta, enrolment, noticed, oneroster, only_unchanged, said, university, user
from tests.kit.world import World

pytestmark = pytest.mark.django_db
YESTERDAY = date(2026, 9, 13)


def places() -> list[tuple[str, str, date | None, date | None]]:
    found = Place.objects.select_related("person", "group").order_by("person__source_id", "group__source_id", "pk")
    return [(place.person.source_id, place.group.source_id, place.starts_on, place.ends_on) for place in found]


def test_a_whole_roster():
    run = bring(oneroster(university()))
    assert run.state == "applied"
    assert run.source == "SITS"
    assert {what: dict(changes) for what, changes in run.counts.items()} == {
        "department": {"new": 2},
        "term": {"new": 1},
        "module": {"new": 2},
        "group": {"new": 3},
        "person": {"new": 5},
        "role": {"new": 5},
        "place": {"new": 4},
        "lecturer": {"new": 1},
    }
    term = Term.objects.get()
    assert (term.starts_on, term.ends_on) == (date(2026, 9, 21), date(2026, 12, 18)), "OneRoster's end is the day after"
    department = Department.objects.get(code="CS")
    assert department.parent is not None
    assert department.parent.name == "University"
    assert Module.objects.get(code="CS201").department == department
    assert [(g.module.code, g.code, g.kind) for g in Group.objects.order_by("source_id").select_related("module")] == [
        ("CS201", "L", "other"),
        ("CS201", "A", "lab"),
        ("CS202", "L", "other"),
    ]
    ada = Person.objects.get(source_id="S1")
    assert (ada.username, ada.number, str(ada)) == ("s1@uni.example", "00000001", "Ada1 One")
    assert not ada.has_usable_password()
    assert ada.roles(AT) == {Role.STUDENT}
    assert Person.objects.get(source_id="L1").roles(AT) == {Role.LECTURER}
    assert places() == [(f"S{n}", "K1", None, None) for n in range(1, 5)]
    assert [(row.group.source_id, row.person.source_id) for row in GroupStaff.objects.all()] == [("K1", "L1")]


def test_the_same_file_twice_changes_nothing():
    bring(oneroster(university()))
    before = Event.objects.filter(verb__startswith="import.person").count()
    again = bring(oneroster(university()))
    assert only_unchanged(again)
    assert again.changes.count() == 0
    assert Event.objects.filter(verb__startswith="import.person").count() == before == 5


def test_events_name_the_fields_that_changed_and_no_values():
    bring(oneroster(university()))
    orgs = [*university()["orgs"], {"sourcedId": "O3", "name": "Science", "type": "department", "identifier": "SCI"}]
    orgs[1] = {**orgs[1], "parentSourcedId": "O3"}
    seen = Event.objects.latest("pk").pk
    bring(oneroster(university(orgs=orgs, users=[user(1, givenName="Addy", enabledUser="false"), *university()["users"][1:]])))
    ada, computing = Person.objects.get(source_id="S1"), Department.objects.get(code="CS")
    (changed,) = [event for event in events_about(ada.actor) if event.pk > seen]
    assert changed.verb == "import.person.changed"
    assert changed.detail == {"fields": ["given_name", "in_source", "is_active"], "is_active": False}
    moved = Event.objects.get(verb="import.department.changed", pk__gt=seen)
    assert (moved.subject, moved.detail) == (
        f"department:{computing.pk}",
        {"fields": ["parent"], "parent": Department.objects.get(code="SCI").pk},
    )
    assert Event.objects.filter(verb="import.department.new", pk__gt=seen).count() == 1


def test_checking_changes_nothing():
    run = check(oneroster(university()))
    assert run.state == "checked"
    assert (Person.objects.count(), Group.objects.count(), GateState.objects.count()) == (0, 0, 0)


def test_the_gate_learns_of_a_new_roster():
    bring(oneroster(university()))
    first = GateState.objects.get().rosters_version
    bring(oneroster(university(5)))
    assert GateState.objects.get().rosters_version > first


def test_version_1_1_has_its_roles_with_the_users():
    people = [
        {"sourcedId": "S1", "role": "student", "username": "s1@uni.example", "givenName": "A", "familyName": "B"},
        {"sourcedId": "L1", "role": "teacher", "username": "l1@uni.example", "givenName": "C", "familyName": "D"},
        {"sourcedId": "P1", "role": "parent", "username": "p1@home.example", "givenName": "E", "familyName": "F"},
    ]
    whole = university() | {"users": people, "enrollments": []}
    del whole["roles"]
    run = bring(oneroster(whole, version="1.1", headers={"users": feeds.USERS_11}))
    assert said(run) == []
    assert {str(p.source_id): set(p.roles(AT)) for p in Person.objects.all()} == {
        "S1": {Role.STUDENT},
        "L1": {Role.LECTURER},
        "P1": set(),
    }
    assert noticed(run)["roles_ignored"] == (
        "1 row gives the role parent, which no file may give. Grant it in Adsum where it is needed."
    )


def test_no_file_makes_an_administrator():
    roles = [{"sourcedId": "R", "userSourcedId": "S1", "role": "systemAdministrator"}]
    bring(oneroster(university(roles=roles)))
    assert not RoleGrant.objects.exists()


def test_names_people_go_by_and_numbers_other_systems_use():
    ada = user(1, preferredGivenName="Addy", preferredFamilyName="Uno", pronouns="she/her", userIds="{LDAP:a1},{Card:0042}")
    bring(oneroster(university(users=[ada], roles=[], enrollments=[])))
    person = Person.objects.get()
    assert (str(person), person.given_name, person.pronouns) == ("Addy Uno", "Ada1", "she/her")
    assert set(Identifier.objects.values_list("system", "kind", "value")) == {("SITS", "ldap", "a1"), ("SITS", "card", "0042")}
    again = bring(oneroster(university(users=[{**ada, "userIds": "{LDAP:a1},{Card:77}"}], roles=[], enrollments=[])))
    assert again.counts["identifier"] == {"new": 1, "ended": 1}
    assert Identifier.objects.get(value="0042").valid_to == YESTERDAY


def test_a_delta_adds_changes_and_ends_but_never_erases():
    bring(oneroster(university()))
    changed = user(2, familyName="Married")
    gone = {"sourcedId": "E1", "status": "tobedeleted"}
    joined = enrolment("E9", "K2", "S2", beginDate="2026-10-01", endDate="2026-11-01")
    run = bring(delta(users=[changed], enrollments=[gone, joined]))
    assert said(run) == []
    assert run.counts["person"] == {"changed": 1}
    assert run.counts["place"] == {"new": 1, "ended": 1}
    assert Person.objects.get(source_id="S2").family_name == "Married"
    assert places() == [
        ("S1", "K1", None, YESTERDAY),
        ("S2", "K1", None, None),
        ("S2", "K2", date(2026, 10, 1), date(2026, 10, 31)),
        ("S3", "K1", None, None),
        ("S4", "K1", None, None),
    ]
    assert only_unchanged(bring(delta(users=[changed])))


def test_a_delta_row_without_its_stamp_needs_a_person():
    bring(oneroster(university()))
    run = bring(delta(users=[user(1, status="")]))
    assert said(run) == [("users.csv", 2, "delta_stamp")]


def test_the_newest_of_several_delta_rows_wins_wherever_it_stands():
    bring(oneroster(university()))
    old = user(1, familyName="Old", dateLastModified="2026-09-01T00:00:00Z")
    new = user(1, familyName="New", dateLastModified="2026-09-02T00:00:00Z")
    bring(delta(users=[new, old]))
    assert Person.objects.get(source_id="S1").family_name == "New"


def test_who_leaves_is_ended_in_everything_and_their_sign_ins_end():
    bring(oneroster(university(10)))
    smaller = university(10)
    for name, key in (("users", "S1"), ("roles", "R1"), ("enrollments", "E1")):
        smaller[name] = [row for row in smaller[name] if row["sourcedId"] != key]
    run = bring(oneroster(smaller))
    ada = Person.objects.get(source_id="S1")
    assert run.counts["person"] == {"unchanged": 10, "ended": 1}
    assert not ada.is_active
    assert ada.roles(AT) == frozenset()
    assert places()[0] == ("S1", "K1", None, YESTERDAY)
    assert RevokedPass.objects.filter(person=ada).exists()
    back = bring(oneroster(university(10)), at=AT + timedelta(days=3))
    assert back.counts["person"] == {"unchanged": 10, "restored": 1}
    assert Person.objects.get(source_id="S1").roles(AT + timedelta(days=3)) == {Role.STUDENT}
    assert Place.objects.get(source_id="E1").ends_on is None


def test_an_account_closed_by_hand_stays_closed_whatever_the_file_repeats():
    bring(oneroster(university()))
    ada = Person.objects.get(source_id="S1")
    close_account(ada, by="person:1", at=AT)
    bring(oneroster(university()))
    ada.refresh_from_db()
    assert not ada.is_active


def test_a_user_disabled_at_the_source_cannot_sign_in():
    bring(oneroster(university()))
    bring(delta(users=[user(1, enabledUser="false")]))
    assert not Person.objects.get(source_id="S1").is_active
    bring(delta(users=[user(1, enabledUser="true")]))
    assert Person.objects.get(source_id="S1").is_active


def test_a_bulk_file_that_would_remove_over_a_fifth_stops_and_asks():
    bring(oneroster(university(10)))
    run = bring(oneroster(university(10, enrollments=university(7)["enrollments"])))
    assert run.state == "checked"
    assert run.stop_reason == "enrollments.csv would remove 3 of 10 rows (30%). Is it the whole export?"
    assert all(ends_on is None for *_, ends_on in places())
    from adsum.integrations.imports import runs as imports

    imports.apply(run, at=AT, actor=feeds.ACTOR, confirm=True)
    assert run.state == "applied"
    assert sum(1 for *_, ends_on in places() if ends_on) == 3


def test_exactly_a_fifth_does_not_stop():
    bring(oneroster(university(10)))
    assert bring(oneroster(university(10, enrollments=university(8)["enrollments"]))).state == "applied"


def test_who_joins_a_group_under_way_was_not_expected_before():
    bring(oneroster(university()))
    in_term = datetime(2026, 10, 12, 8, tzinfo=UTC)
    bring(oneroster(university(5)), at=in_term)
    assert Place.objects.get(person__source_id="S5").starts_on == date(2026, 10, 12)
    assert Place.objects.get(person__source_id="S1").starts_on is None


def test_group_move_keeps_history_by_date():
    """Pitfall 21: a group move must not rewrite what was expected before it."""
    bring(oneroster(university(6)))
    moved = university(6)
    moved["enrollments"] = [
        {**row, "classSourcedId": "K2"} if row["sourcedId"] == "E1" else row for row in moved["enrollments"]
    ]
    bring(oneroster(moved), at=datetime(2026, 10, 12, 8, tzinfo=UTC))
    assert places()[:2] == [("S1", "K1", None, date(2026, 10, 11)), ("S1", "K2", date(2026, 10, 12), None)]
    assert only_unchanged(bring(oneroster(moved), at=datetime(2026, 10, 12, 9, tzinfo=UTC)))


def test_a_year_later_the_same_codes_go_on_under_new_ids():
    bring(oneroster(university()))
    text = {name: [dict(row) for row in rows] for name, rows in university().items()}
    new_ids = {"courses": ["sourcedId"], "classes": ["sourcedId", "courseSourcedId"]}
    for name, columns in (new_ids | {"enrollments": ["sourcedId", "classSourcedId"]}).items():
        for row in text[name]:
            for column in columns:
                row[column] += "-27"
    run = bring(oneroster(text), at=datetime(2027, 9, 13, 9, tzinfo=UTC), confirm=True)
    assert said(run) == []
    assert run.state == "applied"
    assert (Module.objects.count(), Group.objects.count()) == (2, 3)
    assert [place for place in places() if place[0] == "S1"] == [
        ("S1", "K1-27", None, date(2027, 9, 12)),
        ("S1", "K1-27", date(2027, 9, 13), None),
    ]


# Rows that need a person


def test_every_bad_row_is_named_with_its_line_and_the_others_are_used():
    bad = university(
        users=[
            user(1),
            user(2, email="", username=""),
            user(3, enabledUser="perhaps"),
            user(4, familyName="", givenName=""),
            user(5, familyName="x" * 121),
        ],
        roles=[{"sourcedId": "R1", "userSourcedId": "S1", "role": "student", "beginDate": "01/10/2026"}],
        enrollments=[
            enrolment("E1", "K1", "S1"),
            enrolment("E2", "K9", "S1"),
            enrolment("E3", "K1", "S9"),
            enrolment("E4", "K1", ""),
            enrolment("", "K1", "S1"),
            enrolment("E5", "K1", "S1", beginDate="2026-11-01", endDate="2026-10-01"),
        ],
    )
    run = bring(oneroster(bad))
    assert said(run) == [
        ("enrollments.csv", 3, "unknown"),
        ("enrollments.csv", 4, "unknown"),
        ("enrollments.csv", 5, "blank"),
        ("enrollments.csv", 6, "blank"),
        ("enrollments.csv", 7, "order"),
        ("roles.csv", 2, "date"),
        ("users.csv", 3, "blank"),
        ("users.csv", 4, "choice"),
        ("users.csv", 5, "blank"),
        ("users.csv", 6, "too_long"),
    ]
    assert places() == [("S1", "K1", None, None)]
    unknown = run.problems.get(file="enrollments.csv", line=3)
    assert unknown.message == (
        "classSourcedId is K9, which is not known. Import it first (or with this file), then import this again."
    )
    assert "K9" in unknown.row


def test_the_same_id_twice_is_named_with_both_lines_and_the_person_stays_as_known():
    bring(oneroster(university()))
    twice = university(users=[*university()["users"], user(1, familyName="Other")])
    run = bring(oneroster(twice))
    assert said(run) == [("users.csv", 2, "duplicate"), ("users.csv", 7, "duplicate")]
    assert run.problems.get(line=2).message.startswith("S1 stands on lines 2, 7 with different content.")
    ada = Person.objects.get(source_id="S1")
    assert (ada.family_name, ada.is_active) == ("One", True)
    assert places()[0] == ("S1", "K1", None, None)


def test_a_row_that_cannot_be_used_never_counts_as_missing():
    bring(oneroster(university(10)))
    broken = university(10)
    broken["enrollments"] = [{**row, "beginDate": "soon"} for row in broken["enrollments"]]
    run = bring(oneroster(broken))
    assert len(said(run)) == 11
    assert run.state == "applied"
    assert all(ends_on is None for *_, ends_on in places())
    assert GroupStaff.objects.count() == 1


def test_two_people_with_one_sign_in_name():
    run = bring(
        oneroster(
            university(users=[user(1, username=""), user(2, email="s1@uni.example", username="")], roles=[], enrollments=[])
        )
    )
    assert said(run) == [("users.csv", 2, "username_twice"), ("users.csv", 3, "username_twice")]
    assert not Person.objects.exists()


def test_a_sign_in_name_that_is_someone_elses_already():
    bring(oneroster(university()))
    run = bring(delta(users=[user(1, email="s2@uni.example")]))
    assert said(run) == [("users.csv", 2, "username_taken")]
    assert Person.objects.get(source_id="S1").username == "s1@uni.example"


@pytest.mark.parametrize(
    ("known", "row", "result"),
    [
        ({"name": "Ada Lovelace", "number": "77"}, {"familyName": "lovelace", "identifier": "77"}, "same"),
        ({"name": "Ada Lovelace", "number": "77"}, {"familyName": "Byron", "identifier": "77"}, "ambiguous"),
        ({"name": "Ada Lovelace", "number": "77", "username": "s1@uni.example"}, {"identifier": "77"}, "same"),
        ({"name": "Ada Lovelace", "number": "77", "username": "s1@uni.example"}, {"identifier": "78"}, "ambiguous"),
        ({"name": "Ada Lovelace", "number": "77", "username": "s1@uni.example"}, {"identifier": ""}, "same"),
        ({"name": "Ada Lovelace", "number": "77"}, {"identifier": "078"}, "new"),
    ],
)
def test_who_is_who_is_never_guessed(world: World, known: dict[str, Any], row: dict[str, str], result: str):
    username = known.pop("username", "")
    person = world.person(**known)
    if username:
        Person.objects.filter(pk=person.pk).update(username=username)
    run = bring(oneroster(university(users=[user(1, **row)], roles=[], enrollments=[])))
    assert [code for *_, code in said(run)] == (["ambiguous"] if result == "ambiguous" else [])
    assert Person.objects.count() == (2 if result == "new" else 1)
    person.refresh_from_db()
    assert (person.source_id == "S1") == (result == "same")


def test_a_second_source_links_to_a_person_but_does_not_rename_them():
    bring(oneroster(university()))
    other = oneroster({"users": [user(1, sourcedId="X1", givenName="A.")]}, manifest={"source.systemCode": "HR"})
    assert said(bring(other, roles=True)) == []
    ada = Person.objects.get(number="00000001")
    assert (ada.given_name, ada.source, ada.source_id) == ("Ada1", "SITS", "S1")
    assert Identifier.objects.get(person=ada, system="HR").value == "X1"
    assert only_unchanged(bring(other))


def test_two_ids_of_one_source_for_one_person(world: World):
    world.person(name="Ada One", number="00000001")
    run = bring(oneroster({"users": [user(1), user(1, sourcedId="S1b", email="other@uni.example")]}))
    assert said(run) == [("users.csv", 3, "two_ids")]


def test_a_code_that_stands_twice_or_belongs_to_another_source():
    twice = university()
    twice["classes"] = [*twice["classes"], {**twice["classes"][0], "sourcedId": "K9"}]
    assert said(bring(oneroster(twice))) == [("classes.csv", 5, "code_twice")]
    other = oneroster({"courses": university()["courses"]}, manifest={"source.systemCode": "OTHER"})
    assert said(bring(other)) == [("courses.csv", 2, "code_taken"), ("courses.csv", 3, "code_taken")]
    assert Module.objects.get(code="CS201").source == "SITS"


def test_organisations_in_a_circle():
    orgs = [
        {"sourcedId": "A", "name": "A", "type": "school", "parentSourcedId": "B"},
        {"sourcedId": "B", "name": "B", "type": "school", "parentSourcedId": "A"},
    ]
    assert said(bring(oneroster({"orgs": orgs}))) == [("orgs.csv", 2, "parent_cycle"), ("orgs.csv", 3, "parent_cycle")]


def test_a_student_in_no_group_is_accepted_with_a_notice():
    run = bring(oneroster(university(3, enrollments=university(2)["enrollments"])))
    assert noticed(run)["no_group"] == "1 student is in no group, so no class expects them: Ada3 Three."
    assert Person.objects.filter(source_id="S3").exists()


def test_a_link_that_nothing_depends_on_is_said_once_and_left_out():
    courses = [{**row, "orgSourcedId": "O9"} for row in university()["courses"]]
    run = bring(oneroster(university(courses=courses)))
    assert said(run) == []
    assert noticed(run)["link_unknown"].startswith("2 rows name a orgSourcedId that is not in orgs.csv (first: line 2).")
    assert Module.objects.get(code="CS201").department is None


def test_other_files_of_the_standard_are_left_alone_with_a_notice():
    content = oneroster(university() | {}, manifest={"file.demographics": "absent"})
    from adsum.integrations.imports.reading import unpack

    members = unpack(content, "f") | {"demographics.csv": b"sourcedId,sex\nS1,female\n"}
    run = bring(feeds.zipped(members))
    assert noticed(run)["file_ignored"] == "demographics.csv was ignored: Adsum does not use it."

"""Timetables from the events CSV: every class keeps its identity and its marks, whatever the file does next."""

from datetime import UTC, date, datetime, timedelta

import pytest

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.models import Mark
from adsum.audit.models import Event
from adsum.checkin import class_changes as changes
from adsum.checkin.models import GateState
from adsum.integrations.imports import carrying
from adsum.integrations.imports import runs as imports
from adsum.integrations.imports.vocabulary import kind_in
from adsum.timetable.models import ClassChange, ClassSession, Group, GroupStaff, Place
from adsum.timetable.partner_table import DeliveryPartner
from adsum.timetable.rules import Kind
from tests.kit import feeds
from tests.kit.feeds import ACTOR, AT, bring, check, event, events, noticed, oneroster, only_unchanged, said, university
from tests.kit.world import World, cancel_class

pytestmark = pytest.mark.django_db
WEEK = ["2026-09-21", "2026-09-28", "2026-10-05", "2026-10-12", "2026-10-19", "2026-10-26"]


@pytest.fixture(autouse=True)
def _roster(db: None) -> None:
    bring(oneroster(university()))


@pytest.fixture
def team() -> Person:
    return World().person(Role.TIMETABLING)


def weekly(*days: str, id_: str = "A", **more: str) -> list[feeds.Row]:
    """One event on several days, at nine in London, whatever the clocks do."""
    return [event(id_, f"{day}T09:00:00", f"{day}T10:00:00", **more) for day in days]


def classes() -> list[tuple[str, str, str, str]]:
    """(event, start in UTC, rooms, status) of every class, in order."""
    return [
        (
            s.source_id,
            f"{s.starts_at.astimezone(UTC):%Y-%m-%d %H:%M}",
            ",".join(sorted(r.name for r in s.rooms.all())),
            s.status,
        )
        for s in ClassSession.objects.order_by("source_id", "starts_at")
    ]


def only() -> ClassSession:
    return ClassSession.objects.get()


def test_a_class_with_all_it_says():
    run = bring(events(event(location="C2.01; C2.02", event_type="Practical", delivery_mode="hybrid", mandatory="no")))
    assert (run.state, said(run), noticed(run)) == ("applied", [], {})
    assert run.counts == {"room": {"new": 2}, "class": {"new": 1}}
    session = only()
    assert (session.module.code, session.title, session.kind, session.delivery) == (
        "CS201",
        "Algorithms",
        "lab",
        "hybrid_optional",
    )
    assert (session.source, session.source_id, session.occurrence) == ("CELCAT", "A-1", "2026-09-21")
    assert (session.starts_at, session.starts_on) == (datetime(2026, 9, 21, 8, tzinfo=UTC), date(2026, 9, 21))
    assert not session.mandatory
    assert [person.source_id for person in session.staff.all()] == ["L1"]
    assert [group.source_id for group in session.groups.all()] == ["K1"]
    change = ClassChange.objects.get()
    assert (change.change, change.version, change.before, change.import_run) == ("new", 1, None, run)
    assert change.after["staff"] == ["Grace Hopper (900)"]
    assert Event.objects.filter(verb="class.new", subject=f"session:{session.pk}").count() == 1


def test_a_partner_teaches_what_its_column_says_and_a_file_without_the_column_leaves_it():
    DeliveryPartner.objects.create(code="west", name="West College")

    def of(partner: str, **more: str) -> bytes:
        return events(*weekly("2026-09-21", delivery_partner=partner, **more), header=f"{feeds.EVENTS},delivery_partner")

    bring(events(*weekly("2026-09-21")))
    run = bring(of("west"))
    assert (run.state, only().delivery_partner_id) == ("applied", "west")
    assert ClassChange.objects.latest("pk").after["partner"] == "west"
    bring(events(*weekly("2026-09-21", title="Another title")))
    assert (only().title, only().delivery_partner_id) == ("Another title", "west")
    bring(of("", title="Another title"))
    assert only().delivery_partner_id is None
    assert [code for _file, _line, code in said(check(of("nobody")))] == ["unknown"]


def test_the_same_file_twice_changes_nothing():
    content = events(*weekly(*WEEK), event("B"))
    bring(content)
    before = GateState.objects.get().version
    again = bring(content)
    assert only_unchanged(again)
    assert again.changes.count() == 0
    assert ClassChange.objects.count() == 7
    assert set(ClassSession.objects.values_list("version", flat=True)) == {1}
    assert GateState.objects.get().version >= before


def test_checking_changes_nothing_and_its_diff_is_what_applying_does():
    bring(events(event(), event("B", "2026-09-22T09:00:00+01:00")))
    run = check(events(event(location="C3.04"), event("B", "2026-09-22T09:00:00+01:00", status="cancelled")))
    shown = [(line.change, line.what, line.before, line.after) for line in run.changes.order_by("pk")]
    assert shown == [
        ("new", "room", None, None),
        ("moved", "class", {"rooms": "C2.01"}, {"rooms": "C3.04"}),
        ("cancelled", "class", {"status": "scheduled"}, {"status": "cancelled"}),
    ]
    assert [room for _, _, room, _ in classes()] == ["C2.01", "C2.01"]
    imports.apply(run, at=AT, actor=ACTOR)
    assert classes() == [("A-1", "2026-09-21 08:00", "C3.04", "scheduled"), ("B", "2026-09-22 08:00", "C2.01", "cancelled")]
    assert list(ClassChange.objects.filter(version=2).order_by("pk").values_list("change", flat=True)) == ["moved", "cancelled"]


def test_a_class_that_moves_keeps_its_marks():
    bring(events(event()))
    session = only()
    student = Place.objects.first()
    assert student is not None
    mark = Mark.objects.create(session=session, student=student.person, status="present", source="scan", at=AT, changed_at=AT)
    for start, room in (("2026-09-21T14:00:00+01:00", "C2.01"), ("2026-09-21T15:00:00+01:00", "D1")):
        run = bring(
            events(event(start=start, end=start.replace(":00:00+", ":50:00+"), location=room)), at=AT + timedelta(days=30)
        )
        assert run.counts["class"] == {"moved": 1}
    session = only()
    assert (session.pk, session.version, session.starts_at.hour) == (mark.session_id, 3, 14)
    assert Mark.objects.get() == mark


def test_an_event_on_many_days_keeps_each_of_them_apart():
    bring(events(*weekly(*WEEK)))
    keys = {s.starts_on: s.pk for s in ClassSession.objects.all()}
    moved = weekly(*WEEK)
    moved[1] = event("A", "2026-09-29T09:00:00", "2026-09-29T10:00:00")
    run = bring(events(*moved))
    assert run.counts["class"] == {"unchanged": 5, "moved": 1}
    assert ClassSession.objects.get(starts_on="2026-09-29").pk == keys[date(2026, 9, 28)]
    run = bring(events(*moved, *weekly(WEEK[1])))
    assert run.counts["class"] == {"unchanged": 6, "new": 1}
    assert sorted(ClassSession.objects.values_list("occurrence", flat=True)) == sorted([*WEEK, "2026-09-28 2"])
    assert only_unchanged(bring(events(*moved, *weekly(WEEK[1]))))


def test_a_whole_series_moves_to_another_day():
    bring(events(*weekly(*WEEK)))
    keys = list(ClassSession.objects.order_by("starts_at").values_list("pk", flat=True))
    tuesdays = [f"{date.fromisoformat(day) + timedelta(days=1)}" for day in WEEK]
    assert bring(events(*weekly(*tuesdays))).counts["class"] == {"moved": 6}
    assert list(ClassSession.objects.order_by("starts_at").values_list("pk", flat=True)) == keys


def test_a_class_that_was_held_is_never_taken_for_another_one():
    bring(events(*weekly(WEEK[0], WEEK[1])))
    held = ClassSession.objects.get(starts_on=WEEK[0])
    run = bring(events(*weekly(WEEK[1], "2026-10-14")), at=datetime(2026, 9, 22, tzinfo=UTC), confirm=True)
    assert run.counts["class"] == {"unchanged": 1, "new": 1}
    held.refresh_from_db()
    assert held.starts_on == date(2026, 9, 21)


def test_both_clock_changes_nine_o_clock_stays_nine_o_clock():
    """Pitfall 22: last Sundays of March and October."""
    bring(events(*weekly("2026-10-19", "2026-10-26", "2027-03-22", "2027-03-29")))
    starts = [start for _, start, _, _ in classes()]
    assert starts == ["2026-10-19 08:00", "2026-10-26 09:00", "2027-03-22 09:00", "2027-03-29 08:00"]


def test_a_time_that_does_not_exist_or_comes_twice_is_asked_about():
    rows = [
        event("A", "2027-03-28T01:30:00", "2027-03-28T03:00:00"),
        event("B", "2026-10-25T01:30:00", "2026-10-25T03:00:00"),
        event("C", "2026-10-25T01:30:00+00:00", "2026-10-25T03:00:00+00:00"),
    ]
    run = bring(events(*rows))
    assert said(run) == [("file", 2, "time_missing"), ("file", 3, "time_twice")]
    assert classes() == [("C", "2026-10-25 01:30", "C2.01", "scheduled")]


# Missing classes


def test_a_vanished_class_is_suspect_not_cancelled_until_a_person_says_so(team: Person):
    rows = [event(str(n), f"2026-10-{n:02}T09:00:00+01:00") for n in range(1, 11)]
    bring(events(*rows))
    run = bring(events(*rows[1:]))
    assert run.counts["class"] == {"unchanged": 9, "vanished": 1}
    gone = ClassSession.objects.get(source_id="1")
    assert (gone.status, gone.suspect_since, gone.version) == ("scheduled", AT, 2)
    again = bring(events(*rows[1:]), at=AT + timedelta(days=1))
    assert again.counts["class"] == {"unchanged": 9}
    assert noticed(again)["still_missing"].startswith("1 class is still missing")
    gone.refresh_from_db()
    assert (gone.status, gone.suspect_since) == ("scheduled", AT)
    changes.decide_missing(gone, cancelled=True, by=team, at=AT)
    gone.refresh_from_db()
    assert (gone.status, gone.suspect_since) == ("cancelled", None)
    assert list(ClassChange.objects.filter(session=gone).order_by("version").values_list("change", "actor")) == [
        ("new", ACTOR),
        ("vanished", ACTOR),
        ("cancelled", team.actor),
    ]
    assert only_unchanged(bring(events(*rows[1:])))
    assert bring(events(*rows)).counts["class"] == {"unchanged": 9, "restored": 1}
    gone.refresh_from_db()
    assert gone.status == "scheduled"


def test_a_missing_class_that_a_person_keeps_is_not_suspected_again(team: Person):
    rows = [event(str(n), f"2026-10-{n:02}T09:00:00+01:00") for n in range(1, 11)]
    bring(events(*rows))
    bring(events(*rows[1:]))
    gone = ClassSession.objects.get(source_id="1")
    changes.decide_missing(gone, cancelled=False, by=team, at=AT)
    assert only_unchanged(bring(events(*rows[1:])))
    bring(events(*rows))
    assert bring(events(*rows[1:])).counts["class"] == {"unchanged": 9, "vanished": 1}


def test_a_vanished_class_that_comes_back_is_as_it_was():
    rows = [event(str(n), f"2026-10-{n:02}T09:00:00+01:00") for n in range(1, 11)]
    bring(events(*rows))
    bring(events(*rows[:-1]))
    assert bring(events(*rows)).counts["class"] == {"unchanged": 9, "restored": 1}
    assert not ClassSession.objects.exclude(suspect_since=None).exists()


def test_a_file_that_would_lose_over_a_fifth_stops_and_asks():
    rows = [event(str(n), f"2026-10-{n:02}T09:00:00+01:00") for n in range(1, 11)]
    bring(events(*rows))
    run = bring(events(*rows[3:]))
    assert run.state == "checked"
    assert run.stop_reason == "file would remove 3 of 10 rows (30%). Is it the whole export?"
    assert not ClassSession.objects.exclude(suspect_since=None).exists()
    imports.apply(run, at=AT, actor=ACTOR, confirm=True)
    assert ClassSession.objects.exclude(suspect_since=None).count() == 3


def test_an_empty_timetable_stops_and_asks():
    bring(events(*weekly(*WEEK)))
    assert "no_rows" in noticed(bring(events()))
    run = bring(events(), source="CELCAT")
    assert run.stop_reason == "file would remove 6 of 6 rows (100%). Is it the whole export?"


def test_a_part_of_a_timetable_makes_nothing_suspect():
    bring(events(*weekly(*WEEK)))
    run = bring(events(event("B", location="D1")), partial=True)
    assert (run.state, dict(run.counts["class"])) == ("applied", {"new": 1})


def test_what_lies_before_the_file_or_in_another_term_is_not_missing():
    bring(events(*weekly(*WEEK), event("S", "2027-02-01T09:00:00+00:00")))
    run = bring(events(*weekly(*WEEK[3:])), at=datetime(2026, 10, 12, tzinfo=UTC))
    assert run.counts["class"] == {"unchanged": 3}


def test_another_sources_classes_are_none_of_this_files_business():
    bring(events(event("X", source_system="OTHER", location="D1")))
    assert bring(events(event())).counts["class"] == {"new": 1}


# Who wins


def test_an_older_file_that_arrives_late_never_overwrites_a_newer_one():
    bring(events(event(location="New", last_changed="2026-09-02T09:00:00+01:00")))
    run = bring(events(event(location="Old", last_changed="2026-09-01T09:00:00+01:00")))
    assert run.counts["class"] == {"unchanged": 1}
    assert noticed(run)["older"] == "1 class is older here than in Adsum (line 2); it was left as it is."
    assert classes()[0][2] == "New"


def test_a_change_made_by_hand_outlives_the_next_import_of_the_same():
    bring(events(event()))
    cancel_class(only(), at=AT, actor="person:1")
    assert only_unchanged(bring(events(event())))
    assert only().status == "cancelled"
    run = bring(events(event(location="D1")))
    assert run.counts["class"] == {"moved": 1}
    assert (only().status, classes()[0][2]) == ("cancelled", "D1")
    bring(events(event(location="D1", status="cancelled")))
    run = bring(events(event(location="D1", status="scheduled")))
    assert run.counts["class"] == {"restored": 1}


def test_the_timetable_changed_between_checking_and_applying():
    bring(events(event()))
    run = check(events(event(location="D1")))
    bring(events(event(location="D2")))
    imports.apply(run, at=AT, actor=ACTOR)
    assert run.state == "checked"
    assert run.stop_reason.startswith("Something else has changed the timetable")
    assert classes()[0][2] == "D2"
    imports.apply(run, at=AT, actor=ACTOR, confirm=True)
    assert (run.state, classes()[0][2]) == ("applied", "D1")


def test_applying_twice_at_once_applies_once():
    run = check(events(event()))
    same = type(run).objects.get(pk=run.pk)
    imports.apply(run, at=AT, actor=ACTOR)
    imports.apply(same, at=AT, actor=ACTOR)
    assert ClassChange.objects.count() == 1


def test_what_breaks_half_way_changes_nothing(monkeypatch: pytest.MonkeyPatch):
    run = check(events(event()))

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(carrying, "follow_timetable", broken)
    with pytest.raises(RuntimeError):
        imports.apply(run, at=AT, actor=ACTOR)
    assert (run.state, run.stop_reason) == ("checked", "Applying was interrupted and nothing was changed. Try again.")
    assert not ClassSession.objects.exists()


# Who is expected, who teaches


def test_a_joint_class_has_groups_of_several_modules():
    bring(events(event(group_ids="K1;K3")))
    assert {group.module.code for group in only().groups.all()} == {"CS201", "CS202"}


def test_a_list_of_students_is_a_group_of_its_own():
    header = f"{feeds.EVENTS},student_ids"
    rows = [{**event("A", f"{day}T09:00:00", f"{day}T10:00:00", group_ids=""), "student_ids": "S1;00000002"} for day in WEEK]
    run = bring(events(*rows, header=header))
    assert said(run) == []
    assert (run.counts["group"], run.counts["place"]) == ({"new": 1}, {"new": 2})
    group = Group.objects.get(source="CELCAT")
    assert {place.person.source_id for place in Place.objects.filter(group=group)} == {"S1", "S2"}
    assert only_unchanged(bring(events(*rows, header=header)))
    bring(oneroster(university()))
    assert Place.objects.filter(group=group, ends_on=None).count() == 2, "the roster does not end what it did not make"
    unknown = {**event("B", group_ids=""), "student_ids": "S1;S99"}
    assert said(bring(events(*rows, unknown, header=header))) == [("file", 8, "unknown")]


def test_a_class_with_no_staff_is_its_groups_lecturers():
    run = bring(events(event(staff_ids="")))
    assert noticed(run) == {}
    lecturer = GroupStaff.objects.get(group__source_id="K1").person
    assert list(ClassSession.objects.taught_by(lecturer)) == [only()]


def test_a_class_that_nobody_teaches_or_nobody_attends_is_accepted_with_a_notice():
    run = bring(events(event(staff_ids="", group_ids="K3")))
    assert run.state == "applied"
    assert noticed(run)["no_staff"].startswith("1 class has no lecturer, neither named here nor through its groups (line 2).")
    assert noticed(run)["no_students"] == "1 class has no group with students, so nobody is expected (line 2)."


# Rows that need a person


@pytest.mark.parametrize(
    ("row", "code", "words"),
    [
        (event(event_id=""), "blank", "event_id"),
        (event(start="21/09/2026 09:00"), "time", "2026-09-21T09:00:00+01:00"),
        (event(start="2026-09-21"), "time", "start"),
        (event(end="2026-09-21T08:00:00+01:00"), "no_time", "ends when it begins, or before"),
        (event(end="2026-09-23T09:00:00+01:00"), "long_class", "longer than a day"),
        (event(start="0026-09-21T09:00:00+01:00"), "year", "2000 and 2100"),
        (event(timezone="London"), "zone", "Europe/London"),
        (event(timezone="Europe"), "zone", "Europe/London"),
        (event(mandatory="maybe"), "choice", "true, false"),
        (event(delivery_mode="pigeon"), "choice", "in_person, remote, hybrid_optional"),
        (event(status="perhaps"), "choice", "scheduled, cancelled"),
        (event(module_code="CS999"), "unknown", "CS999"),
        (event(group_ids="K99"), "unknown", "K99"),
        (event(staff_ids="L99"), "unknown", "L99"),
        (event(title="x" * 251), "too_long", "250"),
        (event(location="x" * 201), "too_long", "200"),
        (event(last_changed="yesterday"), "time", "yesterday"),
    ],
)
def test_a_bad_row_says_what_to_do_and_costs_only_itself(row: feeds.Row, code: str, words: str):
    bring(events(event("good"), event("A-1")))
    run = bring(events(row, event("good", location="D1")), confirm=True)
    assert said(run) == [("file", 2, code)]
    problem = run.problems.get(notice=False)
    assert words in problem.message
    assert "%" not in problem.message
    assert classes()[1][2] == "D1"
    assert classes()[0][:3] == ("A-1", "2026-09-21 08:00", "C2.01")


def test_a_row_that_cannot_be_used_does_not_make_its_class_missing():
    bring(events(event("A"), event("B")))
    run = bring(events(event("A"), event("B", mandatory="maybe")))
    assert run.counts["class"] == {"unchanged": 1}
    assert not ClassSession.objects.exclude(suspect_since=None).exists()


def test_two_rows_for_one_class_that_contradict_each_other():
    bring(events(event()))
    run = bring(events(event(location="D1"), event(location="D2"), event("B"), event("B")))
    assert said(run) == [("file", 2, "duplicate"), ("file", 3, "duplicate")]
    assert run.problems.filter(notice=False)[0].message.startswith("A-1 stands on lines 2, 3 with different content.")
    assert noticed(run)["repeated"] == "1 row repeats an earlier one word for word and was used once."
    assert classes()[0][2] == "C2.01"


def test_an_id_that_could_be_several_people_is_not_guessed(world):
    world.lecturer("Other Person", number="L1")
    run = bring(events(event()))
    assert said(run) == [("file", 2, "several")]
    assert "Grace Hopper (900)" in run.problems.get(notice=False).message


def test_an_unknown_kind_is_shown_as_other_with_a_notice():
    run = bring(events(event(event_type="Colloquium")))
    assert only().kind == "other"
    assert noticed(run)["kind_unknown"].startswith("1 class is of a kind that Adsum does not know (Colloquium)")


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Föreläsning", Kind.LECTURE),
        ("Laboration", Kind.LAB),
        ("Övning", Kind.TUTORIAL),
        ("Handledning", Kind.SUPERVISION),
        ("Darlith", Kind.LECTURE),
        ("Gweithdy 2", Kind.WORKSHOP),
        ("CS201 Practical", Kind.LAB),
        ("Tentamen", Kind.EXAM),
        ("Colloquium", None),
        ("", None),
    ],
)
def test_kinds_are_known_in_the_languages_we_have_met(words: str, kind: Kind | None):
    assert kind_in(words) == kind


def test_a_class_that_has_begun_does_not_vanish():
    """A file that starts tomorrow says nothing of today's classes, held or not."""
    rows = [event(str(n), f"2026-10-{n:02}T09:00:00+01:00") for n in range(1, 11)]
    bring(events(*rows))
    later = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)
    assert bring(events(*rows[1:]), at=later).counts["class"] == {"unchanged": 9}
    assert not ClassSession.objects.exclude(suspect_since=None).exists()

"""The tables beside the event log: a term, each day, people who were erased, a university of before, and the command."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adsum.accounts.models import RoleGrant
from adsum.accounts.reconciliation import note_found
from adsum.accounts.rules import Role
from adsum.accounts.services import entry_of, replace_roles
from adsum.attendance.models import Mark, MarkChange
from adsum.attendance.reconciliation import compare_marks
from adsum.attendance.rules import Reason, Status
from adsum.audit import reconciliation as compare
from adsum.audit import services
from adsum.audit.encoding import Differs
from adsum.audit.looks import KEPT_FOR, forget_views, note_view, seal_looks
from adsum.audit.models import Alias, Event, LookSeal, Reconciliation
from adsum.audit.reconciliation import Compared
from adsum.audit.rules import Page
from adsum.audit.verification import verify
from adsum.messages.models import Message
from adsum.messages.telling import tell
from adsum.messages.topics import oversight
from adsum.messages.topics.registry import letter_of
from adsum.ops import health, jobs, reconciling
from adsum.ops.cli import main
from adsum.ops.reconciling import reconcile
from tests.kit.actions import DEEDS
from tests.kit.class_on import U
from tests.kit.log import BY, MINUTE, superuser
from tests.kit.term import DAY, LATER, NEW_STEP, Term, compared, first, stored
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db


@pytest.fixture
def term(world: World) -> Term:
    return Term(world)


def test_a_term_in_which_only_adsum_wrote_is_good(term: Term):
    assert verify().finding is None
    found = compared()
    assert found.difference is None
    assert found.counts == {
        "steps": MarkChange.objects.count(),
        "events": MarkChange.objects.count(),
        "marks": Mark.objects.count(),
        "roles": RoleGrant.objects.count(),
        "looks": 4,
    }


# Only what happened since


def test_daily_only_the_classes_of_the_day_are_compared(term: Term):
    since = compare.last_event(), MarkChange.objects.latest("pk").pk
    with superuser() as cursor:
        cursor.execute("UPDATE adsum_mark SET status = 'absent' WHERE id = %s", [term.mark_id(0)])
        assert compared(since=since).difference is None, "that is for the whole"
        term.mark(term.sessions[2], term.students[3], Status.PRESENT, LATER, reason_code=Reason.OTHER)
        found = compared(since=since)
        assert (found.difference, found.counts["marks"]) == (None, 5)
        cursor.execute(
            "UPDATE adsum_markchange SET source = 'scan' WHERE session_id = %s AND source = 'staff'", [term.sessions[2].pk]
        )
        assert compared(since=since).difference is not None


def test_a_step_without_an_event_brings_its_class_into_the_daily_comparison(term: Term):
    since = compare.last_event(), MarkChange.objects.latest("pk").pk
    with superuser() as cursor:
        values = [term.sessions[0].pk, term.students[0].pk, "present", "late", NINE, NINE, "0123456789abcdef"]
        cursor.execute(NEW_STEP, [stored(one) for one in values])
    assert compared(since=since).difference is not None


# People who were erased


def test_of_those_who_were_erased_rows_are_compared_without_saying_whose_they_are(term: Term):
    student = term.students[2]
    services.erase(student.pk, by=BY, at=LATER)
    services.erase(term.lecturer.pk, by=BY, at=LATER)
    services.forget_known()
    found = compared()
    assert found.difference is None
    assert found.counts["erased"] == 3 * 4 + 3, "four steps in each class, and three roles"
    services.alias_of(student.pk)  # named anew, as by a later event
    assert compared().difference is None
    with superuser() as cursor:
        cursor.execute("UPDATE adsum_markchange SET reason = 'x' WHERE id = %s", [term.step("amended")])
        assert first() == (Differs.UNRECORDED, "adsum_markchange", term.step("amended"))


def test_a_person_who_has_two_aliases_is_one(term: Term):
    Alias.objects.bulk_create([services._alias(term.students[0].pk)])
    services.forget_known()
    term.mark(term.sessions[2], term.students[0], Status.ABSENT, LATER, reason_code=Reason.OTHER)
    assert compared().difference is None


# A university of before


@contextmanager
def before_digests(term: Term) -> Iterator[Any]:
    """As the same term looks when it was written before there were digests, and the tables were then brought up to date."""
    with superuser() as cursor:
        for event in Event.objects.filter(detail__has_key="row"):
            detail = {name: value for name, value in event.detail.items() if name not in {"row", "by"}}
            Event.objects.filter(pk=event.pk).update(detail=detail)
        for event in Event.objects.filter(verb__startswith="role."):
            detail = {name: value for name, value in event.detail.items() if name != "source"}
            Event.objects.filter(pk=event.pk).update(detail=detail)
        MarkChange.objects.update(salt="")
        update = {"steps": MarkChange.objects.latest("pk").pk, "grants": RoleGrant.objects.latest("pk").pk}
        Event.objects.create(at=LATER, actor="system:upgrade", verb=compare.BEGIN, subject="log:record", detail=update)
        yield cursor


def test_what_was_there_before_is_compared_as_far_as_events_said_it(term: Term):
    with before_digests(term) as cursor:
        assert note_found(by=BY, at=LATER) == RoleGrant.objects.count()
        assert note_found(by=BY, at=LATER) == 0
        assert compared().difference is None
        cursor.execute("UPDATE adsum_markchange SET reason = 'x' WHERE id = %s", [term.step("amended")])
        assert compared().difference is None, "no event of before knows reasons"
        term.mark(term.sessions[2], term.students[3], Status.PRESENT, LATER, reason_code=Reason.OTHER)
        assert compared().difference is None
        cursor.execute("UPDATE adsum_markchange SET after = 'absent' WHERE id = %s", [term.step("scanned")])
        assert first() == (Differs.DIFFERENT, "adsum_markchange", term.step("scanned"))


def test_steps_of_before_that_never_had_an_event_are_counted_and_never_become_more(term: Term):
    with before_digests(term) as cursor:
        Event.objects.filter(subject=f"session:{term.sessions[0].pk}").delete()
        note_found(by=BY, at=LATER)
        found = compared()
        steps = MarkChange.objects.filter(session=term.sessions[0]).count()
        assert (found.difference, found.counts[compare.WITHOUT_EVENT]) == (None, steps)
        services.record_reconciliation(found, whole=True, last_event=1, last_step=1, seconds=1, by=BY, at=LATER)
        assert compared().difference is None
        cursor.execute("DELETE FROM adsum_markchange WHERE id = %s", [term.step("scanned")])
        cursor.execute("DELETE FROM adsum_mark WHERE id = %s", [term.mark_id(0)])
        assert first() == (Differs.LOST, "adsum_markchange", None), "this one had one"
        Event.objects.filter(subject=f"session:{term.sessions[1].pk}", verb="scan.accept").delete()
        Event.objects.filter(subject=f"session:{term.sessions[2].pk}", verb="scan.accept").delete()
        assert first() == (Differs.MISCOUNTED, "adsum_markchange", None)


def test_nobody_says_afterwards_that_all_this_was_before(term: Term):
    update = {"steps": 987_654, "grants": 987_654}
    Event.objects.create(at=LATER, actor="system:upgrade", verb=compare.BEGIN, subject="log:record", detail=update)
    RoleGrant.objects.create(person=term.students[0], role=Role.ADMINISTRATOR)
    assert compare.begin() is None
    assert note_found(by=BY, at=LATER) == 0
    assert compared().difference is not None


# Looks


def test_a_day_of_looks_is_sealed_once_when_it_is_over(term: Term):
    note_view(term.students[0].actor, Page.RECORD, viewer=term.lecturer.pk, role=Role.TUTOR, at=LATER)
    assert seal_looks(at=LATER) == 1, "the third day"
    assert seal_looks(at=LATER) == 0
    assert seal_looks(at=LATER + DAY) == 1
    assert list(LookSeal.objects.values_list("day", flat=True).order_by("day")) == [(NINE + n * DAY).date() for n in range(4)]
    assert compared().difference is None


def test_looks_that_are_forgotten_take_their_seal_with_them(term: Term):
    now = NINE + KEPT_FOR + DAY + 2 * MINUTE
    with superuser():
        assert forget_views(at=now) == 4
    assert not LookSeal.objects.filter(day__lt=(NINE + DAY).date()).exists()
    found = Compared()
    compare.compare_looks(found, whole=True, at=now)
    assert found.difference is None


# Whatever Adsum does is recorded; whatever else happens is not


@pytest.mark.parametrize("deed", sorted(DEEDS))
def test_after_every_action_the_record_agrees(world: World, deed: str):
    u = U(world)
    DEEDS[deed].make(u)()
    found = Compared()
    compare_marks(found, compare.who_is_who())
    assert found.difference is None


COLUMNS: dict[str, list[tuple[str, Any]]] = {
    "adsum_markchange": [("after", "authorised"), ("source", "import"), ("minutes_late", 77), ("reason", "x"), ("by_id", None)],
    "adsum_mark": [("status", "authorised"), ("source", "import"), ("minutes_late", 77)],
}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_row_altered_is_found_and_the_row_named(term: Term, data: st.DataObject):
    table = data.draw(st.sampled_from(sorted(COLUMNS)))
    column, value = data.draw(st.sampled_from(COLUMNS[table]))
    model: Any = MarkChange if table == "adsum_markchange" else Mark
    row = data.draw(st.sampled_from(list(model.objects.order_by("pk").values_list("pk", flat=True))))
    was = model.objects.filter(pk=row).values_list(column, flat=True).get()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET {column} = %s WHERE id = %s", [value, row])
        found = compared().difference
        assert (found is None) == (was == value)
        assert found is None or (found.table, found.row) == (table, row)
        transaction.set_rollback(True)


def test_roles_that_a_source_gives_and_takes_agree(term: Term):
    person = term.students[0]
    for roles in ([Role.TUTOR], [], [Role.TUTOR, Role.AUDITOR], [Role.AUDITOR], [Role.TUTOR]):
        replace_roles(person, [(role, None) for role in roles], source="sso:x", by=BY, at=NINE)
        assert compared().difference is None


# The command


def test_the_command_says_what_was_compared_and_keeps_it(term: Term, capsys: Any):
    assert main(["audit", "reconcile"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"Good: {Mark.objects.count()} marks, {MarkChange.objects.count()} steps of their history, ")
    with superuser() as cursor:
        cursor.execute("UPDATE adsum_mark SET minutes_late = 3 WHERE id = %s", [term.mark_id(0)])
    assert main(["audit", "reconcile"]) == 1
    assert capsys.readouterr().out.startswith(f"Row {term.mark_id(0)} of adsum_mark (session:")
    kept = list(Reconciliation.objects.order_by("pk").values_list("whole", "differs", "row"))
    assert kept == [(True, "", None), (True, "different", term.mark_id(0))]
    assert verify().finding is None


def test_the_check_and_the_letter_say_what_differs(term: Term):
    at = datetime.now(UTC)
    auditor = term.world.person(Role.AUDITOR)
    assert health._reconciled(at).state == health.State.UNWISE
    reconcile(at)
    assert health._reconciled(at).state == health.State.BAD, "the auditor's role was given past Adsum"
    tell(oversight.TOPIC, at=at)
    letter = Message.objects.get(person=auditor, kind=oversight.LOG)
    told = letter_of(letter.kind, letter.facts)
    grant = RoleGrant.objects.get(person=auditor)
    assert told.subject == "The record is not what the event log says"
    assert f"in roles a row has no event: row {grant.pk}, auditor." in told.opening
    tell(oversight.TOPIC, at=at)
    assert Message.objects.filter(person=auditor, kind=oversight.LOG).count() == 1
    services.record_all([entry_of(grant, "role.grant")], actor=BY, at=at)
    reconcile(at + MINUTE)
    assert health._reconciled(at + MINUTE).state == health.State.GOOD
    assert health._reconciled(at + 4 * DAY).state == health.State.UNWISE


def test_where_a_daily_comparison_begins(monkeypatch: pytest.MonkeyPatch):
    def kept(at: datetime, *, whole: bool = True, differs: str = "") -> None:
        Reconciliation.objects.create(
            at=at, by=BY, whole=whole, last_event=500, last_step=300, seconds=1, compared={}, differs=differs
        )

    assert reconciling.since_when(NINE) is None
    kept(NINE)
    assert reconciling.since_when(NINE + DAY) is None, "small"
    monkeypatch.setattr(reconciling, "SMALL", 400)
    assert reconciling.since_when(NINE + DAY) == (500, 300)
    kept(NINE + DAY, whole=False)
    assert reconciling.since_when(NINE + 2 * DAY) == (500, 300)
    assert reconciling.since_when(NINE + 7 * DAY) is None, "once a week"
    kept(NINE + 2 * DAY, differs=Differs.LOST)
    assert reconciling.since_when(NINE + 3 * DAY) is None, "until it is right again"


def test_the_worker_has_it_done_once_a_day(monkeypatch: pytest.MonkeyPatch, term: Term):
    begun: list[tuple[str, ...]] = []
    monkeypatch.setattr(jobs, "leave", lambda *words: begun.append(words))
    cache.clear()
    assert jobs.reconcile_the_record()
    assert begun == [("audit", "reconcile", "--recent")]
    assert not jobs.reconcile_the_record(), "it is still at it"
    cache.clear()
    fields = {"by": "system:reconciliation", "whole": True, "last_event": 1, "seconds": 1}
    Reconciliation.objects.create(at=datetime.now(UTC) - timedelta(hours=21), **fields)
    assert jobs.reconcile_the_record()
    cache.clear()
    Reconciliation.objects.create(at=datetime.now(UTC), **fields)
    assert not jobs.reconcile_the_record()


def test_every_difference_has_words():
    assert set(oversight.DIFFERS) == set(reconciling.WORDS) == set(Differs)

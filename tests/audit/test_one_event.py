"""T-AUD-1: every change leaves exactly one event, of the right actor, in its own transaction. Every public verb of every
service has a row here, or a reason why it leaves none; one without either fails."""

import ast
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import DatabaseError, connection

from adsum.audit import services as audit
from adsum.audit.models import Event
from tests.kit.actions import AGAIN, DEEDS
from tests.kit.class_on import U
from tests.kit.tables import everything
from tests.kit.world import World

pytestmark = pytest.mark.django_db
ADSUM = Path(__file__).resolve().parents[2] / "adsum"
BESIDE = (
    "audit/following.py",
    "absence/decisions.py",
    "absence/evidence.py",
    "absence/terms.py",
    "accounts/applications.py",
    "accounts/identities.py",
    "accounts/second_factors.py",
    "attendance/adjustments.py",
    "attendance/amendments.py",
    "attendance/catching_up.py",
    "attendance/contradictions.py",
    "attendance/closing.py",
    "attendance/foreseen.py",
    "attendance/marks.py",
    "attendance/outages.py",
    "attendance/proposals.py",
    "attendance/policies.py",
    "attendance/queries.py",
    "audit/looks.py",
    "attendance/guest_attendance.py",
    "attendance/reported.py",
    "checkin/checks.py",
    "checkin/held.py",
    "checkin/kiosks.py",
    "checkin/pairing.py",
    "checkin/known.py",
    "timetable/changes.py",
    "accounts/erasing.py",
    "attendance/erasing.py",
    "privacy/erasing.py",
    "privacy/holds.py",
    "privacy/retention.py",
)
"""Files beside a services.py whose functions write, too."""


OWN_TESTS = {
    "absence.decide_together": "tests/absence/test_requests.py",
    "absence.dispose": "tests/absence/test_requests.py",
    "audit.seal_looks": "tests/audit/test_reconciliation.py",
    "audit.record_reconciliation": "tests/audit/test_reconciliation.py",
    "accounts.add": "tests/accounts/test_applications.py",
    "accounts.change": "tests/accounts/test_applications.py",
    "accounts.end": "tests/accounts/test_applications.py",
    "accounts.make_token": "tests/accounts/test_applications.py",
    "accounts.end_token": "tests/accounts/test_applications.py",
    "accounts.give_access": "tests/accounts/test_applications.py",
    "accounts.end_sign_in": "tests/web/test_sign_ins.py",
    "accounts.change_role_dates": "tests/web/test_people.py",
    "accounts.break_glass": "tests/audit/test_access_log.py",
    "accounts.note_break_glass_seen": "tests/audit/test_access_log.py",
    "accounts.replace_roles": "tests/integrations/sign_in/test_arrival.py",
    "accounts.add_passkey": "tests/integrations/sign_in/test_passkeys.py",
    "accounts.remove_passkey": "tests/integrations/sign_in/test_passkeys.py",
    "accounts.use_passkey": "tests/integrations/sign_in/test_passkeys.py",
    "attendance.reopen_registers": "tests/attendance/test_closing.py",
    "attendance.settle_undone": "tests/attendance/test_closing.py",
    "attendance.explain_register": "tests/attendance/test_closing.py",
    "attendance.take_back_unexpected": "tests/integrations/imports/test_enrolments.py",
    "checkin.forget": "tests/checkin/test_known.py",
    "checkin.remember_for": "tests/checkin/test_known.py",
    "checkin.tend_checks": "tests/checkin/test_checks.py",
    "checkin.close_classes": "tests/attendance/test_closing.py",
    "checkin.uphold_together": "tests/checkin/test_held.py",
    "checkin.retire_key": "tests/accounts/test_switches.py",
    "checkin.count_late_codes": "tests/checkin/test_limits.py",
    "attendance.uphold_together": "tests/attendance/test_queries.py",
    "checkin.follow_timetable": "tests/timetable/test_class_changes.py",
    "audit.erase_all": "tests/privacy/test_retention.py",
    "absence.empty": "tests/privacy/test_erasure.py",
    "privacy.propose": "tests/privacy/test_erasure.py",
    "privacy.approve": "tests/privacy/test_erasure.py",
    "privacy.decline": "tests/privacy/test_erasure.py",
    "privacy.carry_out": "tests/privacy/test_retention.py",
    "privacy.decide": "tests/privacy/test_retention.py",
    "privacy.hold": "tests/privacy/test_erasure.py",
    "privacy.release": "tests/privacy/test_erasure.py",
    "timetable.write": "tests/integrations/imports/test_oneroster.py",
    "timetable.change_class": "tests/timetable/test_class_changes.py",
    "timetable.add_class": "tests/timetable/test_class_changes.py",
    "timetable.confirm_report": "tests/timetable/test_class_changes.py",
    "timetable.undo_report": "tests/timetable/test_class_changes.py",
    "timetable.save_poll": "tests/integrations/imports/test_feeds.py",
    "timetable.mark_stale": "tests/integrations/imports/test_feeds.py",
}
"""Verbs whose events are asserted where the whole story of the verb is told."""

NO_EVENT = {
    "accounts.known": "reads",
    "audit.look": "reads what one has not read yet",
    "accounts.scopes_now": "reads",
    "accounts.is_account_of_one": "reads",
    "accounts.answerable_for": "reads",
    "accounts.name_taken": "reads",
    "accounts.count_calls": "how often applications called; the log of the server has each call",
    "accounts.forget_tokens": "tokens that were over long ago",
    "accounts.note_seen": "when a sign-in was last used, for its owner",
    "accounts.last_seen": "reads",
    "checkin.hear_display": "that a screen is alive: nothing anybody did",
    "accounts.note_provider_session": "how a provider ends a sign-in later",
    "accounts.note_used": "when a linked identity last signed in, for its owner and administrators",
    "accounts.use_once": "a message of an identity provider, or a state, is used once; the sign-in is not a change",
    "accounts.matching_step": "reads",
    "accounts.empty_people": "a part of ending what is over, which has its event and its certificate",
    "accounts.stand_ins": "the same",
    "accounts.end_sign_ins": "a part of closing an account, of a new password, or of an erasure, which have their event",
    "attendance.empty_reasons": "a part of ending what is over, which has its event and its certificate",
    "privacy.end_short_lives": "calls verbs that have theirs",
    "privacy.preview": "reads",
    "privacy.counted": "reads",
    "privacy.rehearse": "reads",
    "privacy.digest_of": "computes",
    "privacy.wipe": "what was overwritten before, which has its event",
    "timetable.forget_imports": "the retention of what files said; a file that is discarded by it has its event",
    "accounts.forget_sign_ins": "the retention of sign-ins that are over; nothing of the university's changes",
    "absence.foretell": "reads",
    "absence.locked": "reads and holds",
    "absence.movable": "reads",
    "absence.limits_on": "reads",
    "absence.categories": "reads",
    "absence.note": "is the event",
    "absence.due_again": "a part of keeping evidence that was asked for",
    "accounts.has_second_step": "reads",
    "accounts.kept_of": "reads",
    "accounts.spelled": "reads",
    "attendance.write_marks": "a part of the verbs that mark; it writes their events",
    "attendance.restore_marks": "a part of taking back; it writes its events",
    "attendance.follow": "a part of marking; a correction is derived from a change and a report, which have their events",
    "attendance.follow_scans": "the same",
    "attendance.note_corrections": "the same",
    "attendance.sweep_corrections": "the same",
    "attendance.earliest_day": "computes",
    "attendance.take_back": "a part of undoing, and of taking back at a kiosk",
    "attendance.given_to": "reads",
    "attendance.attention": "reads",
    "attendance.find_contradictions": "derives a list; what it rests on has its events",
    "attendance.catch_ups": "reads",
    "attendance.catch_ups_for": "reads",
    "attendance.settle": "a part of answering a query, and of accepting the scan it is about",
    "attendance.own_class": "reads",
    "attendance.entry_of": "computes the event that its caller records",
    "attendance.undoable": "reads",
    "attendance.waiting": "reads and holds",
    "attendance.decide": "a part of confirming and declining",
    "attendance.policies": "reads",
    "attendance.terms_of": "reads",
    "attendance.window_of": "reads",
    "attendance.because_of": "a part of closing a register",
    "attendance.preview_outage": "writes nothing that stays",
    "attendance.preview_withdrawal": "reads",
    "attendance.preview_period": "writes nothing",
    "audit.record": "is the event",
    "audit.record_all": "is the event",
    "audit.aliases": "how an event names somebody",
    "audit.alias_of": "how an event names somebody",
    "audit.take_up": "how far a reader has read: nothing anybody answers for",
    "audit.warm": "memory of this process",
    "audit.forget_known": "memory of this process",
    "audit.may_erase": "reads",
    "audit.seal": "the place of an event in the tree; the tree itself proves it",
    "audit.note_view": "reading is in the access log",
    "audit.note_views": "reading is in the access log",
    "audit.forget_views": "the access log's retention",
    "audit.keep_report": "derived from the access log",
    "accounts.entry_of": "computes the event that its caller records",
    "checkin.rosters_changed": "a version number for gates",
    "checkin.is_shut": "reads",
    "checkin.check_moment": "computes",
    "checkin.outages_changed": "a version number for gates",
    "checkin.waiting_pairing": "reads and holds",
    "checkin.next_epoch": "a part of new codes, a new pace and a second check, which have their event",
    "checkin.display_fingerprint": "computes",
    "checkin.forget_pairings": "screens that waited in vain",
    "checkin.begin_pairing": "a screen waits, nobody has agreed yet; confirming it has its event",
    "checkin.know": "a sign-in, which is no change of the university's data",
    "checkin.end_pages": "a part of ending a sign-in, which has its event",
    "checkin.opened": "a page is opened with a sign-in",
    "checkin.leave": "a part of signing in; whoever is forgotten by it has an event",
    "checkin.note_used": "when a known browser was last used, for its owner",
    "checkin.known_for_days": "reads",
    "checkin.known_of": "reads",
    "checkin.signed_in_as": "reads",
    "checkin.remembered_as": "reads",
    "checkin.revoke_all": "a part of removing a provider, which has its event",
    "checkin.revoke_passes": "a part of ending a sign-in, which has its event, or of signing out",
    "checkin.spend_try": "counts tries; the accepted or refused scan has its event",
    "checkin.forgive_tries": "counts tries; the accepted or refused scan has its event",
    "timetable.facts_json": "computes",
    "timetable.read_feeds_afresh": "a part of applying an import, which has its events; it changes nothing but what is asked",
    "timetable.calendar_secret": "reads",
    "timetable.write_classes": "a part of the verbs that change classes; it returns their events",
    "timetable.facts_of": "reads",
    "timetable.class_facts": "computes",
    "timetable.rooms_called": "reads",
    "timetable.move_import": "progress of an import; its start and its end have events",
    "timetable.show_progress": "progress of an import",
    "timetable.save_diff": "what an import would do, for a person to read; nothing is applied",
    "timetable.stop_import": "progress of an import; nothing is applied",
    "timetable.claim_feed": "progress of asking a feed",
}
"""Functions that change nothing somebody answers for, each with its reason."""


def verbs() -> Iterator[str]:
    """Every public function of every services.py, and of the files beside."""
    for path in [*sorted(ADSUM.glob("*/services.py")), *(ADSUM / beside for beside in BESIDE)]:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                yield f"{path.parent.name}.{node.name}"


def test_every_verb_has_a_row():
    known = {name.partition(",")[0] for name in DEEDS} | OWN_TESTS.keys() | NO_EVENT.keys()
    found = set(verbs())
    assert {name for name in found if not name.startswith(ELSEWHERE)} == known
    assert found - known <= {name for name in found if name.startswith(ELSEWHERE)}


ELSEWHERE = ("messages.",)
"""Letters have a table of their own in tests/messages/test_messages.py."""


def test_tests_that_are_named_are_there():
    root = ADSUM.parent
    for name, path in OWN_TESTS.items():
        text = (root / path).read_text()
        assert "Event" in text or "events" in text, name


@pytest.mark.parametrize("name", DEEDS)
def test_it_leaves_exactly_these_events(world: World, name: str):
    deed, u = DEEDS[name], U(world)
    act = deed.make(u)
    before = Event.objects.count()
    act()
    left = list(Event.objects.order_by("pk")[before:])
    assert [event.verb for event in left] == deed.leaves
    actor = deed.by if ":" in deed.by else audit.alias_of(getattr(u, deed.by).pk)
    assert {event.actor for event in left} == {actor}
    written = json.dumps(list(Event.objects.values("actor", "verb", "subject", "detail")))
    assert not re.search(r"98765432[12]|person:[0-9]+\"", written), "nobody is named by their number"


@contextmanager
def no_event_can_be_written() -> Iterator[None]:
    """The database refuses every event."""
    with connection.cursor() as cursor:
        on = "ON adsum_event" if connection.vendor == "postgresql" else ""
        body = (
            "FOR EACH ROW EXECUTE FUNCTION adsum_append_only()"
            if connection.vendor == "postgresql"
            else "BEGIN SELECT RAISE(ABORT, 'no events today'); END"
        )
        cursor.execute(f"CREATE TRIGGER no_event BEFORE INSERT ON adsum_event {body}")
        try:
            yield
        finally:
            cursor.execute(f"DROP TRIGGER no_event {on}")


@pytest.mark.parametrize("name", [name for name in DEEDS if name != "audit.publish"])
def test_without_its_event_nothing_is_changed(world: World, name: str):
    """They are one transaction: when the event cannot be written, the change is not made either."""
    act = DEEDS[name].make(U(world))
    with no_event_can_be_written():
        before = everything()
        with pytest.raises(DatabaseError):
            act()
        assert {table for table, state in everything().items() if state != before[table]} == set()


@pytest.mark.parametrize("name", AGAIN)
def test_doing_it_again_changes_nothing_and_leaves_no_event(world: World, name: str):
    act = DEEDS[name].make(U(world))
    act()
    before, events = everything(), Event.objects.count()
    act()
    assert Event.objects.count() == events
    changed = {table for table, state in everything().items() if state != before[table]}
    assert changed <= {"adsum.Generation"}, "imports may plan once more than they had to"


PLANNED = {
    "adsum.Department",
    "adsum.Person",
    "adsum.Identifier",
    "adsum.RoleGrant",
    "adsum.Term",
    "adsum.Course",
    "adsum.Module",
    "adsum.Group",
    "adsum.ModuleLeader",
    "adsum.Enrolment",
    "adsum.Place",
    "adsum.GroupStaff",
    "adsum.Room",
    "adsum.ClassSession",
    "adsum.Teaching",
    "adsum.ClassReport",
}
"""What imports compare a file with."""
NOT_PLANNED = {
    "accounts.set_password": "no file says anything of a password",
    "accounts.set_answers_to": "no file says where answers go",
}


@pytest.mark.parametrize("name", DEEDS)
def test_what_imports_plan_with_is_never_changed_without_a_new_generation(world: World, name: str):
    act = DEEDS[name].make(U(world))
    before = everything()
    act()
    changed = {table for table, state in everything().items() if state != before[table]}
    if changed & PLANNED and name.partition(",")[0] not in NOT_PLANNED:
        assert "adsum.Generation" in changed

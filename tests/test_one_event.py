"""T-AUD-1: every change leaves exactly one event, of the right actor, in its own transaction. Every public verb of every
service has a row here, or a reason why it leaves none; one without either fails."""

import ast
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import generate_totp_secret
from allauth.socialaccount.models import SocialApp
from django.db import DatabaseError, connection

from adsum.accounts import services as accounts
from adsum.accounts.models import RoleGrant
from adsum.accounts.rules import Role
from adsum.attendance import services as attendance
from adsum.attendance.closing import close_register
from adsum.attendance.outages import declare_outage, end_outage
from adsum.attendance.rules import Reason, Status
from adsum.audit import services as audit
from adsum.audit.models import Event
from adsum.checkin import services as checkin
from adsum.checkin.models import Scan
from adsum.checkin.rules import AlarmKind, Refusal
from adsum.checkin.writer import record_scans
from adsum.timetable import services as timetable
from adsum.timetable.rules import ImportState
from tests.test_checkin_writer import attempt
from tests.test_doors import everything
from tests.world import NINE, World

pytestmark = pytest.mark.django_db
ADSUM = Path(__file__).resolve().parent.parent / "adsum"
BESIDE = ("attendance/closing.py", "attendance/outages.py", "timetable/changes.py")
"""Files beside a services.py whose functions write, too."""
BY = "system:test"


class U:
    """A class that is on, its lecturer, two students, and a colleague."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.group = world.group()
        self.lecturer, self.colleague = world.lecturer(), world.lecturer()
        # Numbers that are like no other, so that an event that names somebody by theirs is seen.
        self.alice = world.student(pk=987_654_321, groups=[self.group])
        self.bob = world.student(pk=987_654_322, groups=[self.group])
        self.session = world.session(self.group, staff=[self.lecturer])

    @property
    def opening(self) -> Any:
        return checkin.open_checkin(self.session, by=self.lecturer, at=NINE)

    def held(self) -> Any:
        given = attempt(self.opening, self.world.student(), verdict=Refusal.NOT_EXPECTED)
        record_scans([given])
        return Scan.objects.get(ref=given.ref)

    def marked(self) -> Any:
        return attendance.mark_students(self.session, [self.alice], Status.PRESENT, by=self.lecturer, at=NINE)

    def paused(self) -> Any:
        return checkin.freeze(by=BY, at=NINE, reason="Fire")

    def query(self) -> Any:
        return attendance.raise_query(self.session, self.alice, at=NINE, text="I was there")

    def run(self) -> Any:
        return timetable.start_import(kind="events", filename="a.csv", content=b"", options={}, actor=BY, at=NINE)


@dataclass(frozen=True)
class Deed:
    """What is done (after what was made ready), and the events it leaves, in order, by whom."""

    make: Callable[[U], Callable[[], Any]]
    leaves: list[str]
    by: str = BY
    """An actor, or the name of one of U's people."""


def grant(u: U) -> RoleGrant:
    return accounts.grant_role(u.alice, Role.TUTOR, by=BY, at=NINE)


def app(u: U) -> SocialApp:
    made = SocialApp(provider="openid_connect", provider_id="uni", name="Uni", client_id="x")
    accounts.save_provider(made, by=BY, at=NINE)
    return made


def totp(u: U) -> list[str]:
    return accounts.enable_totp(u.alice, str(generate_totp_secret()), step=1, by=BY, at=NINE)


def display(u: U) -> Any:
    return checkin.add_display(u.opening, by=u.lecturer, at=NINE).display


def after(ready: Any, deed: Callable[[], Any]) -> Callable[[], Any]:
    """The deed, once something was made ready."""
    return deed


def paired(u: U) -> Callable[[], Any]:
    opening, pairing = u.opening, checkin.begin_pairing(at=NINE).pairing
    return lambda: checkin.confirm_pairing(pairing.code, opening, by=u.lecturer, at=NINE)


def cancelled(u: U) -> Callable[[], Any]:
    return lambda: timetable.cancel_class(u.session, at=NINE, actor=BY)


def kept(u: U) -> Callable[[], Any]:
    type(u.session).objects.filter(pk=u.session.pk).update(suspect_since=NINE)
    return lambda: timetable.keep_class(u.session, at=NINE, actor=BY)


def with_(thing: Any, deed: Callable[[Any], Any]) -> Callable[[], Any]:
    return lambda: deed(thing)


NEW: dict[str, Any] = {"username": "new@uni.example", "family_name": "New", "by": BY, "at": NINE}
AMEND = {"at": NINE, "reason_code": Reason.SEEN_IN_CLASS}
PASSWORD = "correct horse battery"

DEEDS: dict[str, Deed] = {
    "accounts.create_person": Deed(lambda u: lambda: accounts.create_person(**NEW), ["person.create"]),
    "accounts.update_person": Deed(
        lambda u: lambda: accounts.update_person(u.alice, given_name="Al", by=BY, at=NINE),
        ["person.change"],
    ),
    "accounts.close_account": Deed(lambda u: lambda: accounts.close_account(u.alice, by=BY, at=NINE), ["person.close"]),
    "accounts.reopen_account": Deed(lambda u: lambda: accounts.reopen_account(u.alice, by=BY, at=NINE), ["person.reopen"]),
    "accounts.set_password": Deed(
        lambda u: lambda: accounts.set_password(u.alice, PASSWORD, by=BY, at=NINE),
        ["person.password"],
    ),
    "accounts.add_identifier": Deed(
        lambda u: lambda: accounts.add_identifier(u.alice, system="s", kind="card", value="1", by=BY, at=NINE),
        ["person.identifier"],
    ),
    "accounts.grant_role": Deed(lambda u: lambda: grant(u), ["role.grant"]),
    "accounts.end_role": Deed(
        lambda u: with_(grant(u), lambda g: accounts.end_role(g, last_day=NINE.date(), by=BY, at=NINE)), ["role.end"]
    ),
    "accounts.link_identity": Deed(
        lambda u: lambda: accounts.link_identity(u.alice, provider="uni", subject="1", issuer="i", by=BY, at=NINE),
        ["person.link"],
    ),
    "accounts.save_provider": Deed(lambda u: lambda: app(u), ["provider.save"]),
    "accounts.remove_provider": Deed(
        lambda u: with_(app(u), lambda a: accounts.remove_provider(a, by=BY, at=NINE)), ["provider.remove"]
    ),
    "accounts.enable_totp": Deed(lambda u: lambda: totp(u), ["person.totp"]),
    "accounts.disable_totp": Deed(
        lambda u: with_(totp(u), lambda _: accounts.disable_totp(u.alice, by=BY, at=NINE)), ["person.totp_removed"]
    ),
    "accounts.disable_second_step": Deed(
        lambda u: with_(totp(u), lambda _: accounts.disable_second_step(u.alice, by=BY, at=NINE)),
        ["person.second_step_removed"],
    ),
    "accounts.new_recovery_codes": Deed(
        lambda u: with_(totp(u), lambda _: accounts.new_recovery_codes(u.alice, by=BY, at=NINE)), ["person.recovery_codes"]
    ),
    "accounts.use_code": Deed(
        lambda u: with_(totp(u), lambda codes: accounts.use_code(u.alice, codes[0], at=NINE)), ["person.recovery_code"], "alice"
    ),
    # One mark, one event: three hundred marks at once are three hundred changes
    "attendance.mark_students": Deed(
        lambda u: lambda: attendance.mark_students(u.session, [u.alice, u.bob], Status.PRESENT, by=u.lecturer, at=NINE),
        ["mark.amend", "mark.amend"], "lecturer",
    ),
    "attendance.mark_rest_absent": Deed(
        lambda u: lambda: attendance.mark_rest_absent(u.session, by=u.lecturer, at=NINE),
        ["mark.rest_absent", "mark.rest_absent"], "lecturer",
    ),
    "attendance.count_heads": Deed(
        lambda u: lambda: attendance.count_heads(u.session, 3, by=u.lecturer, at=NINE), ["register.headcount"], "lecturer"
    ),
    "attendance.raise_query": Deed(lambda u: u.query, ["query.raise"], "alice"),
    "attendance.answer_query": Deed(
        lambda u: with_(u.query(), lambda q: attendance.answer_query(q, by=u.lecturer, at=NINE, reason="No")),
        ["query.declined"], "lecturer",
    ),
    # Two changes: the answer, and the mark it makes
    "attendance.answer_query, upheld": Deed(
        lambda u: with_(
            u.query(), lambda q: attendance.answer_query(q, by=u.lecturer, at=NINE, reason="Yes", status=Status.PRESENT)
        ),
        ["mark.amend", "query.upheld"], "lecturer",
    ),
    "attendance.withdraw_mark": Deed(
        lambda u: with_(u.marked()[0], lambda m: attendance.withdraw_mark(m, by=u.lecturer, at=NINE)),
        ["mark.withdraw"], "lecturer",
    ),
    "attendance.close_register": Deed(
        lambda u: with_(u.marked(), lambda _: close_register(u.session, at=NINE)),
        ["mark.close", "register.close"], "system:close",
    ),
    "attendance.declare_outage": Deed(
        lambda u: lambda: declare_outage(by=u.lecturer, at=NINE, starts_at=NINE, ends_at=None, reason="Fire"),
        ["outage.declare"], "lecturer",
    ),
    "attendance.end_outage": Deed(
        lambda u: with_(
            declare_outage(by=u.lecturer, at=NINE, starts_at=NINE, ends_at=None, reason="Fire"),
            lambda o: end_outage(o, by=u.lecturer, at=NINE + timedelta(minutes=1)),
        ),
        ["outage.end"], "lecturer",
    ),
    "checkin.open_checkin": Deed(lambda u: lambda: u.opening, ["checkin.open"], "lecturer"),
    "checkin.begin_epoch": Deed(
        lambda u: with_(u.opening, lambda o: checkin.begin_epoch(o, by=u.lecturer, at=NINE, pace="brisk")),
        ["checkin.pace"], "lecturer",
    ),
    "checkin.stop_checkin": Deed(
        lambda u: with_(u.opening, lambda o: checkin.stop_checkin(o, by=u.lecturer, at=NINE)), ["checkin.stop"], "lecturer"
    ),
    "checkin.add_display": Deed(
        lambda u: with_(u.opening, lambda o: checkin.add_display(o, by=u.lecturer, at=NINE)), ["display.open"], "lecturer"
    ),
    "checkin.revoke_display": Deed(
        lambda u: with_(display(u), lambda d: checkin.revoke_display(d, by=u.lecturer, at=NINE)), ["display.revoke"], "lecturer"
    ),
    "checkin.confirm_pairing": Deed(paired, ["display.open"], "lecturer"),
    "checkin.decide_held": Deed(
        lambda u: with_(u.held(), lambda s: checkin.decide_held(s, accept=False, by=u.lecturer, at=NINE)),
        ["held.decline"], "lecturer",
    ),
    # Two changes for each scan: the decision, and the mark
    "checkin.accept_all_held": Deed(
        lambda u: after(u.held(), lambda: checkin.accept_all_held(u.session, by=u.lecturer, at=NINE)),
        ["held.accept", "mark.amend"], "lecturer",
    ),
    "checkin.freeze": Deed(lambda u: lambda: checkin.freeze(by=BY, at=NINE, reason="Fire"), ["gate.freeze"]),
    "checkin.unfreeze": Deed(
        lambda u: with_(u.paused(), lambda _: checkin.unfreeze(by=BY, at=NINE)),
        ["gate.unfreeze"],
    ),
    "checkin.raise_alarm": Deed(
        lambda u: lambda: checkin.raise_alarm(AlarmKind.CLOCK, None, "node: 300 ms", at=NINE),
        ["gate.alarm_clock"], "system:gate",
    ),
    "checkin.sign_out_everywhere": Deed(
        lambda u: lambda: checkin.sign_out_everywhere(u.alice, by=BY, at=NINE), ["person.signed_out"]
    ),
    "checkin.query_attempt": Deed(
        lambda u: lambda: checkin.query_attempt(u.session.pk, u.alice.pk, at=NINE, evidence={"scan": "x"}),
        ["query.raise"], "alice",
    ),
    "checkin.query_mark": Deed(lambda u: lambda: checkin.query_mark(u.session, u.alice, at=NINE), ["query.raise"], "alice"),
    "timetable.renew_calendar": Deed(lambda u: lambda: timetable.renew_calendar(u.alice, at=NINE), ["calendar.renew"], "alice"),
    "timetable.remove_calendar": Deed(
        lambda u: with_(timetable.renew_calendar(u.alice, at=NINE), lambda _: timetable.remove_calendar(u.alice, at=NINE)),
        ["calendar.remove"], "alice",
    ),
    "timetable.cancel_class": Deed(cancelled, ["class.cancelled"]),
    "timetable.keep_class": Deed(kept, ["class.restored"]),
    "timetable.start_import": Deed(lambda u: u.run, ["import.start"]),
    "timetable.finish_import": Deed(
        lambda u: with_(u.run(), lambda r: timetable.finish_import(r, ImportState.DISCARDED, at=NINE, actor=BY)),
        ["import.discarded"],
    ),
    "timetable.save_mapping": Deed(
        lambda u: lambda: timetable.save_mapping(name="f", url="http://x.example/", mapping={}, actor=BY, at=NINE),
        ["feed.save"],
    ),
    "audit.erase": Deed(
        lambda u: with_(audit.alias_of(u.alice.pk), lambda _: audit.erase(u.alice.pk, by=BY, at=NINE)), ["alias.erase"]
    ),
    "audit.reseal": Deed(lambda u: lambda: audit.reseal(by=BY, at=NINE), ["alias.reseal"]),
    "audit.audit_rotation": Deed(lambda u: lambda: audit.audit_rotation("c2", by=BY, at=NINE), ["audit.new_key"]),
    "audit.publish": Deed(
        lambda u: with_(u.run(), lambda _: audit.publish(by=BY, at=NINE)),
        ["checkpoint.publish"],
    ),
    "audit.record_verification": Deed(
        lambda u: lambda: audit.record_verification(None, size=0, outside=0, by=BY, at=NINE), ["audit.verify"]
    ),
}  # fmt: skip

OWN_TESTS = {
    "accounts.end_sign_in": "tests/test_sign_ins.py",
    "accounts.change_role_dates": "tests/web/test_people.py",
    "accounts.break_glass": "tests/test_access_log.py",
    "accounts.note_break_glass_seen": "tests/test_access_log.py",
    "accounts.replace_roles": "tests/test_signin_arrival.py",
    "accounts.add_passkey": "tests/test_signin_passkeys.py",
    "accounts.remove_passkey": "tests/test_signin_passkeys.py",
    "accounts.use_passkey": "tests/test_signin_passkeys.py",
    "attendance.close_registers": "tests/test_closing.py",
    "attendance.enter_marks": "tests/test_sheets.py",
    "attendance.explain_register": "tests/test_closing.py",
    "checkin.close_classes": "tests/test_closing.py",
    "checkin.retire_key": "tests/test_switches.py",
    "checkin.count_late_codes": "tests/test_limits.py",
    "attendance.uphold_together": "tests/test_queries.py",
    "checkin.follow_timetable": "tests/test_class_changes.py",
    "timetable.write": "tests/test_imports_oneroster.py",
    "timetable.change_class": "tests/test_class_changes.py",
    "timetable.add_class": "tests/test_class_changes.py",
    "timetable.confirm_report": "tests/test_class_changes.py",
    "timetable.undo_report": "tests/test_class_changes.py",
    "timetable.save_poll": "tests/test_polling.py",
    "timetable.mark_stale": "tests/test_polling.py",
}
"""Verbs whose events are asserted where the whole story of the verb is told."""

NO_EVENT = {
    "accounts.end_sign_ins": "a part of closing an account or of a new password, which have their event",
    "accounts.note_seen": "when a sign-in was last used, for its owner",
    "accounts.use_assertion": "an identity provider's message is used once; the sign-in is not a change",
    "accounts.matching_step": "reads",
    "accounts.has_second_step": "reads",
    "attendance.write_marks": "a part of the verbs that mark; it writes their events",
    "attendance.because_of": "a part of closing a register",
    "attendance.preview_outage": "writes nothing that stays",
    "audit.record": "is the event",
    "audit.record_all": "is the event",
    "audit.aliases": "how an event names somebody",
    "audit.alias_of": "how an event names somebody",
    "audit.warm": "memory of this process",
    "audit.forget_known": "memory of this process",
    "audit.seal": "the place of an event in the tree; the tree itself proves it",
    "audit.note_view": "reading is in the access log",
    "audit.forget_views": "the access log's retention",
    "audit.keep_report": "derived from the access log",
    "checkin.rosters_changed": "a version number for gates",
    "checkin.outages_changed": "a version number for gates",
    "checkin.window_of": "reads",
    "checkin.waiting_pairing": "reads and holds",
    "checkin.next_epoch": "a part of new codes, a new pace and a second check, which have their event",
    "checkin.display_fingerprint": "computes",
    "checkin.begin_pairing": "a screen waits, nobody has agreed yet; confirming it has its event",
    "checkin.revoke_passes": "a part of ending a sign-in, which has its event, or of signing out",
    "checkin.spend_try": "counts tries; the accepted or refused scan has its event",
    "checkin.forgive_tries": "counts tries; the accepted or refused scan has its event",
    "timetable.facts_json": "computes",
    "timetable.calendar_secret": "reads",
    "timetable.write_classes": "a part of the verbs that change classes; it returns their events",
    "timetable.facts_of": "reads",
    "timetable.class_facts": "computes",
    "timetable.rooms_called": "reads",
    "timetable.move_import": "progress of an import; its start and its end have events",
    "timetable.show_progress": "progress of an import",
    "timetable.save_diff": "what an import would do, for a person to read; nothing is applied",
    "timetable.stop_import": "progress of an import; nothing is applied",
    "timetable.lock_imports": "locks",
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


ELSEWHERE = ("engagement.",)
"""Letters have a table of their own in tests/test_messages.py."""


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


def test_nothing_that_changes_nothing_leaves_an_event(world: World):
    u = U(world)
    accounts.update_person(u.alice, given_name="Al", by=BY, at=NINE)
    u.marked()
    before = Event.objects.count()
    accounts.update_person(u.alice, given_name="Al", by=BY, at=NINE)
    u.marked()
    checkin.unfreeze(by=BY, at=NINE)
    assert Event.objects.count() == before

"""The table of deeds: each public verb of the services done once, and the events it leaves. Read by test_one_event.py."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from allauth.socialaccount.models import SocialAccount, SocialApp

from adsum.accounts import identities, second_factors
from adsum.accounts import services as accounts
from adsum.accounts.models import RoleGrant
from adsum.accounts.rules import Role
from adsum.attendance import policies, queries, reported
from adsum.attendance import services as attendance
from adsum.attendance.adjustments import end_adjustment
from adsum.attendance.ahead import Origin
from adsum.attendance.catching_up import leave_catch_up
from adsum.attendance.closing import close_registers
from adsum.attendance.contradictions import note_contradiction
from adsum.attendance.foreseen import foresee
from adsum.attendance.outages import declare_outage, end_outage, withdraw_outage
from adsum.attendance.rules import Reason, Source, Status
from adsum.attendance.weighing import Entry
from adsum.audit import services as audit
from adsum.checkin import checks, kiosks
from adsum.checkin import services as checkin
from adsum.checkin.pairing import begin_pairing, confirm_pairing
from adsum.checkin.rules import AlarmKind, Called
from adsum.checkin.slowness import Sign, Slow
from adsum.timetable import services as timetable
from adsum.timetable.rules import ImportState
from tests.kit import marking
from tests.kit.absences import ABSENCES
from tests.kit.class_on import BY, U
from tests.kit.deed import Deed, with_
from tests.kit.signing_in import new_secret
from tests.kit.world import NINE


def grant(u: U) -> RoleGrant:
    return accounts.grant_role(u.alice, Role.TUTOR, by=BY, at=NINE)


def app(u: U) -> SocialApp:
    made = SocialApp(provider="openid_connect", provider_id="uni", name="Uni", client_id="x")
    identities.save_provider(made, by=BY, at=NINE)
    return made


def identity(u: U) -> SocialAccount:
    identities.link_identity(u.alice, provider="uni", subject="1", issuer="i", by=BY, at=NINE)
    return SocialAccount.objects.get()


def totp(u: U) -> list[str]:
    return second_factors.enable_totp(u.alice, new_secret(), step=1, by=BY, at=NINE)


def display(u: U) -> Any:
    return checkin.add_display(u.opening, by=u.lecturer, at=NINE).display


def after(ready: Any, deed: Callable[[], Any]) -> Callable[[], Any]:
    """The deed, once something was made ready."""
    return deed


def paired(u: U) -> Callable[[], Any]:
    opening, pairing = u.opening, begin_pairing(at=NINE).pairing
    return lambda: confirm_pairing(pairing.code, opening, by=u.lecturer, at=NINE)


NEW: dict[str, Any] = {"username": "new@uni.example", "family_name": "New", "by": BY, "at": NINE}
PASSWORD = "correct horse battery"

DEEDS: dict[str, Deed] = {
    **ABSENCES,
    "accounts.create_person": Deed(lambda u: lambda: accounts.create_person(**NEW), ["person.create"]),
    "accounts.update_person": Deed(
        lambda u: lambda: accounts.update_person(u.alice, given_name="Al", by=BY, at=NINE), ["person.change"]
    ),
    "accounts.set_answers_to": Deed(
        lambda u: lambda: accounts.set_answers_to(u.world.department(), "answers@uni.example", by=BY, at=NINE),
        ["department.answers_to"],
    ),
    "accounts.close_account": Deed(lambda u: lambda: accounts.close_account(u.alice, by=BY, at=NINE), ["person.close"]),
    "accounts.reopen_account": Deed(
        lambda u: after(
            accounts.close_account(u.alice, by=BY, at=NINE), lambda: accounts.reopen_account(u.alice, by=BY, at=NINE)
        ),
        ["person.reopen"],
    ),
    "accounts.set_password": Deed(
        lambda u: lambda: accounts.set_password(u.alice, PASSWORD, by=BY, at=NINE), ["person.password"]
    ),
    "accounts.grant_role": Deed(lambda u: lambda: grant(u), ["role.grant"]),
    "accounts.end_role": Deed(
        lambda u: with_(grant(u), lambda g: accounts.end_role(g, last_day=NINE.date(), by=BY, at=NINE)), ["role.end"]
    ),
    "accounts.link_identity": Deed(
        lambda u: lambda: identities.link_identity(u.alice, provider="uni", subject="1", issuer="i", by=BY, at=NINE),
        ["person.link"],
    ),
    "accounts.unlink_identity": Deed(
        lambda u: with_(identity(u), lambda i: identities.unlink_identity(i, by=BY, at=NINE)), ["person.unlink"]
    ),
    "accounts.save_provider": Deed(lambda u: lambda: app(u), ["provider.save"]),
    "accounts.remove_provider": Deed(
        lambda u: with_(app(u), lambda a: identities.remove_provider(a, by=BY, at=NINE)), ["provider.remove"]
    ),
    "accounts.enable_totp": Deed(lambda u: lambda: totp(u), ["person.totp"]),
    "accounts.disable_totp": Deed(
        lambda u: with_(totp(u), lambda _: second_factors.disable_totp(u.alice, by=BY, at=NINE)), ["person.totp_removed"]
    ),
    "accounts.disable_second_step": Deed(
        lambda u: with_(totp(u), lambda _: second_factors.disable_second_step(u.alice, by=BY, at=NINE)),
        ["person.second_step_removed"],
    ),
    "accounts.new_recovery_codes": Deed(
        lambda u: with_(totp(u), lambda _: second_factors.new_recovery_codes(u.alice, by=BY, at=NINE)),
        ["person.recovery_codes"],
    ),
    "accounts.use_code": Deed(
        lambda u: with_(totp(u), lambda codes: second_factors.use_code(u.alice, codes[0], at=NINE)),
        ["person.recovery_code"],
        "alice",
    ),
    # One mark, one event: three hundred marks at once are three hundred changes
    "attendance.mark": Deed(
        lambda u: lambda: marking.mark_students(u.session, [u.alice, u.bob], Status.PRESENT, by=u.lecturer, at=NINE),
        ["mark.amend", "mark.amend"],
        "lecturer",
    ),
    "attendance.mark_rest_absent": Deed(
        lambda u: lambda: marking.mark_rest_absent(u.session, by=u.lecturer, at=NINE),
        ["mark.rest_absent", "mark.rest_absent"],
        "lecturer",
    ),
    # One foresight, and the mark that follows it
    "attendance.foresee": Deed(
        lambda u: with_(u.absent(), lambda _: foresee(Origin.ABSENCE, UUID(int=1), u.alice, u.told(), act=u.act())),
        ["foreseen.change", "mark.absence"],
        "lecturer",
    ),
    "attendance.accept_foreseen": Deed(
        lambda u: with_(
            foresee(Origin.ABSENCE, UUID(int=1), u.alice, u.told(), act=u.act()),
            lambda _: attendance.accept_foreseen(u.session, act=u.act()),
        ),
        ["mark.foreseen"],
        "lecturer",
    ),
    "attendance.adjust": Deed(lambda u: u.adjustment, ["adjustment.make"], "lecturer"),
    "attendance.end_adjustment": Deed(
        lambda u: with_(
            u.adjustment(),
            lambda one: end_adjustment(one, last_day=NINE.date(), actor=u.lecturer.actor, by=u.lecturer, at=NINE),
        ),
        ["adjustment.end"],
        "lecturer",
    ),
    "attendance.note_contradiction": Deed(
        lambda u: with_(u.contradiction(), lambda one: note_contradiction(one, by=u.colleague, at=NINE)),
        ["contradiction.seen"],
        "colleague",
    ),
    "attendance.leave_catch_up": Deed(
        lambda u: lambda: leave_catch_up(u.session, note="Slides 1 to 20", link="", by=u.lecturer, at=NINE),
        ["catch_up.leave"],
        "lecturer",
    ),
    "attendance.count_heads": Deed(
        lambda u: lambda: attendance.count_heads(u.session, 3, by=u.lecturer, at=NINE), ["register.headcount"], "lecturer"
    ),
    "attendance.raise_query": Deed(lambda u: u.query, ["query.raise"], "alice"),
    "attendance.answer_query": Deed(
        lambda u: with_(u.query(), lambda q: queries.answer_query(q, act=marking.act(u.lecturer, NINE), reason="No")),
        ["query.declined"],
        "lecturer",
    ),
    # Two changes: the answer, and the mark it makes
    "attendance.cannot_say": Deed(
        lambda u: with_(u.query(), lambda q: queries.cannot_say(q, act=marking.act(u.lecturer, NINE))),
        ["query.unsure"],
        "lecturer",
    ),
    "attendance.answer_query, upheld": Deed(
        lambda u: with_(
            u.query(), lambda q: marking.answer_query(q, by=u.lecturer, at=NINE, reason="Yes", status=Status.PRESENT)
        ),
        ["mark.amend", "query.upheld"],
        "lecturer",
    ),
    "attendance.let_in": Deed(
        lambda u: with_(
            u.world.student(),
            lambda guest: marking.let_in(
                u.session, guest, by=u.lecturer, at=NINE, swap=True, reason_code=Reason.OTHER_GROUP_AGREED
            ),
        ),
        ["mark.amend"],
        "lecturer",
    ),
    "attendance.enter_marks": Deed(
        lambda u: (
            lambda: marking.enter_marks(
                u.session, [Entry(u.alice, Status.PRESENT)], source=Source.STAFF, by=u.lecturer, at=NINE
            )
        ),
        ["mark.enter"],
        "lecturer",
    ),
    "attendance.propose": Deed(lambda u: u.proposal, ["amendment.propose"], "lecturer"),
    "attendance.confirm": Deed(
        lambda u: with_(u.proposal(), lambda p: marking.confirm(p, by=u.colleague, at=NINE)),
        ["mark.amend", "amendment.confirmed"],
        "colleague",
    ),
    "attendance.decline": Deed(
        lambda u: with_(u.proposal(), lambda p: marking.decline(p, by=u.colleague, at=NINE, answer="No")),
        ["amendment.declined"],
        "colleague",
    ),
    "attendance.undo": Deed(
        lambda u: with_(u.step(), lambda step: marking.undo(u.session, step.pk, by=u.lecturer, at=NINE)),
        ["mark.undo"],
        "lecturer",
    ),
    "attendance.report_period": Deed(lambda u: u.report, ["period.report"], "colleague"),
    "attendance.withdraw_period": Deed(
        lambda u: with_(u.report(), lambda p: reported.withdraw_period(p, by=u.colleague, at=NINE)),
        ["period.withdraw"],
        "colleague",
    ),
    "attendance.note_correction": Deed(
        lambda u: with_(u.corrected(), lambda c: reported.note_correction(c, by=u.colleague, at=NINE)),
        ["correction.seen"],
        "colleague",
    ),
    "attendance.make_policy": Deed(lambda u: u.policy, ["policy.make"], "colleague"),
    "attendance.withdraw_policy": Deed(
        lambda u: with_(u.policy(), lambda p: policies.withdraw_policy(p, today=NINE.date(), by=u.colleague, at=NINE)),
        ["policy.withdraw"],
        "colleague",
    ),
    "attendance.close_registers": Deed(
        lambda u: with_(u.marked(), lambda _: close_registers([u.session], at=NINE)),
        ["mark.close", "register.close"],
        "system:close",
    ),
    "attendance.declare_outage": Deed(
        lambda u: lambda: declare_outage(by=u.lecturer, at=NINE, starts_at=NINE, ends_at=None, reason="Fire"),
        ["outage.declare"],
        "lecturer",
    ),
    "attendance.end_outage": Deed(
        lambda u: with_(
            declare_outage(by=u.lecturer, at=NINE, starts_at=NINE, ends_at=None, reason="Fire"),
            lambda o: end_outage(o, by=u.lecturer, at=NINE + timedelta(minutes=1)),
        ),
        ["outage.end"],
        "lecturer",
    ),
    "attendance.withdraw_outage": Deed(
        lambda u: with_(
            declare_outage(by=u.lecturer, at=NINE, starts_at=NINE, ends_at=None, reason="Fire"),
            lambda o: withdraw_outage(o, by=u.lecturer, at=NINE + timedelta(minutes=1)),
        ),
        ["outage.withdraw"],
        "lecturer",
    ),
    "checkin.open_checkin": Deed(lambda u: lambda: u.opening, ["checkin.open"], "lecturer"),
    "checkin.begin_epoch": Deed(
        lambda u: with_(u.opening, lambda o: checkin.begin_epoch(o, by=u.lecturer, at=NINE, pace="brisk")),
        ["checkin.pace"],
        "lecturer",
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
        lambda u: with_(u.held(), lambda s: marking.decide_held(s, accept=False, by=u.lecturer, at=NINE)),
        ["held.decline"],
        "lecturer",
    ),
    # Two changes for each scan: the decision, and the mark
    "checkin.accept_all_held": Deed(
        lambda u: after(u.held(), lambda: marking.accept_all_held(u.session, by=u.lecturer, at=NINE)),
        ["mark.amend", "held.accept"],
        "lecturer",
    ),
    "checkin.answer_query": Deed(
        lambda u: with_(u.query(), lambda q: marking.answer_query(q, by=u.lecturer, at=NINE, reason="No")),
        ["query.declined"],
        "lecturer",
    ),
    "checkin.open_kiosk": Deed(
        lambda u: with_(u.opening, lambda o: kiosks.open_kiosk(o, by=u.lecturer, at=NINE)), ["kiosk.open"], "lecturer"
    ),
    "checkin.pair_kiosk": Deed(
        lambda u: with_(
            (u.opening, begin_pairing(at=NINE).pairing.code),
            lambda made: kiosks.pair_kiosk(made[1], made[0], by=u.lecturer, at=NINE),
        ),
        ["kiosk.open"],
        "lecturer",
    ),
    "checkin.stop_kiosk": Deed(
        lambda u: with_(u.kiosk(), lambda k: kiosks.stop_kiosk(k, by=u.lecturer, at=NINE)), ["kiosk.stop"], "lecturer"
    ),
    "checkin.enter": Deed(
        lambda u: with_(u.kiosk(), lambda k: kiosks.enter(k, u.alice.number, at=NINE)), ["mark.amend"], "lecturer"
    ),
    "checkin.take_back": Deed(lambda u: with_(u.entered(), lambda k: kiosks.take_back(k, at=NINE)), ["mark.undo"], "lecturer"),
    "checkin.begin_check": Deed(
        lambda u: with_(u.shown(), lambda o: checks.begin_check(o, by=u.lecturer, at=NINE)), ["check.begin"], "lecturer"
    ),
    "checkin.plan_check": Deed(
        lambda u: with_(u.opening, lambda o: checks.plan_check(o, by=u.lecturer, at=NINE)), ["check.plan"], "lecturer"
    ),
    "checkin.take_back_check": Deed(
        lambda u: with_(u.check(), lambda c: checks.take_back_check(c, by=u.lecturer, at=NINE)), ["check.settle"], "lecturer"
    ),
    "checkin.say_seen": Deed(
        lambda u: with_(u.missed(), lambda a: checks.say_seen(a, by=u.lecturer, at=NINE)), ["check.seen"], "lecturer"
    ),
    "checkin.begin_spot_check": Deed(
        lambda u: after(u.marked(), lambda: checks.begin_spot_check(u.session, by=u.lecturer, at=NINE)),
        ["spot.begin"],
        "lecturer",
    ),
    "checkin.note_call": Deed(
        lambda u: with_(u.call(), lambda c: checks.note_call(c, Called.SEEN, by=u.lecturer, at=NINE)), ["spot.call"], "lecturer"
    ),
    "checkin.freeze": Deed(lambda u: lambda: checkin.freeze(by=BY, at=NINE, reason="Fire"), ["gate.freeze"]),
    "checkin.unfreeze": Deed(lambda u: with_(u.paused(), lambda _: checkin.unfreeze(by=BY, at=NINE)), ["gate.unfreeze"]),
    "checkin.raise_alarm": Deed(
        lambda u: lambda: checkin.raise_alarm(AlarmKind.CLOCK, None, "node: 300 ms", at=NINE),
        ["gate.alarm_clock"],
        "system:gate",
    ),
    "checkin.sign_in_is_slow": Deed(
        lambda u: lambda: checkin.sign_in_is_slow(Slow(Sign.QUEUE, 9), at=NINE), ["sign_in.slow"], "system:gate"
    ),
    "checkin.sign_out_everywhere": Deed(
        lambda u: lambda: checkin.sign_out_everywhere(u.alice, by=BY, at=NINE), ["person.signed_out"]
    ),
    "checkin.query_attempt": Deed(
        lambda u: lambda: checkin.query_attempt(u.session.pk, u.alice.pk, at=NINE, evidence={"scan": "x"}),
        ["query.raise"],
        "alice",
    ),
    "checkin.query_mark": Deed(lambda u: lambda: checkin.query_mark(u.session, u.alice, at=NINE), ["query.raise"], "alice"),
    "timetable.renew_calendar": Deed(lambda u: lambda: timetable.renew_calendar(u.alice, at=NINE), ["calendar.renew"], "alice"),
    "timetable.remove_calendar": Deed(
        lambda u: with_(timetable.renew_calendar(u.alice, at=NINE), lambda _: timetable.remove_calendar(u.alice, at=NINE)),
        ["calendar.remove"],
        "alice",
    ),
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
    "audit.publish": Deed(lambda u: with_(u.run(), lambda _: audit.publish(by=BY, at=NINE)), ["checkpoint.publish"]),
    "audit.record_verification": Deed(
        lambda u: lambda: audit.record_verification(None, size=0, outside=0, by=BY, at=NINE), ["audit.verify"]
    ),
}

AGAIN = (
    "accounts.update_person",
    "accounts.close_account",
    "accounts.reopen_account",
    "attendance.mark",
    "attendance.enter_marks",
    "attendance.withdraw_policy",
    "attendance.note_correction",
    "checkin.stop_checkin",
    "checkin.revoke_display",
    "checkin.stop_kiosk",
    "checkin.take_back",
    "checkin.say_seen",
    "checkin.unfreeze",
)
"""Verbs that a person may do twice, because two tabs show the same button."""

"""The only code that opens, shows and stops check-in. Scans are written in writer.py; held scans are decided in held.py."""

import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, astuple
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.accounts.services import end_sign_ins
from adsum.attendance.closing import close_registers, reopen_registers
from adsum.attendance.counting import Terms
from adsum.attendance.models import Mark, Query, Register
from adsum.attendance.policies import Policies, policies, terms_of
from adsum.attendance.queries import raise_query
from adsum.attendance.rules import OpenFor
from adsum.audit import services as audit_log
from adsum.checkin.codes import HANDLE_BITS
from adsum.checkin.models import (
    Alarm,
    Display,
    Epoch,
    GateState,
    KnownBrowser,
    LateCode,
    Opening,
    RetiredKey,
    RevokedPass,
    Scan,
    SlowSpell,
    TypedTries,
)
from adsum.checkin.reports import latest_epoch, pace_of, waiting_scans
from adsum.checkin.rules import (
    MAX_DISPLAYS,
    MAX_TYPED_TRIES,
    MOST_REMEMBER_DAYS,
    PACES,
    UNDECIDED,
    AlarmKind,
    Refusal,
    is_silent,
    needs_relief,
)
from adsum.checkin.slowness import CALM, Slow
from adsum.core import keyring
from adsum.core.errors import AdsumError
from adsum.core.signing import fingerprint
from adsum.timetable.models import ClassSession

ALARM_AGAIN = timedelta(hours=1)
TICKETS_LIVE = timedelta(hours=26)
"""Longer than any ticket lives: an opening whose check-in ended earlier than this is not needed any more."""
SHOWN_BEFORE = timedelta(hours=2)
"""How long before a class its screen can be set up; what it shows counts only once check-in opens."""


def _next_version() -> int:
    """Raise the gate's version. Its one row is locked until commit, so versions are seen in the order of commits: call
    it last in a transaction."""
    if not GateState.objects.filter(pk=1).update(version=F("version") + 1):
        GateState.objects.get_or_create(pk=1, defaults={"version": 2})
    return GateState.objects.values_list("version", flat=True).get(pk=1)


def rosters_changed() -> None:
    """Tell every worker that classes, groups or places changed. Call it last in the transaction that changed them."""
    version = _next_version()
    GateState.objects.filter(pk=1).update(rosters_version=version)


@transaction.atomic
def follow_timetable(sessions: Collection[int], *, actor: str, at: datetime) -> None:
    """Make check-in follow these classes after a change: it gets their new times at once, and rests while a class is
    cancelled; every gate learns of it within a second. Their registers follow too: one that closed without any student in it
    opens again if its class is still to come. Call it last in the transaction that changed them."""
    wanted = sorted(sessions)
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        reopen_registers(part, actor=actor, at=at)
        openings = Opening.objects.select_for_update(of=("self",)).filter(session__in=part).select_related("session__module")
        rules = policies() if openings else Policies([], {})
        for opening in openings:
            _follow(opening, rules.of(opening.session), actor=actor, at=at)
    rosters_changed()


def _follow(opening: Opening, terms: Terms, *, actor: str, at: datetime) -> None:
    """Give an opening, which the caller has locked, the present times of its class."""
    session = opening.session
    window = OpenFor.of(terms.windows, starts_at=session.starts_at, ends_at=session.ends_at)
    if (opening.opens_at, opening.present_until, opening.late_until) != astuple(window):
        opening.opens_at, opening.present_until, opening.late_until = astuple(window)
        opening.save(update_fields=list(asdict(window)))
        audit_log.record(actor=actor, verb="checkin.move", subject=f"session:{session.pk}", at=at)
        _touch(opening)


def _touch(opening: Opening) -> None:
    Opening.objects.filter(pk=opening.pk).update(version=_next_version())


@transaction.atomic
def open_checkin(session: ClassSession, *, by: Person, at: datetime, pace: str = "") -> Opening:
    """Open check-in of a class, or join the opening it already has: two lecturers never start two.

    Its windows, and its pace unless one is chosen, come from the class's policy on the date of the class. They are kept with
    the opening from now on, where the gate reads them.

    An existing opening of a class that was moved gets its new times. Raises AdsumError `cancelled`, `too_early` or `over` when
    there is nothing to open.
    """
    if session.cancelled:
        raise AdsumError("cancelled", _("This class is cancelled. Restore it in the timetable before opening check-in."))
    if at < session.starts_at - SHOWN_BEFORE:
        soonest = date_format(timezone.localtime(session.starts_at - SHOWN_BEFORE), "j F, H:i")
        raise AdsumError("too_early", _("It is too early to show this code. Come back from %(time)s.") % {"time": soonest})
    if at >= session.ends_at:
        raise AdsumError("over", _("This class is over. Mark students by hand on its register instead."))
    terms = terms_of(session)
    pace = pace or terms.pace
    existing = Opening.objects.select_for_update().filter(session=session).first()
    if existing is not None:
        existing.session = session
        _follow(existing, terms, actor=by.actor, at=at)
        if existing.stopped_at is not None:
            Opening.objects.filter(pk=existing.pk).update(stopped_at=None)
            existing.stopped_at = None
            audit_log.record(actor=by.actor, verb="checkin.reopen", subject=f"session:{session.pk}", at=at)
            _touch(existing)
        return existing
    window = OpenFor.of(terms.windows, starts_at=session.starts_at, ends_at=session.ends_at)
    Register.objects.get_or_create(session=session)
    opening = Opening.objects.create(
        session=session,
        handle=_free_handle(),
        opened_at=at,
        opened_by=by,
        opens_at=window.opens_at,
        present_until=window.present_until,
        late_until=window.late_until,
        ticket_seconds=PACES[pace].ticket_seconds,
        version=0,
    )
    _begin_epoch(opening, number=1, pace=pace, at=at)
    audit_log.record(actor=by.actor, verb="checkin.open", subject=f"session:{session.pk}", at=at, pace=pace)
    _touch(opening)
    return opening


def _free_handle() -> int:
    while True:
        handle = secrets.randbits(HANDLE_BITS)
        if not Opening.objects.filter(handle=handle).exists():
            return handle


def next_epoch(opening: Opening, *, at: datetime, of_check: bool = False) -> int:
    """End the epoch that is shown and begin the next at the same pace; returns its number. Codes of the old one stay good for
    their grace. Every worker learns of it. Call it last in a transaction that has locked the opening."""
    number = _succeed(opening, at=at, of_check=of_check)
    _touch(opening)
    return number


def _succeed(opening: Opening, *, at: datetime, pace: str = "", of_check: bool = False) -> int:
    """The same, at another pace if one is given, and without telling the workers yet."""
    latest = latest_epoch(opening)
    Epoch.objects.filter(pk=latest.pk).update(ended_at=at)
    _begin_epoch(opening, number=latest.number + 1, pace=pace or pace_of(latest), at=at, of_check=of_check)
    return latest.number + 1


def _begin_epoch(opening: Opening, *, number: int, pace: str, at: datetime, of_check: bool = False) -> None:
    Epoch.objects.create(
        opening=opening,
        number=number,
        kid=keyring.current(),
        period_ms=PACES[pace].period_ms,
        grace_ms=PACES[pace].grace_ms,
        started_at=at,
        of_check=of_check,
    )


@transaction.atomic
def begin_epoch(opening: Opening, *, by: Person, at: datetime, pace: str, kill: bool = False) -> None:
    """Start a new epoch: for another pace, for a new key, or (with `kill`) to refuse every code shown so far.

    Codes of the epoch that ends stay good for their grace unless killed. Killing ends relief too, so that people who share
    codes do not keep the longer grace.
    """
    Opening.objects.select_for_update().get(pk=opening.pk)  # two lecturers at once begin two epochs, one after the other
    if kill:
        Epoch.objects.filter(opening=opening).update(killed=True)
        LateCode.objects.filter(opening=opening).delete()
    changed: dict[str, Any] = {"ticket_seconds": PACES[pace].ticket_seconds} | ({"relieved_at": None} if kill else {})
    Opening.objects.filter(pk=opening.pk).update(**changed)
    number = _succeed(opening, at=at, pace=pace)
    audit_log.record(
        actor=by.actor,
        verb="checkin.kill" if kill else "checkin.pace",
        subject=f"session:{opening.session_id}",
        at=at,
        pace=pace,
        epoch=number,
    )
    _touch(opening)


@transaction.atomic
def stop_checkin(opening: Opening, *, by: Person, at: datetime) -> None:
    """End check-in before its window does. Scans made until now still count, however long their sign-in takes. Does nothing
    the second time."""
    if Opening.objects.filter(pk=opening.pk, stopped_at=None).update(stopped_at=at):
        audit_log.record(actor=by.actor, verb="checkin.stop", subject=f"session:{opening.session_id}", at=at)
        _touch(opening)


class NewDisplay(NamedTuple):
    """A display and the secret that its browser keeps. The secret is not stored anywhere else."""

    display: Display
    credential: str


@transaction.atomic
def add_display(opening: Opening, *, by: Person, at: datetime) -> NewDisplay:
    """One more screen for this class. Where four show it already, the one that has been silent longest makes room. Raises
    AdsumError `too_many_displays` when all four are alive."""
    Opening.objects.select_for_update().get(pk=opening.pk)
    shown = Display.objects.filter(opening=opening)
    showing = sorted(shown.filter(revoked_at=None), key=lambda one: one.heard_at)
    while len(showing) >= MAX_DISPLAYS and is_silent(showing[0].heard_at, at):
        revoke_display(showing.pop(0), by=by, at=at)
    if len(showing) >= MAX_DISPLAYS:
        message = _("%(most)s screens already show this class. Stop one of them first.")
        raise AdsumError("too_many_displays", message % {"most": MAX_DISPLAYS})
    # A slot is never used twice, so a leaked code always names the screen it came from.
    slot = shown.count()
    if slot > 31:
        raise AdsumError("too_many_displays", _("This class has used up its screens. Use one that is already showing."))
    credential = secrets.token_urlsafe(24)
    display = Display.objects.create(
        opening=opening, slot=slot, credential=display_fingerprint(credential), opened_by=by, opened_at=at
    )
    audit_log.record(actor=by.actor, verb="display.open", subject=f"session:{opening.session_id}", at=at, slot=slot)
    return NewDisplay(display, credential)


HEARD_EVERY = timedelta(seconds=30)
"""How often it is noted that a screen is alive: often enough for `rules.SILENT_AFTER`, and no more."""


def hear_display(display: Display, *, at: datetime) -> None:
    """Note that a screen is alive. No event: nothing anybody did."""
    known = Q(seen_at=None) | Q(seen_at__lte=at - HEARD_EVERY)
    Display.objects.filter(known, pk=display.pk).update(seen_at=at)


def display_fingerprint(credential: str) -> str:
    """The hash under which a display's credential is stored."""
    return fingerprint(credential)


@transaction.atomic
def revoke_display(display: Display, *, by: Person, at: datetime) -> None:
    """Stop one screen. Within a second its codes are refused; other screens' codes stay good. Does nothing the second time."""
    if Display.objects.filter(pk=display.pk, revoked_at=None).update(revoked_at=at):
        audit_log.record(
            actor=by.actor, verb="display.revoke", subject=f"session:{display.opening.session_id}", at=at, slot=display.slot
        )
        _touch(display.opening)


@transaction.atomic
def freeze(*, by: str, at: datetime, reason: str) -> None:
    """Stop all check-in of the university at once. Tickets already earned stay good. `by` is the actor.

    Raises AdsumError `no_reason` without a reason: people will ask.
    """
    if not reason.strip():
        raise AdsumError("no_reason", _("Say why check-in is paused: people will ask."))
    _next_version()
    GateState.objects.filter(pk=1).update(frozen_at=at, frozen_reason=reason.strip()[:200])
    audit_log.record(actor=by, verb="gate.freeze", subject="gate:1", at=at, reason=reason.strip()[:200])


@transaction.atomic
def unfreeze(*, by: str, at: datetime) -> None:
    """Let check-in go on. Does nothing when it is not paused."""
    if GateState.objects.filter(pk=1, frozen_at__isnull=False).update(frozen_at=None, frozen_reason=""):
        audit_log.record(actor=by, verb="gate.unfreeze", subject="gate:1", at=at)
        _next_version()


def outages_changed(*, at: datetime) -> None:
    """Tell every worker that an outage was declared, ended or withdrawn: tickets of its classes live longer, or no longer.
    Call it last in the transaction that changed it."""
    Opening.objects.filter(late_until__gt=at - TICKETS_LIVE).update(version=_next_version())


@transaction.atomic
def retire_key(kid: str, *, by: str, at: datetime) -> int:
    """Refuse everything signed with this key from now on: codes, tickets, passes. For a leaked key; rotation does not need it.

    Classes whose screens still show codes of that key get a new epoch, so their screens go on. Returns how many classes.
    Raises AdsumError `unknown_key` for a key that is not configured, `last_key` for the key that signs now.
    """
    if kid not in keyring.masters():
        message = _("There is no key %(kid)s here. The keys are: %(kids)s.")
        raise AdsumError("unknown_key", message % {"kid": kid, "kids": ", ".join(keyring.masters())})
    if kid == keyring.current():
        message = _("%(kid)s signs now. Run “adsum check-in rotate-key”, restart, and then retire it.")
        raise AdsumError("last_key", message % {"kid": kid})
    if not RetiredKey.objects.get_or_create(kid=kid, defaults={"at": at})[1]:
        return 0
    audit_log.record(actor=by, verb="gate.retire_key", subject=f"key:{kid}", at=at)
    shown = [one for one in Opening.objects.select_for_update().filter(late_until__gt=at) if latest_epoch(one).kid == kid]
    for opening in shown:
        _succeed(opening, at=at)
    Opening.objects.filter(pk__in=[one.pk for one in shown]).update(version=_next_version())
    return len(shown)


@transaction.atomic
def count_late_codes(opening_id: int, students: Collection[int], *, at: datetime) -> None:
    """Note that genuine codes of these expected students came a little too late, and widen the grace when they are many.

    The gate decides which students count, `rules.needs_relief` when they are many. Every gate learns of the widened grace by
    the raised version.
    """
    LateCode.objects.bulk_create([LateCode(opening_id=opening_id, student_id=pk) for pk in students], ignore_conflicts=True)
    opening = Opening.objects.get(pk=opening_id)
    late = LateCode.objects.filter(opening=opening)
    in_time = Scan.objects.filter(session=opening.session_id, refusal="").exclude(student__in=late.values("student"))
    count = late.count()
    came = count + in_time.count()
    if needs_relief(late=count, came=came) and Opening.objects.filter(pk=opening_id, relieved_at=None).update(relieved_at=at):
        audit_log.record(
            actor="system:relief", verb="checkin.relief", subject=f"session:{opening.session_id}", at=at, late=count, came=came
        )
        _touch(opening)


@transaction.atomic
def raise_alarm(kind: AlarmKind, opening_id: int | None, detail: str, *, at: datetime) -> None:
    """Keep what a gate noticed for the administrators: once an hour for each kind and class, however many gates report it."""
    if not Alarm.objects.filter(kind=kind, opening=opening_id, at__gt=at - ALARM_AGAIN).exists():
        Alarm.objects.create(kind=kind, opening_id=opening_id, detail=detail, at=at)
        audit_log.record(
            actor="system:gate", verb=f"gate.alarm_{kind}", subject=f"opening:{opening_id or ''}", at=at, detail=detail
        )


@transaction.atomic
def sign_in_is_slow(slow: Slow, *, at: datetime) -> None:
    """Keep that signing in is slow: the spell that goes on becomes longer, or a new one begins."""
    _next_version()  # its lock first: two workers that notice at once begin one spell
    spell = SlowSpell.objects.filter(seen_at__gt=at - CALM).order_by("-seen_at").first()
    if spell is None:
        SlowSpell.objects.create(began_at=at, seen_at=at, sign=slow.sign, seconds=round(slow.seconds))
        audit_log.record(
            actor="system:gate", verb="sign_in.slow", subject="gate:1", at=at, sign=slow.sign.value, seconds=round(slow.seconds)
        )
        return
    spell.seen_at, spell.seconds = max(spell.seen_at, at), max(spell.seconds, round(slow.seconds))
    spell.save(update_fields=["seen_at", "seconds"])


def revoke_passes(person_id: int, *, at: datetime, sign_in: str = "") -> None:
    """Make every gate forget one sign-in of a person, or all of them, within a second; with each, the browser that is
    remembered for it."""
    _revoke([person_id], sign_in, at)


def revoke_all(people: Iterable[int], *, at: datetime) -> None:
    """The same for all sign-ins of many people."""
    _revoke(sorted(people), "", at)


@transaction.atomic
def _revoke(people: Sequence[int], sign_in: str, at: datetime) -> None:
    version = _next_version()
    for start in range(0, len(people), 500):
        part = people[start : start + 500]
        known = KnownBrowser.objects.filter(person__in=part, ended_at=None)
        known = known.filter(name=sign_in) if sign_in else known.filter(began_at__lte=at)
        known.update(ended_at=at, version=version)
        RevokedPass.objects.bulk_create([RevokedPass(person_id=pk, sign_in=sign_in, at=at, version=version) for pk in part])


@transaction.atomic
def remember_for(days: int, *, by: str, at: datetime) -> None:
    """For so many days without use, students' own browsers stay known for checking in: 0 is never, for those known by now,
    too. Raises AdsumError `days` when it is none of these. Does nothing when it is so already."""
    if not 0 <= days <= MOST_REMEMBER_DAYS:
        raise AdsumError("days", _("Give a number of days from 0 to %(most)s; 0 is never.") % {"most": MOST_REMEMBER_DAYS})
    GateState.objects.get_or_create(pk=1)
    if GateState.objects.filter(pk=1).exclude(remember_days=days).update(remember_days=days):
        audit_log.record(actor=by, verb="gate.remember", subject="gate:1", at=at, days=days)
        _next_version()


@transaction.atomic
def sign_out_everywhere(person: Person, *, by: str, at: datetime) -> None:
    """End every sign-in of a person, here and within a second at every gate: for a lost phone, or when someone else got in."""
    end_sign_ins(person)
    revoke_passes(person.pk, at=at)
    audit_log.record(actor=by, verb="person.signed_out", subject=person.actor, at=at)


def spend_try(student_id: int, session_ids: list[int]) -> bool:
    """Count one try at a typed code against each class the student could mean; False when all of them have had five."""
    TypedTries.objects.bulk_create(
        [TypedTries(student_id=student_id, session_id=pk) for pk in session_ids], ignore_conflicts=True
    )
    return bool(
        TypedTries.objects.filter(student_id=student_id, session__in=session_ids, tries__lt=MAX_TYPED_TRIES).update(
            tries=F("tries") + 1
        )
    )


def forgive_tries(student_id: int, session_ids: list[int]) -> None:
    """Give the tries back after a right code."""
    TypedTries.objects.filter(student_id=student_id, session__in=session_ids).update(tries=0)


@transaction.atomic
def close_classes(sessions: Collection[ClassSession], *, at: datetime) -> list[Register]:
    """Close the registers of these classes, together or not at all; returns those closed now. A student whose scan was held
    (`UNDECIDED`) and not decided is marked like everyone without a mark, but under query: students are not counted absent, or
    late, because a decision was never made. The same of a scan that came after a mark that its lecturer took back."""
    by_pk = {session.pk: session for session in sessions}
    theirs = Mark.objects.filter(session=OuterRef("session"), student=OuterRef("student"))
    waiting = list(
        waiting_scans(by_pk)
        .filter(Q(refusal__in=UNDECIDED) | Q(~Exists(theirs), refusal=Refusal.AMENDED))
        .select_related("student")
        .order_by("id")
    )
    closed = close_registers(sessions, at=at)
    now = {register.session_id for register in closed}
    for scan in waiting:
        if scan.session_id in now:
            evidence = {"scan": str(scan.ref), "refusal": scan.refusal, "first_seen": scan.first_seen_at.isoformat()}
            raise_query(by_pk[scan.session_id], scan.student, at=at, evidence=evidence, actor="system:close")
    return closed


@transaction.atomic
def query_mark(session: ClassSession, student: Person, *, at: datetime, text: str = "", actor: str = "") -> Query:
    """The student says that their mark is wrong. Their last failed attempt in this class, if any, is attached. `actor`: who
    passes it on for them."""
    failed = Scan.objects.filter(session=session, student=student).exclude(refusal__in=["", Refusal.ALREADY_IN])
    last = failed.order_by("-id").first()
    evidence = {"scan": str(last.ref), "refusal": last.refusal, "first_seen": last.first_seen_at.isoformat()} if last else {}
    return raise_query(session, student, at=at, text=text, evidence=evidence, actor=actor)


def query_attempt(session_id: int, student_id: int, *, at: datetime, evidence: dict[str, str]) -> None:
    """Turn an attempt that was refused into the student's query, the attempt attached."""
    raise_query(ClassSession.objects.get(pk=session_id), Person.objects.get(pk=student_id), at=at, evidence=evidence)

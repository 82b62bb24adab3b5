"""Jobs that run automatically. Every job may run twice, or late, with the same outcome."""

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError
from django.db.models import Exists, OuterRef, Q

from adsum.absence.linking import follow_timetable, sweep
from adsum.accounts.reports import unusual_in_week
from adsum.attendance import contradictions, reported
from adsum.attendance.models import Mark, Register
from adsum.audit.looks import keep_report, seal_looks
from adsum.audit.reconciliation import last_reconciliation
from adsum.audit.services import publish, seal
from adsum.audit.tree import has_events, last_verification, standing
from adsum.checkin import checks, services
from adsum.compliance import editions, sponsorship, watch
from adsum.compliance.changes import follow_studies
from adsum.compliance.samples import empty_samples
from adsum.compliance.suggestions import suggest_all
from adsum.compliance.triggers import follow_enrolments
from adsum.core.clock import monday_of
from adsum.core.jobs import enqueue
from adsum.core.turns import let_others_write
from adsum.core.university import civil_date
from adsum.engagement import evaluation, rehearsals, supervisions
from adsum.engagement.concerns import pass_on_unacknowledged
from adsum.engagement.covering import settle_owners
from adsum.integrations.imports import feeds as polling
from adsum.integrations.webhooks import services as webhooks
from adsum.integrations.webhooks.sending import send_due as send_due_webhooks
from adsum.messages import bounces, mail, ordering, push, unopened, week
from adsum.messages import services as outbox
from adsum.messages.telling import tell
from adsum.messages.topics.registry import TOPICS
from adsum.ops.processes import leave
from adsum.privacy.access_files import forget_files
from adsum.privacy.publishing import publish_documents
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import university_zone
from adsum.timetable.rules import ClassStatus

log = structlog.get_logger("adsum.jobs")

CLOSES_AFTER = timedelta(minutes=10)
"""How long after its end a register is closed: students who scanned in time have finished signing in by then."""
UNOBSERVED_AFTER = timedelta(hours=24)
"""How long a register without any observation waits before it is closed as not observed (docs/rules.md A 5)."""
LOOKS_BACK = timedelta(days=8)
"""How far back classes are looked for each minute, by an index of their start; once a day all of them are, for those that were
restored or imported later."""


def due_for_closing(at: datetime, *, since: datetime | None = None) -> list[ClassSession]:
    """Classes begun after `since` whose register is to be closed at `at`, the oldest first. That of a cancelled class waits: it
    may be restored."""
    observed = Mark.objects.observations().filter(session=OuterRef("pk"))
    begun = ClassSession.objects.filter(starts_at__lte=at - CLOSES_AFTER, status=ClassStatus.SCHEDULED)
    begun = begun.filter(starts_at__gt=since) if since is not None else begun
    over = begun.filter(ends_at__lte=at - CLOSES_AFTER).exclude(
        register__state__in=[Register.State.CLOSED, Register.State.NOT_OBSERVED]
    )
    waited = Q(ends_at__lte=at - UNOBSERVED_AFTER)
    return list(over.filter(waited | Q(register__headcount__isnull=False) | Exists(observed)).order_by("ends_at"))


AT_ONCE = 25
"""Classes closed in one transaction: enough to share its queries, few enough that no check-in waits long for it."""


def close_registers() -> int:
    """Close every register of the last days that is due; returns how many."""
    at = datetime.now(UTC)
    return _close(due_for_closing(at, since=at - LOOKS_BACK), at)


def close_older_registers() -> int:
    """The same, however old the class is."""
    at = datetime.now(UTC)
    return _close(due_for_closing(at), at)


def _close(due: Sequence[ClassSession], at: datetime) -> int:
    for first in range(0, len(due), AT_ONCE):
        if first:
            let_others_write()
        together = due[first : first + AT_ONCE]
        try:
            services.close_classes(together, at=at)
        except DatabaseError as failure:  # one class that cannot be closed must not keep the others open
            log.warning("close.apart", why=str(failure))
            for session in together:
                services.close_classes([session], at=at)
    return len(due)


def sweep_corrections() -> int:
    """Note corrections after a report that crossed with the report itself; how many."""
    return reported.sweep_corrections(at=datetime.now(UTC))


def tend_checks() -> int:
    """Second checks: begin what is planned for now, settle what is over; how many steps were made."""
    return checks.tend_checks(at=datetime.now(UTC))


def find_alerts() -> int:
    """Look at every student by the alert rules in force; how many alerts were found."""
    return evaluation.evaluate(at=datetime.now(UTC))


def rehearse_rules() -> int:
    """The same by the rules in rehearsal, which no student hears of; how many would have been found."""
    return rehearsals.rehearse(at=datetime.now(UTC))


def follow_alerts() -> int:
    """Look again at alerts whose records have changed; how many moved."""
    return evaluation.follow(at=datetime.now(UTC))


def tend_cases() -> int:
    """What is in the hands of staff who have left or are away goes to others, and so do concerns that nobody acknowledged; how
    many."""
    at = datetime.now(UTC)
    return settle_owners(at=at) + pass_on_unacknowledged(at=at)


def tell_people() -> int:
    """Have every topic told, each in a job of its own: one that fails holds up no other. Returns how many there are."""
    for name in TOPICS:
        enqueue(tell_of, topic=name)
    return len(TOPICS)


def tell_of(*, topic: str) -> int:
    """Write the messages of one topic that are due; how many."""
    return tell(TOPICS[topic], at=datetime.now(UTC))


def send_messages() -> int:
    """Send by mail what is due, and set aside what came too late or is not to be sent any more; how many letters the mail
    server took."""
    at = datetime.now(UTC)
    outbox.stop(at=at)
    outbox.lapse(at=at)
    week.gather(at=at)
    return mail.send_due(lambda: datetime.now(UTC)) if mail.is_configured() else 0


def push_messages() -> int:
    """Tell phones what is due; how many were told."""
    return push.send_due(lambda: datetime.now(UTC))


def read_bounces() -> int:
    """Read what mail servers sent back; how many messages came a step further by it."""
    return bounces.read_bounces(at=datetime.now(UTC)) if settings.MAIL_BOUNCES else 0


def follow_unopened() -> int:
    """Take formal messages that are not opened on to the next channel; how many."""
    at = datetime.now(UTC)
    return unopened.close_stopped(at=at) + unopened.follow(at=at)


def poll_feeds() -> int:
    """Have every feed that is due asked, each in a job of its own, and mark those that have been silent for too long.
    Returns how many are due."""
    at = datetime.now(UTC)
    polling.raise_alarms(at)
    waiting = polling.due(at)
    for pk in waiting:
        enqueue(poll_feed, pk=pk)
    return len(waiting)


def poll_feed(*, pk: int) -> str:
    """Poll one feed, unless another worker has it or has just done so; returns the result."""
    poll = polling.poll(pk, at=datetime.now(UTC), chance=secrets.randbelow(1000) / 1000)
    return poll.outcome if poll else ""


def report_access() -> None:
    """Keep what was unusual in last week's looks at records, and seal the looks of days that are over."""
    at = datetime.now(UTC)
    monday = monday_of(civil_date(at)) - timedelta(weeks=1)
    keep_report(monday, unusual_in_week(monday, university_zone()), at=at)
    seal_looks(at=at)


def seal_events() -> int:
    """Give every new event its place in the tree; how many there were."""
    return seal(at=datetime.now(UTC))


def sign_the_log() -> None:
    """Publish the hour's checkpoint, unless nothing has happened since the last one and that is not a day old. Raises
    AdsumError when it could not be kept elsewhere: then the job is seen to fail."""
    at = datetime.now(UTC)
    seal(at=at)
    log = standing()
    # Publishing leaves an event of its own, which is nothing to publish again for.
    idle = log.checkpoint is not None and log.size <= log.checkpoint.size + 1 and at - log.checkpoint.at < timedelta(days=1)
    if log.size and not idle:
        publish(by="system:checkpoint", at=at)


def sweep_the_log() -> int:
    """Look through all events for one without a place; how many there were."""
    return seal(at=datetime.now(UTC), sweep=True)


VERIFIED_EVERY = timedelta(hours=20)
RETAINS_FOR = 6 * 3600
"""Seconds after which a run of retention that has not come to its end is taken for lost."""
VERIFIES_FOR = 6 * 3600
"""Seconds after which one that was begun and has kept no outcome is taken for lost."""


def verify_the_log() -> bool:
    """Have the log verified, unless that was done today already (a worker that starts does every job); whether it was
    begun. In a process of its own: a large log takes minutes, and no class is closed late for it."""
    last = last_verification(by="system:verification")
    return _once_a_day("verify", last.at if last else None)


def reconcile_the_record() -> bool:
    """Have marks, their history, roles and looks compared with the log, likewise."""
    last = last_reconciliation(by="system:reconciliation")
    return _once_a_day("reconcile", last.at if last else None)


def _once_a_day(action: str, last: datetime | None) -> bool:
    due = has_events() and (last is None or datetime.now(UTC) - last > VERIFIED_EVERY)
    if not due or not cache.add(f"audit_{action}", 1, timeout=VERIFIES_FOR):
        return False
    leave("audit", action, "--recent")
    return True


def end_reports() -> int:
    """End the reports by mail of people whose role is over; how many."""
    return ordering.end_orders(at=datetime.now(UTC))


def end_what_is_over() -> bool:
    """Have everything ended whose time is over, unless it is being done; whether it was begun. In a process of its own: a
    year's leavers take minutes, and no class is closed late for them."""
    if not cache.add("retention", 1, timeout=RETAINS_FOR):
        return False
    leave("retention", "run")
    return True


def open_duties() -> int:
    """Open a duty for each enrolment of a sponsored student that ended or was suspended; how many."""
    return follow_enrolments(at=datetime.now(UTC))


def find_contradictions() -> int:
    """Look for contradictions in the classes of the last week; how many are new."""
    return contradictions.find_contradictions(at=datetime.now(UTC))


def empty_packs() -> int:
    """Empty the files of samples of evidence packs drawn some days ago: they can be made again; how many."""
    return empty_samples(at=datetime.now(UTC))


def link_absences() -> int:
    """Link absences with the classes that changed lately; how many absences."""
    return follow_timetable(at=datetime.now(UTC))


def tend_absences() -> int:
    """Link every absence that is not long over once more; how many."""
    at = datetime.now(UTC)
    return sweep(today=civil_date(at), at=at)


def publish_notices() -> int:
    """Make the versions of documents that are due, and delete people's files whose time is over; how many of both."""
    at = datetime.now(UTC)
    return len(publish_documents(at=at)) + forget_files(at=at)


def suggest_codes() -> int:
    """Work out what is suggested for funded students at the liability points that are due; how many suggestions changed."""
    at = datetime.now(UTC)
    follow_studies(at=at)
    return suggest_all(at=at)


def watch_sponsored() -> int:
    """Look at every sponsored student by both clocks; how many signs and duties are new. Raises AdsumError while no guidance
    is in force and somebody is sponsored, so that the job is seen to fail."""
    at = datetime.now(UTC)
    editions.load_shipped(at=at)
    return watch.watch(at=at) if sponsorship.current(civil_date(at)).exists() else 0


def ask_supervisors() -> int:
    """Ask for this month's supervisions, chase and close earlier ones; how many steps."""
    return supervisions.tend_supervisions(at=datetime.now(UTC))


def send_webhooks() -> int:
    """Write and send what applications want to be told; how many messages were taken."""
    webhooks.write_messages(at=datetime.now(UTC))
    return send_due_webhooks(lambda: datetime.now(UTC))


EVERY_MINUTES: dict[Callable[[], object], int] = {
    close_registers: 1,
    close_older_registers: 24 * 60,
    sweep_corrections: 24 * 60,
    tend_checks: 1,
    follow_alerts: 1,
    find_alerts: 24 * 60,
    rehearse_rules: 24 * 60,
    tell_people: 1,
    send_messages: 1,
    push_messages: 1,
    read_bounces: 2,
    follow_unopened: 60,
    poll_feeds: 1,
    seal_events: 1,
    send_webhooks: 1,
    sign_the_log: 60,
    sweep_the_log: 24 * 60,
    verify_the_log: 24 * 60,
    reconcile_the_record: 24 * 60,
    tend_cases: 30,
    open_duties: 15,
    link_absences: 1,
    empty_packs: 24 * 60,
    tend_absences: 24 * 60,
    publish_notices: 24 * 60,
    report_access: 60,
    end_reports: 60,
    end_what_is_over: 24 * 60,
    find_contradictions: 24 * 60,
    suggest_codes: 24 * 60,
    watch_sponsored: 24 * 60,
    ask_supervisors: 12 * 60,
}
"""The schedules: how many minutes between two runs."""

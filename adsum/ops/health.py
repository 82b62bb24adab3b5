"""`adsum check`: what is missing before people come, one line each, and what to do about it."""

import shutil
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, connection
from django.db.models.functions import Now
from django_q.models import Task
from rich.console import Console
from rich.table import Table

from adsum.audit import tree
from adsum.audit.reconciliation import last_reconciliation
from adsum.checkin.symbol import MOST_MODULES, longest_host, modules_of
from adsum.compliance import sponsorship
from adsum.compliance.guidance import Authority
from adsum.compliance.models import Edition, Funding
from adsum.core.holidays import working_days
from adsum.core.university import civil_date
from adsum.integrations.files import lettering
from adsum.messages import mail
from adsum.messages import reports as outbox
from adsum.ops import database
from adsum.ops.audit import may_change_the_log
from adsum.privacy.particulars import current
from adsum.privacy.purposes import missing
from adsum.timetable.sources import FeedMapping

MOST_OFFSET = timedelta(milliseconds=250)
"""How far this machine's clock may be from the database's (docs/check-in.md)."""
LEAST_FREE = 500 * 1024 * 1024
OLDEST_POSTGRESQL = 15
SILENT_AFTER = timedelta(minutes=5)
"""The worker finishes a job every minute; after this long without one it is not running."""
UNVERIFIED_AFTER = timedelta(days=3)
"""The worker has the event log verified every day."""
HOLIDAYS_LAST = timedelta(days=183)
"""The file of bank holidays has to reach this far: deadlines are set months ahead, and a newer file is published each year."""
BEHIND_AFTER = timedelta(minutes=30)
"""Letters leave within a minute or two; one that is due for longer than this means the mail is not well."""


class State(StrEnum):
    GOOD = "✓"
    UNWISE = "!"
    BAD = "✗"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, and what to do when it is not well."""

    what: str
    state: State
    says: str
    do: str = ""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--fix", action="store_true", help="bring the database and the static files to the version of this code, and no more"
    )


def run(args: Namespace) -> int:
    """Print every finding; 1 when something keeps Adsum from working."""
    if args.fix:
        fix()
        print("The database and the static files are those of this version.")
        return 0
    found = list(findings(datetime.now(UTC)))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    colours = {State.GOOD: "green", State.UNWISE: "yellow", State.BAD: "red"}
    for one in found:
        says = one.says + (f"\n[bold]→ {one.do}[/bold]" if one.do else "")
        table.add_row(f"[{colours[one.state]}]{one.state}[/]", f"[bold]{one.what}[/bold]", says)
    Console(highlight=False).print(table)
    return int(any(one.state == State.BAD for one in found))


def fix() -> None:
    """Bring the database and the static files to the version of this code."""
    if database.unapplied():
        database.migrate()
    if database.uncollected():
        database.collect()


def findings(at: datetime) -> Iterator[Finding]:
    """Everything there is to say. What needs the database is left out when it cannot be reached."""
    yield _address()
    yield _code_size()
    yield _disk()
    yield _static()
    yield _fonts()
    yield _holidays(civil_date(at))
    yield _somebody_to_ask()
    reachable = _database()
    yield reachable
    if reachable.state != State.BAD:
        migrated = _migrated()
        yield migrated
        if migrated.state == State.GOOD:
            yield _clock()
            yield _worker(at)
            yield _event_log()
            yield _verified(at)
            yield _reconciled(at)
            yield _mail(at)
            yield _feeds()
            yield _guidance(civil_date(at))
            yield _data_protection()


def _address() -> Finding:
    if settings.DEMO:
        return Finding("Address", State.UNWISE, f"{settings.ORIGIN}, and this is a demo", "Unset ADSUM_DEMO for real use.")
    if not settings.SECURE:
        return Finding(
            "Address",
            State.UNWISE,
            f"{settings.ORIGIN} is not encrypted",
            "Put a proxy with a certificate in front and set ADSUM_ORIGIN=https://…",
        )
    return Finding("Address", State.GOOD, settings.ORIGIN)


def _code_size() -> Finding:
    modules = modules_of(settings.ORIGIN)
    size = f"{modules} × {modules} modules"
    if modules <= MOST_MODULES:
        return Finding("QR code", State.GOOD, size)
    host = settings.ORIGIN.partition("://")[2]
    longest = longest_host(settings.ORIGIN, MOST_MODULES)
    return Finding(
        "QR code",
        State.UNWISE,
        f"{size}, since {host} has {len(host)} characters: hard to read from the back row",
        f"Use a shorter address in ADSUM_ORIGIN. A host of at most {longest} characters fits {MOST_MODULES} × {MOST_MODULES}.",
    )


def _disk() -> Finding:
    try:
        settings.DATA.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.DATA) as file:
            file.write(b"adsum")
    except OSError as refused:
        return Finding(
            "Disk",
            State.BAD,
            f"{settings.DATA} cannot be written to: {refused.strerror}",
            "Give it to the user Adsum runs as, or set ADSUM_DATA to another folder.",
        )
    free = shutil.disk_usage(settings.DATA).free
    if free < LEAST_FREE:
        return Finding(
            "Disk",
            State.UNWISE,
            f"only {free // 1024**2} MB are free in {settings.DATA}",
            "Make room: a full disk stops check-in.",
        )
    return Finding("Disk", State.GOOD, f"{settings.DATA}, {free / 1024**3:.0f} GB free")


def _static() -> Finding:
    if missing := database.uncollected():
        return Finding(
            "Static files", State.BAD, f"{len(missing)} not collected, the first is {missing[0]}", "Run: adsum check --fix"
        )
    return Finding("Static files", State.GOOD, "collected")


def _fonts() -> Finding:
    """Paper registers need no database, and names come in any script."""
    missing = lettering.missing_scripts()
    if not missing:
        return Finding("Fonts", State.GOOD, "names are printed on paper registers in every script we know")
    packages = " ".join(sorted({script.package for script in missing}))
    return Finding(
        "Fonts",
        State.UNWISE,
        f"no letters here for {', '.join(script.name for script in missing)}: on paper registers such names are left out, and "
        "the student’s number stands for them",
        f"On Debian or Ubuntu: apt install {packages}; then restart adsum serve.",
    )


def _holidays(today: date) -> Finding:
    """Deadlines reach into the future, so the file of bank holidays has to as well."""
    last = max(working_days().holidays)
    says = f"{settings.NATION}, until {last:%Y-%m-%d} ({settings.BANK_HOLIDAYS})"
    do = "Put a newer file in its place, from https://www.gov.uk/bank-holidays.json, and restart: ADSUM_BANK_HOLIDAYS."
    if last <= today:
        return Finding("Bank holidays", State.BAD, f"{says}: no working day after that can be counted", do)
    if last - today < HOLIDAYS_LAST:
        return Finding("Bank holidays", State.UNWISE, f"{says}: days after that cannot be counted", do)
    return Finding("Bank holidays", State.GOOD, says)


TOLD = {
    "TEAM_EMAIL": "the attendance team's e-mail",
    "TEAM_TELEPHONE": "its telephone",
    "TEAM_HOURS": "its hours",
    "HELP_DESK_EMAIL": "the help desk's e-mail",
    "HELP_DESK_TELEPHONE": "its telephone number",
    "WELLBEING_URL": "the wellbeing page",
}
"""What pages say of whom to ask, by the setting it comes from. The documents and guides have pages of Adsum's own."""


def _somebody_to_ask() -> Finding:
    """Every page that refuses something says whom to ask: without these it can only say "the attendance team"."""
    wanted = {name: what for name, what in TOLD.items() if not getattr(settings, name)}
    if not wanted:
        return Finding("Somebody to ask", State.GOOD, f"{settings.TEAM_EMAIL}, {settings.TEAM_TELEPHONE}")
    return Finding(
        "Somebody to ask",
        State.UNWISE,
        f"not given: {', '.join(wanted.values())}",
        f"Set {', '.join(f'ADSUM_{name}' for name in wanted)}: they stand at the foot of every page and on every refusal.",
    )


def _database() -> Finding:
    try:
        connection.ensure_connection()
    except DatabaseError as refused:
        return Finding(
            "Database",
            State.BAD,
            f"cannot be reached: {str(refused).strip().splitlines()[0]}",
            "Start it, and look at ADSUM_DATABASE_URL.",
        )
    version = ".".join(str(part) for part in connection.get_database_version())
    if connection.vendor == "postgresql" and connection.get_database_version() < (OLDEST_POSTGRESQL,):
        return Finding(
            "Database", State.BAD, f"PostgreSQL {version}", f"Upgrade it to PostgreSQL {OLDEST_POSTGRESQL} or newer."
        )
    return Finding("Database", State.GOOD, f"{connection.display_name} {version}")


def _migrated() -> Finding:
    if missing := database.unapplied():
        return Finding(
            "Tables",
            State.BAD,
            f"{len(missing)} migrations are missing, the first is {missing[0]}",
            "Make a backup, then run: adsum check --fix",
        )
    return Finding("Tables", State.GOOD, "as this code needs them")


def _clock() -> Finding:
    """Half the way there and back is the moment the database answered."""
    asked = datetime.now(UTC)
    theirs = ContentType.objects.annotate(now=Now()).values_list("now", flat=True).first() or asked
    answered = datetime.now(UTC)
    offset = theirs - (asked + (answered - asked) / 2)
    text = f"{offset.total_seconds() * 1000:+.0f} ms from the database's"
    if abs(offset) > MOST_OFFSET:
        return Finding("Clock", State.BAD, text, "Let both machines follow the same time server (chrony or systemd-timesyncd).")
    return Finding("Clock", State.GOOD, text)


def _worker(at: datetime) -> Finding:
    last = Task.objects.filter(success=True).order_by("-stopped").values_list("stopped", flat=True).first()
    if last is None or at - last > SILENT_AFTER:
        since = "no job was ever done" if last is None else f"the last job was done at {last:%Y-%m-%d %H:%M} UTC"
        return Finding("Worker", State.BAD, since, "Start it, on one machine: adsum work")
    return Finding("Worker", State.GOOD, f"did a job {(at - last).total_seconds():.0f} s ago")


def _mail(at: datetime) -> Finding:
    counts, oldest = outbox.counts(), outbox.oldest_due(at)
    if not mail.is_configured():
        return Finding(
            "Mail",
            State.UNWISE,
            f"nothing is sent by mail; {counts['waiting']} messages can be read in Adsum only",
            "Set ADSUM_MAIL_HOST and ADSUM_MAIL_FROM: see docs/operations.md.",
        )
    if oldest is not None and at - oldest > BEHIND_AFTER:
        return Finding(
            "Mail",
            State.BAD,
            f"{settings.EMAIL_HOST}: a message is due since {oldest:%Y-%m-%d %H:%M} UTC",
            "Look at the administrators' page Mail: it has what the mail server said.",
        )
    wrong = "".join(
        f", {counts[one]} {word}" for one, word in (("refused", "were refused"), ("bounced", "came back")) if counts[one]
    )
    return Finding("Mail", State.GOOD, f"{settings.EMAIL_HOST}, {counts['sent'] + counts['delivered']} sent{wrong}")


def _feeds() -> Finding:
    polled = FeedMapping.objects.filter(next_poll_at__isnull=False)
    stale = list(polled.exclude(stale_since=None).order_by("name"))
    if not stale:
        return Finding("Feeds", State.GOOD, f"{polled.count()} polled, none is stale")
    told = "; ".join(f"{feed.name} since {feed.last_success_at or feed.watched_since:%Y-%m-%d %H:%M} UTC" for feed in stale)
    why = next((feed.last_error for feed in stale if feed.last_error), "")
    return Finding("Feeds", State.UNWISE, f"without an answer: {told}. {why}".strip(), "Look at Imports, Feeds.")


def _guidance(today: date) -> Finding:
    """Without guidance in force nothing is watched, and no job says so but that of the night."""
    what = "Guidance"
    sponsored = sponsorship.current(today).exists()
    funded = Funding.objects.exclude(ends_on__lt=today).exists()
    missing = [
        whose
        for whose, here in ((Authority.UKVI, sponsored), (Authority.SLC, funded))
        if here and not Edition.objects.filter(authority=whose, in_force_from__lte=today).exists()
    ]
    if not missing:
        says = "in force for whom it is needed" if sponsored or funded else "no sponsored or funded students are known"
        return Finding(what, State.GOOD, says)
    names = {Authority.UKVI: "sponsored students: no clock runs", Authority.SLC: "funded students: no code is suggested"}
    return Finding(
        what,
        State.BAD,
        f"no edition is in force for {' and for '.join(names[one] for one in missing)}, and nothing opens by itself",
        "A compliance officer puts an edition in force: Guidance.",
    )


def _verified(at: datetime) -> Finding:
    last = tree.last_verification()
    if last is None:
        never = State.UNWISE if tree.has_events() else State.GOOD
        return Finding(
            "Verification",
            never,
            "the event log was never verified",
            "The worker does it every day; or run: adsum audit verify",
        )
    text = f"{last.size:,} events on {last.at:%Y-%m-%d %H:%M} UTC"
    if last.wrong:
        return Finding(
            "Verification",
            State.BAD,
            f"{text}: {last.wrong} at place {last.place}, event {last.event_id}",
            "Change nothing, keep a copy of the database, and read “Verify” in docs/audit.md.",
        )
    if at - last.at > UNVERIFIED_AFTER:
        return Finding("Verification", State.UNWISE, text, "See why the worker has not done it, or run: adsum audit verify")
    return Finding("Verification", State.GOOD, text)


def _reconciled(at: datetime) -> Finding:
    last = last_reconciliation()
    if last is None:
        never = State.UNWISE if tree.has_events() else State.GOOD
        return Finding(
            "Reconciliation",
            never,
            "the record was never compared with the event log",
            "The worker does it every day; or run: adsum audit reconcile",
        )
    rows = sum(last.compared.get(kind, 0) for kind in ("marks", "steps", "roles", "looks"))
    text = f"{rows:,} rows on {last.at:%Y-%m-%d %H:%M} UTC"
    if last.differs:
        return Finding(
            "Reconciliation",
            State.BAD,
            f"{text}: {last.differs} in {last.table}, row {last.row}, event {last.event_id}, {last.about}",
            "Change nothing, keep a copy of the database, and read “Reconcile” in docs/audit.md.",
        )
    if at - last.at > UNVERIFIED_AFTER:
        return Finding(
            "Reconciliation", State.UNWISE, text, "See why the worker has not done it, or run: adsum audit reconcile"
        )
    return Finding("Reconciliation", State.GOOD, text)


def _data_protection() -> Finding:
    """What the university has to say before people come, docs/rules.md D 1."""
    wanted = missing(current())
    if wanted:
        said = ", ".join(f"{what} of {purpose}" if purpose else what for what, purpose in wanted)
        return Finding(
            "Data protection",
            State.UNWISE,
            f"not ready: {said} not given",
            "Have the data-protection officer fill in Documents and lawful basis (/privacy/particulars/).",
        )
    return Finding("Data protection", State.GOOD, "lawful basis and contact are given")


def _event_log() -> Finding:
    if may_change_the_log():
        return Finding(
            "Event log",
            State.UNWISE,
            "the role Adsum connects as could change events",
            "Let another role own the tables, and as that owner run: adsum audit protect ROLE (docs/audit.md)",
        )
    return Finding("Event log", State.GOOD, "can only be added to")

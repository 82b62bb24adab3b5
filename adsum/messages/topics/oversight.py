"""What those who watch over the logs are told: records opened from outside, the week's unusual looks, a log that is wrong.

No letter names anybody: it has numbers, and leads to the page."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from adsum.accounts.models import BreakGlass, Person, RoleGrant
from adsum.accounts.rules import READS_ACCESS_LOG, Role
from adsum.audit.reports import kept_report
from adsum.audit.rules import Unusual
from adsum.audit.tree import last_verification
from adsum.core.clock import monday_of
from adsum.core.university import civil_date
from adsum.messages.models import Message
from adsum.messages.reports import Draft, Pending, untold
from adsum.messages.rules import KEPT_DUE, LONGEST, STALE, Kind, is_night


def holders(roles: Iterable[Role], at: datetime) -> list[Person]:
    """Everyone active who holds one of these roles (one query)."""
    held = RoleGrant.objects.filter(role__in=roles).held_on(civil_date(at))
    return list(Person.objects.filter(pk__in=held.values("person"), is_active=True).order_by("pk"))


def records_opened(after: int, at: datetime, zone: ZoneInfo) -> Pending:
    """Records opened from outside that nobody has read of: told at once, or in the morning; what is opened within twenty
    minutes of the last letter is gathered for the next. Whoever opened one is not told of it."""
    rows = list(untold(BreakGlass.objects.filter(opened_at__gt=at - STALE), "break_glass", after))
    unread = [row for row in rows if row.seen_at is None]
    pending = Pending(done=[row.pk for row in rows if row.seen_at is not None])
    if not unread:
        return pending
    if is_night(at, zone) or Message.objects.filter(kind=Kind.RECORD_OPENED, created_at__gt=at - LONGEST).exists():
        pending.first_left = unread[0].pk
        return pending
    pending.done += [row.pk for row in unread]
    waiting = BreakGlass.objects.filter(seen_at=None).count()
    for person in holders([Role.DATA_PROTECTION], at):
        theirs = [row.pk for row in unread if row.viewer_id != person.pk]
        if theirs:
            facts = {"opened": len(theirs), "waiting": waiting}
            key = f"{Kind.RECORD_OPENED}:{person.pk}:{theirs[-1]}"
            pending.drafts.append(Draft(person, Kind.RECORD_OPENED, key, facts, at + KEPT_DUE))
    return pending


def unusual_looks(at: datetime, zone: ZoneInfo) -> list[Draft]:
    """Last week's report, in numbers, for each data-protection officer, once it is made: from Monday on, for some days."""
    monday = monday_of(civil_date(at)) - timedelta(weeks=1)
    over = datetime.combine(monday + timedelta(weeks=1), time(0), tzinfo=zone)
    found = kept_report(monday) if at - over < STALE else None
    if found is None:
        return []
    counts = Counter(finding.kind for finding in found)
    facts = {"monday": monday.isoformat(), "numbers": {kind.value: counts[kind] for kind in Unusual if counts[kind]}}
    return [
        Draft(person, Kind.UNUSUAL_LOOKS, f"{Kind.UNUSUAL_LOOKS}:{person.pk}:{monday}", facts, at + KEPT_DUE)
        for person in holders([Role.DATA_PROTECTION], at)
    ]


def log_wrong(at: datetime) -> list[Draft]:
    """That the last verification found something wrong, for auditors and data protection: each finding once."""
    last = last_verification()
    if last is None or not last.wrong or at - last.at > STALE:
        return []
    what = f"{last.wrong}:{last.place}:{last.event_id}"
    facts = {"at": last.at.isoformat(), "wrong": last.wrong, "place": last.place, "event": last.event_id}
    return [
        Draft(person, Kind.LOG_WRONG, f"{Kind.LOG_WRONG}:{person.pk}:{what}", facts, at + KEPT_DUE)
        for person in holders(READS_ACCESS_LOG, at)
    ]

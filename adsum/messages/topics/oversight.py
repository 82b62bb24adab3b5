"""What those who watch over the logs are told: records opened from outside, the week's unusual looks, a log that is wrong.

Letters never name people: they give numbers and a link to the page."""

from collections import Counter
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.accounts.models import BreakGlass
from adsum.accounts.rules import READS_ACCESS_LOG, Role
from adsum.audit.encoding import Differs, Wrong
from adsum.audit.following import Reader
from adsum.audit.reconciliation import last_reconciliation
from adsum.audit.reports import kept_report
from adsum.audit.rules import Unusual
from adsum.audit.tree import last_verification
from adsum.core.clock import monday_of
from adsum.core.university import civil_date
from adsum.messages.letter import Facts, Item, Letter, when
from adsum.messages.models import Message
from adsum.messages.reports import holders
from adsum.messages.rules import KEPT_DUE, LONGEST, STALE, is_night
from adsum.messages.topic import Draft, Kind, Pending, Reading, Topic

OPENED, LOOKS, LOG = "record_opened", "unusual_looks", "log_wrong"


def records_opened(reader: Reader, at: datetime, zone: ZoneInfo) -> Pending:
    """Records opened from outside and not yet read about: told at once, or in the morning. Those opened within twenty minutes
    of the last letter are gathered for the next. The person who opened one is not told of it."""
    rows = list(reader.left(BreakGlass.objects.filter(opened_at__gt=at - STALE)))
    unread = [row for row in rows if row.seen_at is None]
    pending = Pending(done=[row.pk for row in rows if row.seen_at is not None])
    if not unread:
        return pending
    if is_night(at, zone) or Message.objects.filter(kind=OPENED, created_at__gt=at - LONGEST).exists():
        pending.first_left = unread[0].pk
        return pending
    pending.done += [row.pk for row in unread]
    waiting = BreakGlass.objects.filter(seen_at=None).count()
    for person in holders([Role.DATA_PROTECTION], at):
        theirs = [row.pk for row in unread if row.viewer_id != person.pk]
        if theirs:
            facts = {"opened": len(theirs), "waiting": waiting}
            key = f"{OPENED}:{person.pk}:{theirs[-1]}"
            pending.drafts.append(Draft(person, OPENED, key, facts, at + KEPT_DUE))
    return pending


def unusual_looks(_reader: Reader, at: datetime, zone: ZoneInfo) -> Pending:
    """Last week's report, in numbers, for each data-protection officer, once it is made: from Monday on, for some days."""
    monday = monday_of(civil_date(at)) - timedelta(weeks=1)
    over = datetime.combine(monday + timedelta(weeks=1), time(0), tzinfo=zone)
    found = kept_report(monday) if at - over < STALE else None
    if found is None:
        return Pending()
    counts = Counter(finding.kind for finding in found)
    facts = {"monday": monday.isoformat(), "numbers": {kind.value: counts[kind] for kind in Unusual if counts[kind]}}
    drafts = [
        Draft(person, LOOKS, f"{LOOKS}:{person.pk}:{monday}", facts, at + KEPT_DUE)
        for person in holders([Role.DATA_PROTECTION], at)
    ]
    return Pending(drafts)


def log_wrong(_reader: Reader, at: datetime, _zone: ZoneInfo) -> Pending:
    """That the last verification found something wrong, or the last comparison a difference, for auditors and data
    protection: each finding once."""
    found: list[tuple[str, dict[str, Any]]] = []
    last = last_verification()
    if last is not None and last.wrong and at - last.at <= STALE:
        facts = {"at": last.at.isoformat(), "wrong": last.wrong, "place": last.place, "event": last.event_id}
        found.append((f"{last.wrong}:{last.place}:{last.event_id}", facts))
    other = last_reconciliation()
    if other is not None and other.differs and at - other.at <= STALE:
        found.append((":".join(map(str, other.finding.values())), {"at": other.at.isoformat(), **other.finding}))
    people = holders(READS_ACCESS_LOG, at) if found else []
    return Pending(
        [Draft(person, LOG, f"{LOG}:{person.pk}:{what}", facts, at + KEPT_DUE) for person in people for what, facts in found]
    )


# What it says


UNUSUAL = {
    Unusual.MANY_OUTSIDE: gettext_lazy("Many records from outside in one day"),
    Unusual.OUTSIDE: gettext_lazy("Opened from outside the usual relationship"),
    Unusual.MANY_PEOPLE: gettext_lazy("Very many records in one day"),
    Unusual.COLLEAGUE: gettext_lazy("Record of a student who also works here"),
    Unusual.REPEATED: gettext_lazy("One record again and again"),
    Unusual.AT_NIGHT: gettext_lazy("Looked at night"),
    Unusual.MANY_LISTED: gettext_lazy("Very many people in lists in one day"),
    Unusual.MANY_CLASSES: gettext_lazy("Very many registers and modules in one day"),
}
WRONG = {
    Wrong.ALTERED: gettext_lazy("an event was altered"),
    Wrong.REMOVED: gettext_lazy("an event was removed"),
    Wrong.INSERTED: gettext_lazy("an event was inserted afterwards"),
    Wrong.REORDERED: gettext_lazy("events were reordered"),
    Wrong.TRUNCATED: gettext_lazy("the log was cut off"),
    Wrong.REWRITTEN: gettext_lazy("the log was rewritten"),
    Wrong.ROLLED_BACK: gettext_lazy("an older state was restored"),
    Wrong.UNSIGNED: gettext_lazy("a checkpoint is not signed by a key of ours"),
    Wrong.NAMELESS: gettext_lazy("who somebody is was removed, and nobody erased them"),
    Wrong.TREE: gettext_lazy("the stored tree is damaged, the events are right"),
}


def _opened(facts: Facts) -> Letter:
    opened, waiting = facts["opened"], facts["waiting"]
    subject = ngettext("A record was opened from outside", "%(n)s records were opened from outside", opened) % {"n": opened}
    left = ngettext("%(n)s in all waits to be read.", "%(n)s in all wait to be read.", waiting) % {"n": waiting}
    return Letter(
        subject=subject,
        opening=_("Somebody gave a reason and opened a student’s record outside the usual relationship."),
        closing=[_("Who, whose record, for which purpose and in which words, is on the page “Who looked”."), left],
        action=(_("Read the reasons"), "/privacy/access/"),
    )


def _looks(facts: Facts) -> Letter:
    monday = date.fromisoformat(facts["monday"])
    week = {"first": date_format(monday, "j F"), "last": date_format(monday + timedelta(days=6), "j F Y")}
    numbers = {Unusual(kind): n for kind, n in facts["numbers"].items()}
    count = sum(numbers.values())
    found = ngettext("%(n)s unusual look at records", "%(n)s unusual looks at records", count) % {"n": count}
    return Letter(
        subject=(found if count else _("No unusual looks at records")) + ", " + _("%(first)s to %(last)s") % week,
        opening=_("A line accuses nobody: most looks have a good reason. It is what you may want to ask about.")
        if count
        else _("Nothing in the access log of this week was unusual."),
        items=[Item(str(UNUSUAL[kind]), [str(n)]) for kind, n in numbers.items()],
        action=(_("See the week"), f"/privacy/access/?week={monday.isoformat()}"),
    )


TABLES = {
    "adsum_mark": gettext_lazy("marks"),
    "adsum_markchange": gettext_lazy("the history of marks"),
    "adsum_rolegrant": gettext_lazy("roles"),
    "adsum_accesslog": gettext_lazy("looks at records"),
    "adsum_lookseal": gettext_lazy("what seals the looks at records"),
}
DIFFERS = {
    Differs.UNRECORDED: gettext_lazy("a row has no event"),
    Differs.DIFFERENT: gettext_lazy("a row differs from the log"),
    Differs.LOST: gettext_lazy("a row that the log knows is missing"),
    Differs.OUT_OF_ORDER: gettext_lazy("rows are in a different order"),
    Differs.MISCOUNTED: gettext_lazy("there are more or fewer rows than the log knows"),
}


def difference(facts: Facts) -> str:
    """Such as "in marks a row has no event: row 12, session:7"."""
    where = [_("row %(n)s") % {"n": facts["row"]}] if facts["row"] is not None else []
    where += [_("event %(n)s") % {"n": facts["event"]}] if facts["event"] is not None else []
    where += [facts["about"]] if facts["about"] else []
    what = _("in %(table)s %(what)s") % {"table": TABLES[facts["table"]], "what": DIFFERS[Differs(facts["differs"])]}
    return f"{what}: {', '.join(where)}" if where else what


def _log(facts: Facts) -> Letter:
    if "differs" in facts:
        told = {"when": when(facts["at"]), "what": difference(facts)}
        return Letter(
            subject=_("The record is not what the event log says"),
            opening=_("The comparison of %(when)s found a difference. First of all, %(what)s.") % told,
            closing=[
                _("Have whoever runs Adsum change nothing, keep a copy of the database, and read docs/audit.md, “Reconcile”.")
            ],
            action=(_("See the event log"), "/audit/"),
        )
    what = {"what": WRONG[Wrong(facts["wrong"])], "place": facts["place"], "when": when(facts["at"])}
    return Letter(
        subject=_("The event log is not as it was"),
        opening=_("The verification of %(when)s found something wrong. First of all, %(what)s: place %(place)s.") % what,
        closing=[_("Have whoever runs Adsum change nothing, keep a copy of the database, and read docs/audit.md, “Verify”.")],
        action=(_("See the event log"), "/audit/"),
    )


TOPIC = Topic(
    kinds=(
        Kind(OPENED, gettext_lazy("A record opened from outside"), _opened, mutable=False),
        Kind(LOOKS, gettext_lazy("The week’s unusual looks"), _looks),
        Kind(LOG, gettext_lazy("An event log that is wrong"), _log, mutable=False),
    ),
    readings=(
        Reading("break_glass", records_opened, follows=BreakGlass),
        Reading("unusual_looks", unusual_looks),
        Reading("log_wrong", log_wrong),
    ),
)

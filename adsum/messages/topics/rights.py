"""Requests and complaints about data: officers hear of new ones and of what falls due, the person hears of each step; and those
whom a document is for are told when it changes. Letters say that there is something, never what."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.accounts.models import Person
from adsum.accounts.rules import STAFF, Role
from adsum.audit.following import Reader
from adsum.core.university import civil_date
from adsum.messages.letter import Facts, Letter
from adsum.messages.reports import holders
from adsum.messages.rules import KEPT_DUE, STALE, About, is_night
from adsum.messages.topic import Draft, Kind, Pending, Reading, Topic
from adsum.privacy.models import DocumentVersion, RightsRequest, RightsStep
from adsum.privacy.purposes import Document
from adsum.privacy.requests import clock
from adsum.privacy.rights_rules import OFFICERS, TOLD, UNDER_WAY, State, Step

CAME, MOVED, DUE, CHANGED = "rights_came", "rights_moved", "rights_due", "document_changed"
WARNED_BEFORE = timedelta(days=7)
"""How long before a request has to be answered its officers are told."""
FOR = {Document.STUDENT_NOTICE: frozenset({Role.STUDENT}), Document.STAFF_NOTICE: STAFF}
"""Who is told when a document changes. The others are for those who answer for them, and stand on their page."""


def steps(reader: Reader, at: datetime, zone: ZoneInfo) -> Pending:
    """New steps, told in the day: what the person did, to the officers; what staff did, to the person."""
    rows = list(reader.left(RightsStep.objects.filter(at__gt=at - STALE).select_related("request__person")))
    if is_night(at, zone):
        return Pending(first_left=rows[0].pk if rows else None)
    pending = Pending(done=[row.pk for row in rows])
    officers = holders([Role.DATA_PROTECTION], at) if rows else []
    for row in rows:
        key, facts = f"{row.pk}", {"request": str(row.request.ref), "step": row.step}
        if row.by_id == row.request.person_id or row.step == Step.RECEIVED:
            theirs = [one for one in officers if one.pk not in {row.by_id, row.request.person_id}]
            pending.drafts += [Draft(one, CAME, f"{CAME}:{one.pk}:{key}", facts, at + KEPT_DUE) for one in theirs]
        if row.by_id != row.request.person_id and row.step in TOLD & (OFFICERS | {Step.RECEIVED}):
            pending.drafts.append(Draft(row.request.person, MOVED, f"{MOVED}:{key}", facts, at + KEPT_DUE))
    return pending


def due(_reader: Reader, at: datetime, _zone: ZoneInfo) -> Pending:
    """What is to be acknowledged or answered within a week, or should have been: each once for each day that is set."""
    today, found = civil_date(at), list[tuple[RightsRequest, date]]()
    for one in RightsRequest.objects.filter(state__in=UNDER_WAY).prefetch_related("steps"):
        days = clock(one, at)
        by = days.acknowledge_by or days.due_on
        if by - WARNED_BEFORE <= today and (one.state != State.WAITING or days.acknowledge_by):
            found.append((one, by))
    officers = holders([Role.DATA_PROTECTION], at) if found else []
    return Pending([_due_draft(person, one, by, at) for one, by in found for person in officers if person.pk != one.person_id])


def _due_draft(person: Person, one: RightsRequest, by: date, at: datetime) -> Draft:
    facts: dict[str, Any] = {"request": str(one.ref), "by": by.isoformat()}
    return Draft(person, DUE, f"{DUE}:{person.pk}:{one.pk}:{by}", facts, at + KEPT_DUE)


def documents(reader: Reader, at: datetime, zone: ZoneInfo) -> Pending:
    """A new version of a notice, for everyone whom it is for; of the first nobody is told."""
    rows = list(reader.left(DocumentVersion.objects.filter(since__gt=at - STALE)))
    if is_night(at, zone):
        return Pending(first_left=rows[0].pk if rows else None)
    drafts = [draft for row in rows if row.number > 1 for draft in _told_of(row, at)]
    return Pending(drafts, done=[row.pk for row in rows])


def _told_of(row: DocumentVersion, at: datetime) -> Iterable[Draft]:
    document = Document(row.document)
    facts = {"document": row.document, "number": row.number}
    for person in holders(FOR.get(document, frozenset()), at):
        yield Draft(person, CHANGED, f"{CHANGED}:{person.pk}:{row.pk}", facts, at + KEPT_DUE)


# What it says


def _came(facts: Facts) -> Letter:
    new = facts["step"] == Step.RECEIVED
    return Letter(
        _("A request or complaint about data has come") if new else _("Somebody wrote to a request about their data"),
        _("It is on the list, with the days by which it is acknowledged and answered."),
        action=(_("Open it"), f"/privacy/requests/{facts['request']}/"),
    )


MOVED_SUBJECTS = {
    Step.RECEIVED: gettext_lazy("Your request about your data was recorded"),
    Step.ACKNOWLEDGED: gettext_lazy("We have your request about your data"),
    Step.ASKED_IDENTITY: gettext_lazy("Please show who you are, so that your request can be answered"),
    Step.ASKED_SCOPE: gettext_lazy("Please say more closely what you mean, so that your request can be answered"),
    Step.EXTENDED: gettext_lazy("Your request about your data takes up to two months longer"),
    Step.ANSWERED: gettext_lazy("Your request about your data is answered"),
}


def _moved(facts: Facts) -> Letter:
    step = Step(facts["step"])
    asked = step in {Step.ASKED_IDENTITY, Step.ASKED_SCOPE}
    return Letter(
        str(MOVED_SUBJECTS.get(step, _("There is news about your request"))),
        _("What exactly is asked is on its page. The clock stands still until you reply.")
        if asked
        else _("What it says is on its page, which only you can read."),
        closing=[_("Not content with how this is handled? The Information Commissioner takes complaints: ico.org.uk.")]
        if step == Step.ANSWERED
        else [],
        action=(_("Read it"), f"/your-data/requests/{facts['request']}/"),
    )


def _due(facts: Facts) -> Letter:
    day = date_format(date.fromisoformat(facts["by"]), "j F")
    return Letter(
        _("A request about data is due by %(day)s") % {"day": day},
        _("It is to be acknowledged or answered by then. The law sets that day, so nothing else moves it."),
        action=(_("Open it"), f"/privacy/requests/{facts['request']}/"),
    )


def _changed(facts: Facts) -> Letter:
    path = "/privacy/" if facts["document"] == Document.STUDENT_NOTICE else "/privacy/staff/"
    return Letter(
        _("The privacy notice has changed"),
        _("It says what is kept about you, what for, on what basis and for how long. The earlier versions stand below it."),
        action=(_("Read version %(number)s") % {"number": facts["number"]}, path),
    )


TOPIC = Topic(
    kinds=(
        Kind(CAME, gettext_lazy("A request or complaint about data"), _came, mutable=False),
        Kind(MOVED, gettext_lazy("Your request about your data"), _moved, mutable=False, pushed=About.ANSWERS),
        Kind(DUE, gettext_lazy("Requests about data that fall due"), _due, mutable=False),
        Kind(CHANGED, gettext_lazy("A privacy notice that changed"), _changed, digest=True),
    ),
    readings=(
        Reading("rights_steps", steps, follows=RightsStep),
        Reading("rights_due", due),
        Reading("documents", documents, follows=DocumentVersion),
    ),
)

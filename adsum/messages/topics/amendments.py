"""Changes of marks that need two people: those that wait for a second person, and what became of a person's own."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.accounts.rules import Role
from adsum.attendance.models import Proposal, ProposedMark
from adsum.attendance.reports import departments_of
from adsum.audit.following import Reader
from adsum.messages.letter import MOST, Facts, Item, Letter, named, rest, status_word
from adsum.messages.reports import over_departments
from adsum.messages.rules import KEPT_DUE, STALE, digest_at
from adsum.messages.topic import Draft, Kind, Pending, Reading, Topic, class_named

WAITING, DECIDED = "proposal_waiting", "proposal_decided"


def proposals_waiting(reader: Reader, at: datetime, zone: ZoneInfo) -> Pending:
    """Changes that wait for a second person, gathered until the next digest: one draft for each of the attendance team over
    a department of the class, except the person who asked."""
    waiting = Proposal.objects.filter(state=Proposal.State.WAITING, at__gt=at - STALE)
    rows = reader.left(waiting).select_related("session__module")
    due = [one for one in rows if digest_at(one.at, zone) <= at]
    departments, marks = departments_of(one.session for one in due), _marks(due)
    pending = Pending(done=[one.pk for one in due])
    for person, over in over_departments(Role.ATTENDANCE_TEAM, at) if due else []:
        mine = [one for one in due if one.by_id != person.pk and (over is None or over & departments[one.session_id])]
        if mine:
            classes = [_facts(one, marks) for one in mine]
            key = f"{WAITING}:{person.pk}:{mine[-1].pk}"
            pending.drafts.append(Draft(person, WAITING, key, {"classes": classes}, at + KEPT_DUE))
    return pending


def proposals_decided(_reader: Reader, at: datetime, _zone: ZoneInfo) -> Pending:
    """A colleague's decisions about changes, for the people who asked for them: one draft each."""
    said = Proposal.objects.filter(state__in=[Proposal.State.CONFIRMED, Proposal.State.DECLINED], by__is_active=True)
    rows = list(said.filter(decided_at__gt=at - STALE, decided_at__lte=at).select_related("session__module", "by"))
    marks = _marks(rows)
    drafts = [
        Draft(one.by, DECIDED, f"{DECIDED}:{one.pk}", {**_facts(one, marks), "outcome": one.state}, at + KEPT_DUE)
        for one in rows
    ]
    return Pending(drafts)


def _marks(proposals: Collection[Proposal]) -> dict[int, int]:
    """By id, how many marks they are about (one query)."""
    found = ProposedMark.objects.filter(proposal__in=[one.pk for one in proposals]).values("proposal")
    return dict(found.annotate(n=Count("pk")).values_list("proposal", "n"))


def _facts(one: Proposal, marks: dict[int, int]) -> dict[str, Any]:
    return {**class_named(one.session), "marks": marks.get(one.pk, 0), "status": one.status}


# What it says


def _proposed(item: Facts, *more: str) -> Item:
    text = ngettext("%(n)s mark to become: %(status)s.", "%(n)s marks to become: %(status)s.", item["marks"])
    line = text % {"n": item["marks"], "status": status_word(item["status"])}
    return Item(named(item), [line, *more], f"/classes/{item['session']}/")


def _waiting(facts: Facts) -> Letter:
    classes = facts["classes"]
    subject = ngettext("%(n)s change waits for a second person", "%(n)s changes wait for a second person", len(classes))
    return Letter(
        subject=subject % {"n": len(classes)},
        opening=_("A colleague asks for marks to be changed, which takes two:"),
        items=[_proposed(item) for item in classes[:MOST]],
        closing=[*rest(len(classes)), _("Until somebody confirms it nothing changes.")],
        action=(_("Decide"), "/office/amendments/"),
    )


def _decided(facts: Facts) -> Letter:
    confirmed, words = facts["outcome"] == "confirmed", {"title": facts["title"]}
    subject = _("Your change in %(title)s is confirmed") if confirmed else _("Your change in %(title)s is declined")
    told = _("The marks have changed.") if confirmed else _("Nothing has changed. The register says why, for two weeks.")
    return Letter(
        subject=subject % words,
        opening=_("You asked for marks to be changed, and a colleague has decided."),
        items=[_proposed(facts, told)],
        action=(_("Open the register"), f"/classes/{facts['session']}/"),
    )


TOPIC = Topic(
    kinds=(
        Kind(WAITING, gettext_lazy("Changes that wait for a second person"), _waiting),
        Kind(DECIDED, gettext_lazy("What became of a change one asked for"), _decided),
    ),
    readings=(Reading("proposal", proposals_waiting), Reading("proposal_decided", proposals_decided)),
)

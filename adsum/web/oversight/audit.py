"""The event log for auditors and the data-protection officer: its state, and what happened, to whom, by whom and when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from adsum.accounts.models import Person
from adsum.accounts.rules import READS_ACCESS_LOG, Role
from adsum.audit import tree
from adsum.audit.encoding import ALIAS, Wrong
from adsum.audit.reconciliation import last_reconciliation
from adsum.audit.rules import Page
from adsum.core.clock import civil_day
from adsum.messages.topics.oversight import WRONG, difference
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import Relation, university_zone
from adsum.web.entered import DayField, number_of
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.oversight.happened import actor_of, detail_name, detail_value, sentence_of, subject_of
from adsum.web.viewing import looked_at, looked_through

PER_PAGE = 50


class SearchForm(forms.Form):
    """What an auditor looks for. Nothing is required."""

    who = forms.CharField(label=gettext_lazy("Person (e-mail or number)"), required=False, max_length=254)
    verb = forms.CharField(label=gettext_lazy("What happened (its code)"), required=False, max_length=64)
    subject = forms.CharField(label=gettext_lazy("To what"), required=False, max_length=96)
    since = DayField(label=gettext_lazy("From"), required=False)
    until = DayField(label=gettext_lazy("Until"), required=False)


@dataclass(frozen=True, slots=True)
class Row:
    """One event for the page."""

    place: int
    event: int | None
    at: datetime | None
    actor: str
    sentence: str
    verb: str
    subject: str
    detail: list[tuple[str, str]]


@require_safe
@for_roles(READS_ACCESS_LOG)
def log(request: PersonRequest) -> HttpResponse:
    """The state of the tree, and its events, the newest first."""
    form = SearchForm(request.GET)
    wanted = form.cleaned_data if form.is_valid() else {}
    people = _people(wanted.get("who", ""))
    for person in people or ():
        looked_at(request, person, Page.EVENTS, Relation(_role(request)))
    search = tree.Search(
        aliases=None if people is None else frozenset(token for one in people for token in tree.tokens_of(one.pk)),
        subject=wanted.get("subject", ""),
        verb=wanted.get("verb", ""),
        since=_day(wanted.get("since"), 0),
        until=_day(wanted.get("until"), 1),
    )
    before = request.GET.get("before", "")
    found, more = tree.events(search, before=number_of(before), limit=PER_PAGE)
    behind = tree.people_behind(tree.tokens_in(found))
    searched = {person.pk for person in people or ()}
    role = Relation(_role(request))
    looked_through(request, Page.EVENT_LIST, [(pk, role) for pk in behind.values() if pk not in searched])
    asked = {name: value for name, value in request.GET.items() if name in form.fields and value}
    standing = tree.standing()
    last = last_reconciliation()
    context = {
        "form": form,
        "standing": standing,
        "compared": last,
        "differs": last and last.differs and difference(last.finding),
        "wrong": WRONG[Wrong(standing.verification.wrong)] if standing.verification and standing.verification.wrong else "",
        "checkpoints": list(tree.published()[:5]),
        "rows": list(_rows(found, behind)),
        "searched": bool(asked),
        "nobody": people == [],
        "later": before and f"?{urlencode(asked)}",
        "older": f"?{urlencode({**asked, 'before': found[-1].index})}" if more and found else "",
    }
    return render(request, "adsum/oversight/audit.html", context)


def _role(request: PersonRequest) -> Role:
    return Role.AUDITOR if Role.AUDITOR in request.roles else Role.DATA_PROTECTION


def _people(who: str) -> list[Person] | None:
    """The people with this e-mail or number; None when no person was searched for."""
    if not who.strip():
        return None
    return list(Person.objects.filter(Q(username=who.strip().casefold()) | Q(number=who.strip()))[:5])


def _day(day: date | None, which: int) -> datetime | None:
    return civil_day(day, university_zone())[which] if day else None


def _rows(found: list[tree.Found], behind: dict[str, int]) -> Iterable[Row]:
    """The events in words, given who is behind which alias: one query for their names, one for the classes."""
    names = {person.pk: person.display_name for person in Person.objects.filter(pk__in=behind.values())}
    sessions = {
        int(number)
        for one in found
        if one.event
        for kind, _colon, number in [one.event.subject.partition(":")]
        if kind == "session" and number.isdecimal()
    }
    classes = {session.pk: session for session in ClassSession.objects.filter(pk__in=sessions).select_related("module")}

    def said(value: Any) -> str:
        if isinstance(value, list):
            return ", ".join(map(said, value))
        if isinstance(value, dict):
            return ", ".join(f"{name} {said(one)}" for name, one in sorted(value.items()))
        text = str(value)
        if match := ALIAS.fullmatch(text):
            known = behind.get(match[1])
            return names.get(known, _("Somebody who is no longer here")) if known else _("Somebody erased")
        kind, _colon, number = text.partition(":")
        if kind == "session" and number.isdecimal() and (session := classes.get(int(number))):
            return f"{session.module.code} {session.title}, {date_format(localtime(session.starts_at), 'j M Y, H:i')}"
        return text

    def about(text: str) -> str:
        told = said(text)
        return told if told != text else subject_of(text.partition(":")[0])

    for one in found:
        event = one.event
        if event is None:
            yield Row(one.index, None, None, "", "", "", "", [])
            continue
        detail = event.detail if isinstance(event.detail, dict) else {}
        told = [
            (detail_name(name), detail_value(name, said(value)))
            for name, value in sorted(detail.items())
            if value not in ("", None, [], {})
        ]
        who = actor_of(said(event.actor))
        yield Row(one.index, event.pk, event.at, who, sentence_of(event.verb), event.verb, about(event.subject), told)

"""Today: the class now, the next one, the days ahead, and how it is going."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import localtime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from adsum.accounts.models import Person
from adsum.attendance.record import OwnClass, account, classes_of, own_classes
from adsum.attendance.reports import outages_of
from adsum.checkin.models import Opening
from adsum.checkin.reports import paused, waiting_scans
from adsum.checkin.rules import Refusal
from adsum.core.clock import civil_day, monday_of
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import news_of, university_zone
from adsum.web.class_news import flags
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.signin import passes
from adsum.web.student import STUDENTS
from adsum.web.student.sentences import HELD_OWN, attended_lately, checkin_of, windows
from adsum.web.sums import left_out
from adsum.web.weeks import asked_week

WEEK = timedelta(weeks=1)
BACK = timedelta(weeks=4)
AHEAD_DAYS = 7
MOVES_SHOWN_FOR = timedelta(days=7)


@dataclass(frozen=True)
class Card:
    """One class on a day's list."""

    one: OwnClass
    state: str
    """now, next, later, done or cancelled."""
    checkin: str
    """As `checkin_of` says."""
    held: str
    """What waits for the lecturer of a scan that did not count at once; '' when nothing does."""
    opens_at: datetime
    present_until: datetime
    late_until: datetime
    flags: list[str]
    """What changed of it lately."""
    outage: str
    """Why its check-in is, or was, out of order; '' when it is not."""


@require_safe
def today(request: HttpRequest) -> HttpResponse:
    """The first page: what is on, where, and whether the student is checked in. With `?week=` that week instead."""
    if not request.user.is_authenticated and (student := passes.known_person(request)):
        return _todays_classes(request, student)
    return _today(request)  # type: ignore[arg-type]


@never_cache
def _todays_classes(request: Any, student: Person) -> HttpResponse:
    """What a browser shows in which a student is known for checking in, and not signed in: today's classes, and no record."""
    start, end = civil_day(request.today, university_zone())
    classes = own_classes(student, classes_of(student).filter(starts_at__gte=start, starts_at__lt=end))
    return render(
        request, "adsum/student/known_today.html", {"student": student, "cards": _cards(student, classes, request.at)}
    )


@for_roles(STUDENTS)
def _today(request: PersonRequest) -> HttpResponse:
    at = request.at
    if week := asked_week(request):
        return _week(request, week)
    start, _ = civil_day(request.today, university_zone())
    __, end = civil_day(request.today + timedelta(days=AHEAD_DAYS), university_zone())
    shown = classes_of(request.user).filter(ends_at__gt=at - BACK, starts_at__lt=end)
    classes = own_classes(request.user, shown, rooms_since=start)
    cards = _cards(request.user, [one for one in classes if one.session.ends_at > start], at)
    recent = account((one for one in classes if one.session.ends_at <= at or one.mark), at)
    today_ = [card for card in cards if localtime(card.one.session.starts_at).date() <= request.today]
    ahead = cards[len(today_) :]
    context = {
        "first": [card for card in today_ if card.state in {"now", "next"}],
        "later": [card for card in today_ if card.state == "later" or (card.state == "cancelled" and _to_come(card, at))],
        "earlier": [card for card in today_ if card.state == "done" or (card.state == "cancelled" and not _to_come(card, at))],
        "days": _by_day(ahead, tomorrow=request.today + timedelta(days=1)),
        "coming": next((card for card in ahead if not card.one.session.cancelled), None),
        "sum": attended_lately(recent),
        "left_out": left_out(recent),
        "monday": monday_of(request.today),
        "next_monday": monday_of(request.today) + WEEK,
    }
    return render(request, "adsum/student/today.html", context)


@require_safe
@for_roles(STUDENTS)
def kept(request: PersonRequest) -> HttpResponse:
    """The next seven days, as a phone keeps them for when it has no network: no marks, and nothing else of the record."""
    end = civil_day(request.today + timedelta(days=AHEAD_DAYS), university_zone())[1]
    shown = ClassSession.objects.expecting(request.user).filter(ends_at__gt=request.at, starts_at__lt=end)
    days = dict[date, list[ClassSession]]()
    for session in shown.prefetch_related("rooms").order_by("starts_at", "title", "pk"):
        days.setdefault(localtime(session.starts_at).date(), []).append(session)
    return render(request, "adsum/student/kept_today.html", {"days": list(days.items()), "account": None, "worker": False})


def _week(request: PersonRequest, monday: date) -> HttpResponse:
    """One week's classes, day by day."""
    start, end = civil_day(monday, university_zone())[0], civil_day(monday + timedelta(days=6), university_zone())[1]
    classes = own_classes(request.user, classes_of(request.user).filter(starts_at__gte=start, starts_at__lt=end))
    context = {
        "week": monday,
        "last": monday + timedelta(days=6),
        "earlier": monday - WEEK,
        "later": monday + WEEK,
        "days": _by_day(_cards(request.user, classes, request.at), tomorrow=request.today + timedelta(days=1)),
    }
    return render(request, "adsum/student/week.html", context)


def _to_come(card: Card, at: datetime) -> bool:
    return card.one.session.ends_at > at


def _cards(student: Person, classes: list[OwnClass], at: datetime) -> list[Card]:
    """Six queries: who has opened check-in, whether it is paused, which scans wait, what changed, and whether there is an
    outage (then three more)."""
    pks = [one.session.pk for one in classes]
    openings = {opening.session_id: opening for opening in Opening.objects.filter(session__in=pks)}
    news = news_of(pks, at - MOVES_SHOWN_FOR)
    is_paused = paused() is not None
    held = {scan.session_id: scan.refusal for scan in waiting_scans(pks).filter(student=student)}
    outages = outages_of([one.session for one in classes], at)
    upcoming = next((one for one in classes if one.session.starts_at > at and not one.session.cancelled), None)
    cards = []
    for one in classes:
        session = one.session
        window = windows(one, openings.get(session.pk))
        cards.append(
            Card(
                one=one,
                state=_state(one, at, is_next=one is upcoming),
                checkin=checkin_of(one, openings.get(session.pk), at, paused=is_paused),
                held=str(HELD_OWN[Refusal(held[session.pk])]) if session.pk in held else "",
                opens_at=window.opens_at,
                present_until=window.present_until,
                late_until=window.late_until,
                flags=flags(session, news.get(session.pk), staff=False),
                outage=outages[session.pk].reason if session.pk in outages and not session.cancelled else "",
            )
        )
    return cards


def _state(one: OwnClass, at: datetime, *, is_next: bool) -> str:
    if one.session.cancelled:
        return "cancelled"
    if one.session.ends_at <= at:
        return "done"
    if one.session.starts_at <= at:
        return "now"
    return "next" if is_next else "later"


def _by_day(cards: Iterable[Card], *, tomorrow: date) -> list[tuple[date, bool, list[Card]]]:
    """Each day ahead, whether it is tomorrow, and its classes."""
    days = dict[date, list[Card]]()
    for card in cards:
        days.setdefault(localtime(card.one.session.starts_at).date(), []).append(card)
    return [(day, day == tomorrow, on) for day, on in days.items()]

"""A class as lists show it: when it is, how it stands, what changed, and whether its code can be shown now."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db.models import QuerySet
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from adsum.attendance.models import Register
from adsum.attendance.reports import here_in
from adsum.checkin.reports import uncaptured
from adsum.checkin.services import SHOWN_BEFORE
from adsum.messages.rules import NO_CODE_AFTER
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import News, how_many_expected, news_of
from adsum.web.class_news import flags as flags_of

MOVES_SHOWN_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Row:
    """One class of a list."""

    session: ClassSession
    state: str
    """now, next, later, done or cancelled."""
    here: int
    expected: int
    showable: bool
    """Whether its code may be shown at this moment."""
    shown_from: datetime
    checkin_open: bool
    flags: list[str] = field(default_factory=list)

    @property
    def counted(self) -> bool:
        """Whether "18 of 21 here" says something yet."""
        return bool(self.here) or self.state in {"now", "done"}

    @property
    def not_observed(self) -> bool:
        register = getattr(self.session, "register", None)
        return register is not None and register.state == Register.State.NOT_OBSERVED


def in_order(sessions: QuerySet[ClassSession]) -> QuerySet[ClassSession]:
    """With what a row shows, by time (four queries)."""
    return (
        sessions.select_related("module", "register", "opening")
        .prefetch_related("rooms", "staff", "groups")
        .order_by("starts_at", "title", "pk")
    )


def rows(found: Iterable[ClassSession], at: datetime) -> list[Row]:
    """The rows of classes read by `in_order` (five queries, however many)."""
    sessions = list(found)
    pks = [session.pk for session in sessions]
    here, expected = here_in(pks), how_many_expected(pks)
    news = news_of(pks, at - MOVES_SHOWN_FOR)
    silent = set(uncaptured(at, began=NO_CODE_AFTER).filter(pk__in=pks).values_list("pk", flat=True))
    upcoming = next((one.pk for one in sessions if one.starts_at > at and not one.cancelled), None)
    return [
        Row(
            session=one,
            state=_state(one, at, is_next=one.pk == upcoming),
            here=here.get(one.pk, 0),
            expected=expected.get(one.pk, 0),
            flags=_flags(one, news.get(one.pk), at, silent=one.pk in silent),
            showable=not one.cancelled and one.starts_at - SHOWN_BEFORE <= at < one.ends_at,
            shown_from=one.starts_at - SHOWN_BEFORE,
            checkin_open=_checkin_open(one, at),
        )
        for one in sessions
    ]


def by_day(listed: Iterable[Row]) -> list[tuple[date, list[Row]]]:
    """Rows under their civil days, in order."""
    days: dict[date, list[Row]] = {}
    for row in listed:
        days.setdefault(localtime(row.session.starts_at).date(), []).append(row)
    return list(days.items())


def _state(session: ClassSession, at: datetime, *, is_next: bool) -> str:
    if session.cancelled:
        return "cancelled"
    if session.ends_at <= at:
        return "done"
    if session.starts_at <= at:
        return "now"
    return "next" if is_next else "later"


def _checkin_open(session: ClassSession, at: datetime) -> bool:
    opening = getattr(session, "opening", None)
    if opening is None or session.cancelled:
        return False
    return opening.stopped_at is None and opening.opens_at <= at < opening.late_until


def _flags(session: ClassSession, news: News | None, at: datetime, *, silent: bool) -> list[str]:
    told = flags_of(session, news, staff=True)
    if silent:
        minutes = int((at - session.starts_at).total_seconds() // 60)
        words = ngettext("Began %(minutes)s minute ago: show the code", "Began %(minutes)s minutes ago: show the code", minutes)
        told.insert(0, words % {"minutes": minutes})
    if session.suspect_since is not None:
        told.append(_("No longer in the timetable: does it take place?"))
    return told

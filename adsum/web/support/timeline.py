"""A student's timeline: every class, every change of a mark with who and why, every query and its answer, newest first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.accounts.models import Person
from adsum.accounts.rules import Role, reads_words
from adsum.attendance.labels import reason_label, source_label
from adsum.attendance.models import MarkChange, Query
from adsum.attendance.record import OwnClass, changes_of, queries_of
from adsum.attendance.rules import Reason, Source, Status
from adsum.timetable.models import ClassSession
from adsum.web.support.sentences import how

SORTS = {"class": gettext_lazy("Classes"), "change": gettext_lazy("Changes of marks"), "query": gettext_lazy("Queries")}
"""What a timeline can be narrowed to."""
OF_ABSENCE = frozenset({Status.AUTHORISED, Status.PENDING})


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline. `before` and `after` are statuses; `said` is what a person wrote, and `withheld` says that
    there is a text that this reader's role may not read."""

    at: datetime
    sort: str
    session: ClassSession
    head: str
    before: str = ""
    after: str = ""
    minutes_late: int = 0
    text: str = ""
    who: str = ""
    said: str = ""
    withheld: bool = False
    url: str = ""


def moments(student: Person, classes: list[OwnClass], role: Role | None, at: datetime, linked: frozenset[int]) -> list[Moment]:
    """Everything about these classes, newest first (two queries), as a person who opened the record as `role` may read it.
    `linked` are the classes whose registers they may open."""
    by_pk = {one.session.pk: one for one in classes}
    changes, queries = changes_of(student, by_pk), queries_of(student, by_pk)
    latest = {change.session_id: change for change in changes}
    found = [
        *(_class(one, latest.get(one.session.pk), at, linked, student) for one in classes),
        *_changes(changes, by_pk, student, role),
        *(moment for query in queries for moment in _query(query, by_pk[query.session_id].session, student, role)),
    ]
    return sorted(found, key=lambda moment: (moment.at, moment.session.pk, moment.sort != "class"), reverse=True)


def _class(one: OwnClass, change: MarkChange | None, at: datetime, linked: frozenset[int], student: Person) -> Moment:
    url = reverse("student_mark", args=[one.session.ref, student.ref]) if one.session.pk in linked else ""
    late = one.mark.minutes_late if one.mark else 0
    return Moment(
        one.session.starts_at, "class", one.session, "", after=one.status, minutes_late=late, text=how(one, change, at), url=url
    )


def _changes(changes: Iterable[MarkChange], by_pk: dict[int, OwnClass], student: Person, role: Role | None) -> Iterator[Moment]:
    """Where a mark was changed, or set by a person. Its birth by a scan or at the close is told with the class itself."""
    for change in changes:
        if not change.before and change.source != Source.STAFF:
            continue
        absence = {change.before, change.after} & OF_ABSENCE or change.reason_code == Reason.ABSENCE_AGREED
        reads = reads_words(role, about_absence=bool(absence))
        yield Moment(
            change.at,
            "change",
            by_pk[change.session_id].session,
            _("Mark changed") if change.before else _("Mark set"),
            before=change.before,
            after=change.after,
            minutes_late=change.minutes_late,
            who=str(change.by or (student if change.source == Source.SCAN else _("Adsum"))),
            text=" · ".join(part for part in (source_label(change.source), reason_label(change.reason_code)) if part),
            said=change.reason if reads else "",
            withheld=bool(change.reason) and not reads,
        )


def _query(query: Query, session: ClassSession, student: Person, role: Role | None) -> Iterator[Moment]:
    reads = reads_words(role, about_absence=False)

    def moment(at: datetime, head: str, who: str, said: str, after: str = "") -> Moment:
        return Moment(
            at, "query", session, head, after=after, who=who, said=said if reads else "", withheld=bool(said) and not reads
        )

    is_open = query.state == Query.State.OPEN and not session.cancelled
    yield moment(query.raised_at, _("Asked about the mark"), str(student), query.text, "under_query" if is_open else "")
    if query.answered_at is not None:
        head = _("Query upheld") if query.state == Query.State.UPHELD else _("Query declined")
        yield moment(query.answered_at, head, str(query.answered_by), query.answer)

"""Queries: raised, passed to the attendance team because they were not answered, and answered."""

from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.models import Mark, Query
from adsum.attendance.reports import QueryDates, departments_of, with_the_team
from adsum.attendance.rules import QUERY_TO_TEAM_AFTER
from adsum.audit.following import Reader
from adsum.messages.letter import MOST, Facts, Item, Letter, named, rest, status_word
from adsum.messages.reports import by_lecturer, over_departments
from adsum.messages.rules import KEPT_DUE, STALE, About, digest_at
from adsum.messages.topic import Draft, Kind, Pending, Reading, Topic, class_named
from adsum.timetable.reports import staff_of
from adsum.timetable.rules import ClassStatus

RAISED, ESCALATED, ANSWERED = "query_raised", "query_escalated", "query_answered"


def queries_raised(reader: Reader, at: datetime, zone: ZoneInfo) -> Pending:
    """Queries that wait for an answer, gathered until the next digest: one draft for each lecturer. Of a cancelled class
    no one is asked, unless it is restored while the query is fresh."""
    rows = reader.left(Query.objects.filter(raised_at__gt=at - STALE))
    pending, due = Pending(), list[Query]()
    for query in rows.select_related("session__module"):
        if query.state != Query.State.OPEN:
            pending.done.append(query.pk)
        elif not query.session.cancelled and digest_at(query.raised_at, zone) <= at:
            due.append(query)
            pending.done.append(query.pk)
        else:
            pending.first_left = pending.first_left or query.pk
    staff = staff_of({query.session_id for query in due})
    pending.drafts += [_about(RAISED, lecturer, queries, at) for lecturer, queries in by_lecturer(due, staff).items()]
    return pending


def _about(kind: str, person: Person, queries: list[Query], at: datetime) -> Draft:
    """One draft about these queries, by class."""
    asked: dict[int, dict[str, Any]] = {}
    for query in queries:
        line = asked.setdefault(query.session_id, {**class_named(query.session), "queries": 0})
        line["queries"] += 1
    return Draft(person, kind, f"{kind}:{person.pk}:{queries[-1].pk}", {"classes": list(asked.values())}, at + KEPT_DUE)


def queries_escalated(reader: Reader, at: datetime, zone: ZoneInfo) -> Pending:
    """Queries that their lecturers have not answered in time, or cannot answer, at the first digest of the day on which they
    become the attendance team's too: one draft for each of the team over a department of the class. None of a cancelled
    class."""
    waiting = Query.objects.filter(with_the_team(at), state=Query.State.OPEN)
    rows = reader.left(waiting).exclude(session__status=ClassStatus.CANCELLED).select_related("session__module")
    due = [
        query for query in rows if digest_at(datetime.combine(QueryDates.of(query).team_on, time(0), tzinfo=zone), zone) <= at
    ]
    pending = Pending(done=[query.pk for query in due])
    pending.standing = Query.objects.filter(state=Query.State.OPEN).values("pk")
    departments = departments_of(query.session for query in due)
    for person, over in over_departments(Role.ATTENDANCE_TEAM, at) if due else []:
        mine = [query for query in due if over is None or over & departments[query.session_id]]
        queries = [query for query in mine if query.student_id != person.pk]
        if queries:
            pending.drafts.append(_about(ESCALATED, person, queries, at))
    return pending


def queries_answered(_reader: Reader, at: datetime, _zone: ZoneInfo) -> Pending:
    """Answers to students: one draft each, with what their mark is now."""
    answered = Query.objects.filter(answered_at__gt=at - STALE, answered_at__lte=at, student__is_active=True)
    queries = list(answered.exclude(state=Query.State.OPEN).select_related("session__module", "student"))
    about = Mark.objects.filter(
        session__in=[query.session_id for query in queries], student__in=[q.student_id for q in queries]
    )
    marks = {(session, student): status for session, student, status in about.values_list("session", "student", "status")}
    drafts = [
        Draft(
            query.student,
            ANSWERED,
            f"{ANSWERED}:{query.pk}",
            {**class_named(query.session), "outcome": query.state, "mark": marks.get((query.session_id, query.student_id), "")},
            at + KEPT_DUE,
        )
        for query in queries
    ]
    return Pending(drafts)


# What it says


def _raised(facts: Facts) -> Letter:
    classes = facts["classes"]
    count = sum(item["queries"] for item in classes)
    waiting = ngettext("%(n)s student asks about a mark.", "%(n)s students ask about their marks.", count) % {"n": count}
    return Letter(
        subject=ngettext("%(n)s query waits for you", "%(n)s queries wait for you", count) % {"n": count},
        opening=waiting,
        items=[_asked(item) for item in classes[:MOST]],
        closing=[*rest(len(classes)), _("Until you answer, the mark is under query and counts against nobody.")],
        action=(_("See my classes"), "/teaching/"),
    )


def _escalated(facts: Facts) -> Letter:
    classes = facts["classes"]
    count = sum(item["queries"] for item in classes)
    return Letter(
        subject=ngettext("%(n)s query is now yours to answer", "%(n)s queries are now yours to answer", count) % {"n": count},
        opening=ngettext(
            "Its lecturers cannot say, or have not answered in %(days)s working days. It is the attendance team’s too:",
            "Their lecturers cannot say, or have not answered in %(days)s working days. They are the attendance team’s too:",
            count,
        )
        % {"days": QUERY_TO_TEAM_AFTER},
        items=[_asked(item) for item in classes[:MOST]],
        closing=[*rest(len(classes)), _("Until somebody answers, the mark is under query and counts against nobody.")],
        action=(_("See the queries"), "/office/queries/?who=team"),
    )


def _asked(item: Facts) -> Item:
    count = ngettext("%(n)s query", "%(n)s queries", item["queries"]) % {"n": item["queries"]}
    return Item(named(item), [count], f"/classes/{item['session']}/")


def _answered(facts: Facts) -> Letter:
    upheld = facts["outcome"] == "upheld"
    words = {"title": facts["title"], "status": status_word(facts["mark"])}
    return Letter(
        subject=_("Your query about %(title)s is answered: %(status)s") % words,
        opening=_("You said that a mark of yours was wrong. Somebody has looked at it."),
        items=[
            Item(
                named(facts),
                [
                    _("The mark was changed: %(status)s.") % words
                    if upheld
                    else _("The mark stays as it is: %(status)s.") % words
                ],
                f"/record/classes/{facts['session']}/",
            )
        ],
        closing=[_("The answer and its reason are on the page of the class.")],
        action=(_("Read the answer"), f"/record/classes/{facts['session']}/"),
    )


TOPIC = Topic(
    kinds=(
        Kind(RAISED, gettext_lazy("Queries that wait"), _raised),
        Kind(ESCALATED, gettext_lazy("Queries that have waited too long"), _escalated),
        Kind(ANSWERED, gettext_lazy("An answer to a query"), _answered, pushed=About.ANSWERS),
    ),
    readings=(
        Reading("query", queries_raised, follows=Query),
        Reading("query_answered", queries_answered),
        Reading("query_team", queries_escalated),
    ),
)

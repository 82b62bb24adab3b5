"""The reminder that is open, on the student's one page: what it rests on, five steps, and what closes it by itself."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from adsum.attendance.record import own_classes
from adsum.core.errors import AdsumError
from adsum.engagement.alert_labels import said
from adsum.engagement.alert_life import State
from adsum.engagement.checklist import answer, checklist, query_until
from adsum.engagement.checklist_steps import ANSWERED_HERE, Step
from adsum.engagement.models import Alert
from adsum.engagement.not_checked import not_checked
from adsum.engagement.reminders import finding_of, latest_reminder, open_reminder, promise_of
from adsum.engagement.why import why
from adsum.timetable.models import ClassSession
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.student import STUDENTS


class Words(NamedTuple):
    """How a step is offered."""

    title: Promise
    text: Promise
    button: Promise | None = None


STEPS = {
    Step.RECORD: Words(
        gettext_lazy("Check your record"),
        gettext_lazy("The classes are below, each with its mark and why it is so."),
        gettext_lazy("I have looked, and they are right"),
    ),
    Step.LECTURER: Words(
        gettext_lazy("Ask your lecturer"),
        gettext_lazy("If a mark is wrong, open the class and ask. While somebody looks, it counts against nobody."),
    ),
    Step.SCANNED: Words(
        gettext_lazy("I scanned, and it says absent"),
        gettext_lazy("Open the class and say so: what you tried is attached. It is one query, with your question."),
    ),
    Step.CIRCUMSTANCES: Words(
        gettext_lazy("Something makes it hard to come"),
        gettext_lazy("Illness, money, worries at home: your tutor and the support team would like to help."),
        gettext_lazy("I have told somebody, or would rather not say"),
    ),
    Step.RETURN: Words(gettext_lazy("Come back"), gettext_lazy("Every class you attend counts from now on.")),
}


def reminder_of(request: PersonRequest) -> dict[str, Any] | None:
    """What the page shows of the reminder that is open, or why the last one was closed; None without one."""
    alert = latest_reminder(request.user, request.at)
    if alert is None:
        return None
    if alert.state == State.CLOSED:
        closed = (alert.reviewed_at, alert.reviewed_why) if alert.reviewed_at else (alert.ended_at, alert.ended_why)
        return {"alert": alert, "told": alert.told_at, "closed": closed[0], "closed_why": closed[1]}
    done = checklist(alert, request.at)
    return {
        "alert": alert,
        "told": alert.told_at,
        "why": why(finding_of(alert)),
        "classes": list(_classes(request, alert)),
        "steps": [{"step": step, "words": STEPS[step], "done": done[step]} for step in done],
        "done": sum(done.values()),
        "promise": promise_of(alert, request.at),
        "query_until": query_until(alert),
        "paused": alert.state == State.PAUSED,
        "review": alert.state == State.REVIEW,
    }


def _classes(request: PersonRequest, alert: Alert) -> Iterator[dict[str, Any]]:
    """The missed classes that it rests on, as they stand now, with what is known besides."""
    missed = alert.classes.filter(missed=True).values("session")
    rows = own_classes(request.user, ClassSession.objects.filter(pk__in=missed))
    found = not_checked(request.user.pk, [row.session for row in rows], request.at)
    for row in rows:
        yield {"one": row, "session": row.session, "found": [said(sign) for sign in found[row.session.pk]]}


@require_POST
@for_roles(STUDENTS)
def tick(request: PersonRequest, step: str) -> HttpResponse:
    """The student ticks a step of the reminder that is open."""
    alert = open_reminder(request.user)
    if alert is None or step not in set(ANSWERED_HERE):
        raise Http404
    try:
        answer(alert, Step(step), at=request.at)
    except AdsumError as refused:
        messages.info(request, refused.message)
    else:
        messages.success(request, _("Noted. Thank you for telling us."))
    return redirect("student_record")

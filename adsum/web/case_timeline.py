"""The timeline of a case: steps, contacts and concerns, newest first, with who and what was said."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from adsum.accounts.rules import Access
from adsum.engagement.case_reports import readable
from adsum.engagement.case_rules import Event, MeetingState, Outcome, Readers, Reply, Stop, Way
from adsum.engagement.models import Case, CaseStep, Concern, Contacted
from adsum.web.case_labels import EVENTS, MEETINGS, OUTCOMES, READERS, REPLIES, STOPS, WAYS, worried
from adsum.web.times import day_and_time


@dataclass(frozen=True, slots=True)
class Moment:
    """One line. `note` says who else reads it, where that is not as usual."""

    at: datetime
    head: str
    who: str
    text: str = ""
    said: str = ""
    note: str = ""


def moments(case: Case, access: Access) -> list[Moment]:
    """What happened in the case, as staff with this access read it (three queries)."""
    steps = CaseStep.objects.filter(case=case, readers__in=readable(access)).select_related("by", "owner", "meeting")
    contacts = Contacted.objects.filter(case=case).select_related("by")
    concerns = Concern.objects.filter(student=case.student_id).select_related("by")
    found = [
        *(step_moment(one) for one in steps.order_by("pk")),
        *(_contact(one) for one in contacts),
        *(
            Moment(one.at, _("Concern"), str(one.by), text=worried(one.worry), said=one.words)
            for one in concerns
            if one.at >= case.opened_at or one.case_id == case.pk
        ),
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)


def _contact(one: Contacted) -> Moment:
    return Moment(one.at, f"{WAYS[Way(one.way)]}: {REPLIES[Reply(one.reply)]}", str(one.by), said=one.words)


def told_to_student(case: Case) -> list[Moment]:
    """The steps that the student reads, newest first (one query)."""
    steps = CaseStep.objects.filter(case=case, readers=Readers.STUDENT).select_related("by", "owner", "meeting")
    return [step_moment(one) for one in steps.order_by("-pk")]


def step_moment(step: CaseStep) -> Moment:
    """One step as a line."""
    note = "" if step.readers == Readers.SUPPORT or step.event != Event.NOTED else str(READERS[Readers(step.readers)])
    return Moment(
        step.at,
        str(EVENTS[Event(step.event)]),
        str(step.by or _("Adsum")),
        text=" · ".join(_facts(step)),
        said=step.words,
        note=note,
    )


def _facts(step: CaseStep) -> Iterator[str]:
    if step.owner is not None:
        yield _("now with %(name)s") % {"name": step.owner}
    if step.due_on is not None:
        yield _("due %(day)s") % {"day": f"{step.due_on:%-d %b}"}
    if step.service:
        yield step.service
    if step.stop:
        yield str(STOPS[Stop(step.stop)])
    if step.outcome:
        yield str(OUTCOMES[Outcome(step.outcome)])
    if step.meeting is not None:
        if step.meeting.starts_at is not None and step.event != Event.OFFERED:
            yield day_and_time(step.meeting.starts_at)
        yield str(MEETINGS[MeetingState(step.became)])
        yield step.meeting.about

"""The sections of an evidence pack about classes: what was expected, what was observed and where it came from, what was
amended, queried and told. As known at an instant: later rows are not read, and what a row became later is not either."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils.translation import gettext as _

from adsum.absence.labels import word_of
from adsum.absence.models import AbsenceDecision, AbsenceRequest
from adsum.absence.rules import Outcome, State
from adsum.accounts.models import Person
from adsum.attendance import labels
from adsum.attendance.history import account_as_of
from adsum.attendance.models import MarkChange, Query
from adsum.audit.encoding import Facts
from adsum.checkin.models import HeldDecision, Scan
from adsum.compliance.scopes import Scope
from adsum.compliance.sections import Column, Reads, Section, instant, of_class, person, ref, row, text, word

SINCE = datetime(2000, 1, 1, tzinfo=UTC)
"""Before any class that is kept here."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Of whom, for whom and as known at which instant a pack speaks; with what the event log knows of them until then."""

    student: Person
    scope: Scope
    at: datetime
    events: tuple[Facts, ...]
    later: tuple[Facts, ...]
    """Those after it: they tell which rows were not there yet, and nothing else of them is read."""
    refs: Mapping[str, str]
    """By alias in those events, the reference of the person behind it."""

    def who(self, actor: str) -> str:
        """The reference of a person whom an event names; '' for Adsum itself."""
        return self.refs.get(actor.removeprefix("person:"), "")


def classes(asked: Asked) -> tuple[Section, Section]:
    """The classes that expected the student, with how each stood; and what they add up to."""
    told = account_as_of(asked.student, asked.at, since=SINCE)
    rows = [
        row(
            one.session.ref,
            one.session.starts_at,
            one.session.ends_at,
            one.session.module.code,
            one.session.title,
            one.session.kind,
            one.session.delivery,
            one.session.mandatory,
            str(one.status),
            one.mark.minutes_late if one.mark is not None and one.mark.minutes_late else None,
            one.mark.source if one.mark is not None else "",
            one.under_query,
        )
        for one in told.classes
    ]
    tally = told.account.tally
    return (
        Section(
            "classes",
            _("Classes that expected the student"),
            _("Every class begun until then in which the student was expected or marked, as timetable and register were."),
            [
                ref("class", _("Class")),
                instant("starts", _("Starts")),
                instant("ends", _("Ends")),
                text("module", _("Module")),
                text("title", _("Title")),
                word("kind", _("Kind")),
                word("taught", _("Taught"), labels.DELIVERIES),
                word("mandatory", _("Compulsory")),
                word("status", _("Mark"), labels.STATUSES),
                Column("minutes_late", _("Minutes late"), Reads.NUMBER),
                word("source", _("Came from"), labels.SOURCES),
                word("under_query", _("Under query")),
            ],
            rows,
        ),
        Section(
            "sum",
            _("What they add up to"),
            _("By the policy of each class. The classes that do not count are in the table above, each with its mark."),
            [
                Column("attended", _("Attended"), Reads.NUMBER),
                Column("counted", _("Counted"), Reads.NUMBER),
                Column("percent", _("Per cent"), Reads.NUMBER),
            ],
            [row(tally.attended, tally.counted, tally.percent)],
        ),
    )


def marks(asked: Asked) -> Section:
    """Every step in the history of every mark: the observations, and every amendment after them."""
    steps = MarkChange.objects.filter(student=asked.student, at__lte=asked.at).select_related("session", "by").order_by("pk")
    rows = [
        row(
            one.session.ref,
            one.at,
            one.seen_at,
            one.before,
            one.after,
            one.minutes_late or None,
            one.left_at,
            one.source,
            one.by.ref if one.by else "",
            one.reason_code,
            one.digest if one.salt else "",
        )
        for one in steps
    ]
    return Section(
        "marks",
        _("Observations and amendments"),
        _(
            "Each step in the life of each mark, with where it came from. A step without an earlier mark is the first "
            "observation; every other one is an amendment. The digest is the one that the event log keeps of the step. Words "
            "that people wrote are not shown."
        ),
        [
            of_class(_("Class")),
            instant("at", _("Recorded")),
            instant("seen", _("Seen")),
            word("before", _("Before"), labels.STATUSES),
            word("after", _("After"), labels.STATUSES),
            Column("minutes_late", _("Minutes late"), Reads.NUMBER),
            instant("left", _("Left")),
            word("source", _("Came from"), labels.SOURCES),
            person("by", _("By")),
            word("reason", _("Reason"), labels.REASONS),
            ref("digest", _("Digest")),
        ],
        rows,
    )


def scans(asked: Asked) -> Section:
    """Every attempt to check in, accepted, held or refused."""
    tried = Scan.objects.filter(student=asked.student, finished_at__lte=asked.at).select_related("session").order_by("pk")
    held = {one.pk: one for one in HeldDecision.objects.filter(scan__in=tried.values("pk"), at__lte=asked.at)}
    rows = [
        row(
            one.session.ref,
            one.first_seen_at,
            one.finished_at,
            one.refusal or "accepted",
            ("accepted" if held[one.pk].accepted else "declined") if one.pk in held else "",
            held[one.pk].at if one.pk in held else None,
        )
        for one in tried
    ]
    return Section(
        "scans",
        _("Attempts to check in"),
        _("What the student’s phone or the kiosk sent, and what became of it. Devices and networks are not part of a pack."),
        [
            of_class(_("Class")),
            instant("first_seen", _("Code read")),
            instant("finished", _("Confirmed")),
            word("outcome", _("Outcome")),
            word("decided", _("If held: decided")),
            instant("decided_at", _("Decided on")),
        ],
        rows,
    )


def queries(asked: Asked) -> Section:
    """What the student said of a mark, and what was answered; without the words."""
    raised = Query.objects.filter(student=asked.student, raised_at__lte=asked.at).select_related("session", "answered_by")
    rows = []
    for one in raised.order_by("pk"):
        known = one.answered_at is not None and one.answered_at <= asked.at
        by = one.answered_by.ref if known and one.answered_by else ""
        rows.append(row(one.session.ref, one.raised_at, one.state if known else "open", one.answered_at if known else None, by))
    return Section(
        "queries",
        _("Queries of marks"),
        _("When the student said that a mark was wrong, and what was answered."),
        [
            of_class(_("Class")),
            instant("raised", _("Raised")),
            word("state", _("State")),
            instant("answered", _("Answered")),
            person("by", _("By")),
        ],
        rows,
    )


def absences(asked: Asked) -> Section:
    """An index of what was told, and how far it had come: no reasons, no words, no evidence."""
    withdrawn = {event.subject.removeprefix("absence:"): event.at for event in asked.events if event.verb == "absence.withdraw"}
    told = AbsenceRequest.objects.filter(student=asked.student, told_at__lte=asked.at).order_by("pk")
    decided = dict[int, AbsenceDecision]()
    for decision in AbsenceDecision.objects.filter(request__in=told.values("pk"), at__lte=asked.at).order_by("pk"):
        if decision.outcome != Outcome.EVIDENCE:
            decided[decision.request_id] = decision
    rows = []
    for one in told:
        last = decided.get(one.pk)
        if (gone := withdrawn.get(str(one.ref))) is not None:
            state, outcome, at = State.WITHDRAWN, "", gone
        elif last is not None:
            state, outcome, at = State.DECIDED, last.outcome, last.at
        else:
            state, outcome, at = State.TOLD if _only_told(asked, one) else State.UNDER_DECISION, "", None
        rows.append(row(one.ref, one.told_at, one.first_day, one.last_day, one.source, outcome or state, at))
    words = {state: word_of(state) for state in State} | {one: word_of(State.DECIDED, one) for one in Outcome}
    return Section(
        "absences",
        _("Absences: index"),
        _("That an absence was told, for which days, and what was decided. Reasons and evidence are never part of a pack."),
        [
            ref("absence", _("Absence")),
            instant("told", _("Told")),
            Column("first_day", _("First day"), Reads.DAY),
            Column("last_day", _("Last day"), Reads.DAY),
            word("way", _("Way")),
            word("state", _("State"), words),
            instant("decided", _("Since")),
        ],
        rows,
    )


def _only_told(asked: Asked, request: AbsenceRequest) -> bool:
    """Whether there was nothing to decide, as its first event says."""
    subject = f"absence:{request.ref}"
    told = next((event for event in asked.events if event.subject == subject and event.verb == "absence.tell"), None)
    return told is not None and told.detail.get("state") == State.TOLD


def subjects_of(student: Person) -> list[str]:
    """The subjects in the log that are about the student but are not named after them."""
    return [f"absence:{ref}" for ref in AbsenceRequest.objects.filter(student=student).values_list("ref", flat=True)]

"""The sections of an evidence pack that belong to one authority: what was known of a sponsorship, duties and who decided them;
and, for either, every step of the work that the event log has."""

from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.audit.encoding import Facts
from adsum.compliance.evidence_record import Asked
from adsum.compliance.guidance import Authority
from adsum.compliance.models import ArrivalStep, Duty, DutyStep, Edition, Funding, Representation, SponsorProfile
from adsum.compliance.scopes import ABOUT, Scope, own_event
from adsum.compliance.sections import Column, Reads, Section, instant, person, ref, row, text, word
from adsum.core.university import civil_date

AUTHORITY = {Scope.UKVI: Authority.UKVI, Scope.SLC: Authority.SLC}


def sections(asked: Asked) -> tuple[Section, ...]:
    """What belongs to the authority that is asked for."""
    own = (profiles, arrivals, duties) if asked.scope == Scope.UKVI else (fundings,)
    return editions(asked), *(make(asked) for make in own), work(asked)


def decisions_of(student: Person, scope: Scope) -> set[str]:
    """The references of decisions for this authority of which the student was told, and of the duties they rest on."""
    told = Representation.objects.filter(student=student, about__in=[about for about, whose in ABOUT.items() if whose == scope])
    refs = {str(ref) for pair in told.values_list("ref", "about_ref") for ref in pair}
    if scope == Scope.UKVI:
        refs |= {str(ref) for ref in Duty.objects.filter(student=student).values_list("ref", flat=True)}
    return refs


def editions(asked: Asked) -> Section:
    """The editions of the authority's guidance that were in force by then, with their numbers."""
    known = Edition.objects.filter(
        authority=AUTHORITY[asked.scope], put_in_force_at__lte=asked.at, in_force_from__lte=civil_date(asked.at)
    )
    rows = [
        row(one.title, one.source, one.dated, one.read, one.in_force_from, number.key, number.value, one.put_in_force_by.ref)
        for one in known.select_related("put_in_force_by").prefetch_related("numbers").order_by("in_force_from")
        for number in sorted(one.numbers.all(), key=lambda number: number.key)
        if one.put_in_force_by is not None
    ]
    return Section(
        "guidance",
        _("Guidance in force"),
        _("Which edition applied from when on, whether somebody here has read its text, and the numbers it sets."),
        [
            text("edition", _("Edition")),
            text("source", _("Source")),
            Column("dated", _("Dated"), Reads.DAY),
            word("read", _("Read")),
            Column("from", _("From"), Reads.DAY),
            word("number", _("Number")),
            Column("value", _("Value"), Reads.NUMBER),
            person("by", _("Put in force by")),
        ],
        rows,
    )


def profiles(asked: Asked) -> Section:
    """Everything that had been known of the student's sponsorship, with its history."""
    known = SponsorProfile.objects.filter(student=asked.student, recorded_at__lte=asked.at)
    rows = [
        row(
            one.cas_number,
            one.course.code if one.course else "",
            one.route,
            one.level,
            one.mode,
            one.course_starts_on,
            one.course_ends_on,
            one.enrol_by,
            one.permission_start,
            one.permission_end,
            one.since,
            one.until,
            one.recorded_at,
            one.recorded_by.ref,
            one.superseded_at if one.superseded_at is not None and one.superseded_at <= asked.at else None,
        )
        for one in known.select_related("course", "recorded_by").order_by("recorded_at", "pk")
    ]
    return Section(
        "sponsorship",
        _("Sponsorship"),
        _("What was known of each CAS, from when on, and until when it was replaced by something else."),
        [
            text("cas", _("CAS")),
            text("course", _("Course")),
            word("route", _("Route")),
            word("level", _("Level")),
            word("mode", _("Mode")),
            Column("course_starts", _("Course starts"), Reads.DAY),
            Column("course_ends", _("Course ends"), Reads.DAY),
            Column("enrol_by", _("Enrols by"), Reads.DAY),
            Column("permission_from", _("Permission from"), Reads.DAY),
            Column("permission_until", _("Permission until"), Reads.DAY),
            Column("since", _("Sponsored from"), Reads.DAY),
            Column("until", _("Sponsored until"), Reads.DAY),
            instant("recorded", _("Recorded")),
            person("by", _("By")),
            instant("replaced", _("Replaced")),
        ],
        rows,
    )


def arrivals(asked: Asked) -> Section:
    """The steps of the student's arrival."""
    known = ArrivalStep.objects.filter(student=asked.student, recorded_at__lte=asked.at).select_related("recorded_by")
    rows = [
        row(
            one.cas_number,
            one.step,
            one.on,
            one.recorded_at,
            one.recorded_by.ref,
            one.taken_back_at if one.taken_back_at is not None and one.taken_back_at <= asked.at else None,
        )
        for one in known.order_by("recorded_at", "pk")
    ]
    return Section(
        "arrival",
        _("Arrival"),
        _("When the student arrived, showed the visa and enrolled."),
        [
            text("cas", _("CAS")),
            word("step", _("Step")),
            Column("on", _("On"), Reads.DAY),
            instant("recorded", _("Recorded")),
            person("by", _("By")),
            instant("taken_back", _("Taken back")),
        ],
        rows,
    )


def duties(asked: Asked) -> Section:
    """Each step of each duty: what was proposed and confirmed by whom, reported, and how the student was told."""
    steps = DutyStep.objects.filter(duty__student=asked.student, at__lte=asked.at).select_related("duty", "by")
    rows = []
    for one in steps.order_by("pk"):
        duty: Duty = one.duty
        reported = one.event == "reported"
        rows.append(
            row(
                duty.ref,
                duty.kind,
                one.at,
                one.event,
                one.outcome,
                one.reason,
                one.trigger_on,
                one.due_on,
                duty.reported_on if reported else None,
                duty.reference if reported else "",
                one.way,
                one.result,
                one.by.ref if one.by else "",
            )
        )
    return Section(
        "duties",
        _("Duties to report"),
        _("Each step: what opened it, what was decided and confirmed by whom, what was reported, how the student was told."),
        [
            ref("duty", _("Duty")),
            word("kind", _("Kind")),
            instant("at", _("When")),
            word("step", _("Step")),
            word("outcome", _("Outcome")),
            word("reason", _("Reason")),
            Column("trigger", _("Counts from"), Reads.DAY),
            Column("due", _("Due"), Reads.DAY),
            Column("reported", _("Reported"), Reads.DAY),
            text("reference", _("Reference")),
            word("way", _("Told by")),
            word("result", _("Result")),
            person("by", _("By")),
        ],
        rows,
    )


def fundings(asked: Asked) -> Section:
    """What was funded: what never changes of it. What was said of it is among the steps."""
    known = Funding.objects.filter(student=asked.student, brought_at__lte=asked.at).select_related("course", "module")
    rows = [
        row(
            one.academic_year,
            one.course.code if one.course else "",
            one.module.code if one.module else "",
            one.brought_at,
            str(one.pk),
        )
        for one in known.order_by("academic_year", "pk")
    ]
    return Section(
        "funding",
        _("Funding"),
        _("For which course or module the student is funded, and since when that is known here."),
        [
            text("year", _("Year")),
            text("course", _("Course")),
            text("module", _("Module")),
            instant("known", _("Known")),
            text("funding", _("Number in the log")),
        ],
        rows,
    )


def work(asked: Asked) -> Section:
    """Every step of the work for this authority, as the event log has it."""
    events = [event for event in asked.events if own_event(asked.scope, event.verb, event.detail)]
    return Section(
        "steps",
        _("Decisions and confirmations, from the log"),
        _("Each step of the work for this authority: when, what, by whom, and what the log says of it."),
        [instant("at", _("When")), word("step", _("Step")), person("by", _("By")), text("what", _("What the log says"))],
        [row(event.at, event.verb.replace(".", "_"), asked.who(event.actor), _said(event)) for event in events],
    )


def _said(event: Facts) -> str:
    """What an event says beside whom it is about."""
    told = {name: value for name, value in sorted(event.detail.items()) if name not in {"student", "person"}}
    return "; ".join(f"{name}={value}" for name, value in told.items() if value not in (None, "", []))

"""The evidence pack: everything that was known of one student at an instant, for one authority. Recomputed whenever it is made,
and never kept: the rows it reads are those of then, from tables that are only added to and from the event log."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from adsum.absence.models import AbsenceTerms
from adsum.accounts.models import Person
from adsum.attendance.policy_table import Policy
from adsum.audit.encoding import Facts
from adsum.audit.reports import history_of
from adsum.audit.tree import people_behind
from adsum.compliance import evidence_duty as duty
from adsum.compliance import evidence_record as record
from adsum.compliance import evidence_work as work
from adsum.compliance.evidence_record import Asked
from adsum.compliance.scopes import Scope, shows_event
from adsum.compliance.sections import Column, Reads, Section, cell, fingerprint, instant, person, row, text, word
from adsum.core.university import civil_date
from adsum.engagement.models import RuleSwitch
from adsum.timetable.models import Course, Enrolment


@dataclass(frozen=True, slots=True)
class Pack:
    """What was known of a student, for one authority, at an instant."""

    student: Person
    scope: Scope
    at: datetime
    sections: tuple[Section, ...]
    events: tuple[Facts, ...]
    """The events of the log that may be shown, to be proven."""

    @property
    def fingerprint(self) -> str:
        """One number for all its facts."""
        return fingerprint(self.sections)


def asked_of(student: Person, scope: Scope, *, at: datetime, subjects: tuple[str, ...] = ()) -> Asked:
    """What the sections are made from; `subjects`: further ones in the log that are about the student."""
    about = [*record.subjects_of(student), *work.subjects_of(student), *subjects]
    history = [
        one for one in history_of(student.pk, about) if not one.subject.startswith("message:") or one.subject in subjects
    ]
    people = people_behind({name for event in history for name in event.names()})
    refs = {one.pk: str(one.ref) for one in Person.objects.filter(pk__in=set(people.values()))}
    return Asked(
        student,
        scope,
        at,
        tuple(event for event in history if event.at <= at),
        tuple(event for event in history if event.at > at),
        {token: refs[pk] for token, pk in people.items() if pk in refs},
    )


def pack(asked: Asked, more: tuple[Section, ...] = ()) -> Pack:
    """The pack, with the sections that are made elsewhere. About thirty queries, however long the student has been here."""
    sections = (
        enrolments(asked),
        policies(asked),
        rules(asked),
        absence_terms(asked),
        *record.classes(asked),
        record.marks(asked),
        record.scans(asked),
        record.queries(asked),
        record.absences(asked),
        work.contacts(asked),
        work.meetings(asked),
        *work.alerts(asked),
        work.cases(asked),
        work.contact_details(asked),
        *duty.sections(asked),
        *more,
    )
    events = tuple(event for event in asked.events if shows_event(asked.scope, event.verb, event.detail))
    return Pack(asked.student, asked.scope, asked.at, sections, events)


def enrolments(asked: Asked) -> Section:
    """The student's enrolments as imports had said by then. What came without an event is as it is."""
    known, named = dict[tuple[int, str], tuple[str, str | None]](), set[tuple[int, str]]()
    for event in (*asked.events, *asked.later):
        if not event.verb.startswith("import.enrolment."):
            continue
        key, fields = (event.detail["course"], event.detail["starts_on"]), event.detail.get("fields", ())
        named.add(key)
        if event.at > asked.at:
            continue
        if "starts_on" in fields and key not in known:  # the same row, begun on another day
            for moved in [one for one in known if one[0] == key[0]][-1:]:
                del known[moved]
        known[key] = event.detail["status"], event.detail["ends_on"]
        if event.verb == "import.enrolment.gone":
            del known[key]
    for one in Enrolment.objects.filter(person=asked.student):
        if (key := (one.course_id, str(one.starts_on))) not in named:
            known[key] = one.status, cell(one.ends_on)
    codes = dict(Course.objects.filter(pk__in={course for course, _first in known}).values_list("pk", "code"))
    return Section(
        "enrolments",
        _("Enrolments"),
        _("Which course, from when to when, and how it stood. A suspension has dates of its own beside its enrolment."),
        [
            text("course", _("Course")),
            word("status", _("Status")),
            Column("starts", _("First day"), Reads.DAY),
            Column("ends", _("Last day"), Reads.DAY),
        ],
        sorted(row(codes.get(course), status, first, last) for (course, first), (status, last) in known.items()),
    )


def policies(asked: Asked) -> Section:
    """The versions of the attendance policy made until then, and not withdrawn by then."""
    day = civil_date(asked.at)
    made = Policy.objects.filter(made_at__lte=asked.at, valid_from__lte=day).select_related("department", "made_by")
    rows = [
        row(
            one.number,
            one.valid_from,
            one.department.code if one.department else "",
            one.kind,
            one.opens_before,
            one.present_until,
            one.late_until,
            one.authorised,
            one.late_percent,
            one.remote_counts,
            one.min_events,
            one.made_at,
            one.made_by.ref,
        )
        for one in made.order_by("number")
        if one.withdrawn_at is None or one.withdrawn_at > asked.at
    ]
    return Section(
        "policies",
        _("Attendance policy: versions"),
        _("Every version in force until then. That of a class is the last of its department and kind that began before it."),
        [
            Column("version", _("Version"), Reads.NUMBER),
            Column("from", _("From"), Reads.DAY),
            text("department", _("Department")),
            word("kind", _("Kind of class")),
            Column("opens_before", _("Opens, minutes before"), Reads.NUMBER),
            Column("present_until", _("Present until, minutes"), Reads.NUMBER),
            Column("late_until", _("Late until, minutes"), Reads.NUMBER),
            word("authorised", _("Authorised absence")),
            Column("late_percent", _("Late counts, per cent"), Reads.NUMBER),
            word("remote", _("Remote counts")),
            Column("min_events", _("Fewest classes"), Reads.NUMBER),
            instant("made", _("Made")),
            person("by", _("By")),
        ],
        rows,
    )


def rules(asked: Asked) -> Section:
    """Which version of the alert rules was in force from when on."""
    switches = RuleSwitch.objects.filter(place=RuleSwitch.Place.IN_FORCE, at__lte=asked.at).select_related("version", "by")
    return Section(
        "alert_rules",
        _("Alert rules: versions in force"),
        _("From each of these times on that version decided what an alert is. Without a version, alerts were switched off."),
        [Column("version", _("Version"), Reads.NUMBER), instant("from", _("From")), person("by", _("By"))],
        [row(one.version.number if one.version else None, one.at, one.by.ref) for one in switches.order_by("at", "pk")],
    )


def absence_terms(asked: Asked) -> Section:
    """The numbers of the absence policy that were known then."""
    known = AbsenceTerms.objects.filter(made_at__lte=asked.at, valid_from__lte=civil_date(asked.at)).select_related("made_by")
    return Section(
        "absence_policy",
        _("Absence policy: versions"),
        _("How many days a student may certify alone, and by when absences are told and decided."),
        [
            Column("from", _("From"), Reads.DAY),
            Column("in_a_row", _("Days in a row"), Reads.NUMBER),
            Column("a_year", _("Days in a year"), Reads.NUMBER),
            Column("told_within", _("Told within, working days"), Reads.NUMBER),
            Column("decided_within", _("Decided within, working days"), Reads.NUMBER),
            instant("made", _("Made")),
            person("by", _("By")),
        ],
        [
            row(one.valid_from, one.in_a_row, one.a_year, one.late_days, one.due_days, one.made_at, one.made_by.ref)
            for one in known.order_by("valid_from")
        ],
    )

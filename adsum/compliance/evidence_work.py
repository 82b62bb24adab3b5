"""The sections of an evidence pack about people: who was in touch with the student, what they met about, what was found and
decided, and how they could be reached. As known at an instant; words that people wrote are left out."""

from django.utils.translation import gettext as _

from adsum.accounts.models import ContactDetail, Person
from adsum.accounts.rules import ContactBy
from adsum.attendance import labels
from adsum.compliance.evidence_record import Asked
from adsum.compliance.scopes import SHARED_VERBS
from adsum.compliance.sections import Column, Reads, Section, instant, of_class, person, ref, row, text, word
from adsum.engagement.alert_labels import STAGES
from adsum.engagement.models import Alert, AlertClass, CaseStep, Contacted, ContactPoint, Meeting

CASE_STEPS = sorted(verb.removeprefix("case.") for verb in SHARED_VERBS if verb.startswith("case."))
"""The steps of a case that say nothing of health or circumstances."""


def contacts(asked: Asked) -> Section:
    """Contact beside classes: what was written down or brought in, and conversations."""
    points = ContactPoint.objects.filter(student=asked.student, recorded_at__lte=asked.at).select_related("by")
    spoken = Contacted.objects.filter(student=asked.student, at__lte=asked.at).select_related("by")
    rows = [
        row(one.at, one.recorded_at, one.channel, "", one.source or "by_hand", one.by.ref if one.by else "")
        for one in points.order_by("pk")
    ]
    rows += [row(one.at, one.at, one.way, one.reply, "by_hand", one.by.ref) for one in spoken.order_by("pk")]
    return Section(
        "contacts",
        _("Contact beside classes"),
        _("Supervisions, submissions, examinations and other contact points; and every time staff got in touch, or tried to."),
        [
            instant("at", _("When")),
            instant("recorded", _("Recorded")),
            word("channel", _("How")),
            word("reply", _("Answer")),
            word("source", _("Came from")),
            person("by", _("By")),
        ],
        sorted(rows),
    )


def meetings(asked: Asked) -> Section:
    """Each step of each meeting."""
    steps = CaseStep.objects.filter(case__student=asked.student, meeting__isnull=False, at__lte=asked.at)
    rows = []
    for one in steps.select_related("meeting", "by").order_by("pk"):
        meeting: Meeting = one.meeting  # type: ignore[assignment]
        agreed = meeting.picked_at is not None and meeting.picked_at <= one.at
        rows.append(
            row(
                meeting.ref,
                one.at,
                one.became or one.event,
                meeting.formal,
                meeting.starts_at if agreed else None,
                one.by.ref if one.by else "",
            )
        )
    return Section(
        "meetings",
        _("Meetings"),
        _("When a meeting was offered and agreed, for when, and what became of it."),
        [
            ref("meeting", _("Meeting")),
            instant("at", _("Recorded")),
            word("became", _("Step")),
            word("formal", _("Formal")),
            instant("starts", _("For")),
            person("by", _("By")),
        ],
        rows,
    )


def cases(asked: Asked) -> Section:
    """The steps of the student's cases, with what each was closed with."""
    steps = CaseStep.objects.filter(case__student=asked.student, at__lte=asked.at, event__in=CASE_STEPS)
    rows = [
        row(one.case.ref, one.at, one.event, one.outcome, one.due_on, one.by.ref if one.by else "")
        for one in steps.select_related("case", "by").order_by("pk")
    ]
    return Section(
        "cases",
        _("Cases"),
        _("What people did and decided about attendance. Notes and referrals to services are not part of a pack."),
        [
            ref("case", _("Case")),
            instant("at", _("When")),
            word("step", _("Step")),
            word("outcome", _("Outcome")),
            Column("due", _("Due"), Reads.DAY),
            person("by", _("By")),
        ],
        rows,
    )


def alerts(asked: Asked) -> tuple[Section, Section]:
    """What the rules found, step by step; and the classes that each finding rested on."""
    found = {f"alert:{one.ref}": one for one in Alert.objects.filter(student=asked.student, found_at__lte=asked.at)}
    rows = [row(one.ref, one.found_at, "found", one.stage, one.rule, one.version, "", one.hash) for one in found.values()]
    for event in asked.events:
        step = event.verb.removeprefix("alert.")
        if event.verb.startswith("alert.") and step not in {"found", "tick"} and (one := found.get(event.subject)):
            rows.append(row(one.ref, event.at, step, one.stage, one.rule, one.version, asked.who(event.actor), ""))
    order = {str(one.ref): (one.found_at, one.pk) for one in found.values()}
    rows.sort(key=lambda told: (order[told[0]], told[2] != "found", told[1], told))
    classes = AlertClass.objects.filter(alert__in=[one.pk for one in found.values()]).select_related("alert", "session")
    return (
        Section(
            "alerts",
            _("Alerts and decisions about them"),
            _("What a rule found, by which version of the rules, and what was decided. The digest is of what it rested on."),
            [
                ref("alert", _("Alert")),
                instant("at", _("When")),
                word("step", _("Step")),
                word("stage", _("Stage"), STAGES),
                text("rule", _("Rule")),
                Column("version", _("Rules"), Reads.NUMBER),
                person("by", _("By")),
                ref("digest", _("Digest")),
            ],
            rows,
        ),
        Section(
            "alert_classes",
            _("What the alerts rested on"),
            _("The classes of each alert, as they were known when it was found."),
            [
                ref("alert", _("Alert")),
                of_class(_("Class")),
                word("mark", _("Mark"), labels.STATUSES),
                word("missed", _("Counted as missed")),
            ],
            [row(one.alert.ref, one.session.ref, one.status, one.missed) for one in classes.order_by("alert", "pk")],
        ),
    )


def contact_details(asked: Asked) -> Section:
    """Every contact detail the student had, from when to when."""
    words = {
        ContactBy.TELEPHONE: _("Telephone"),
        ContactBy.PERSONAL_EMAIL: _("Personal e-mail"),
        ContactBy.ADDRESS: _("Address"),
    }
    known = ContactDetail.objects.filter(person=asked.student, entered_at__lte=asked.at).select_related("entered_by")
    rows = [
        row(
            one.by,
            one.value,
            one.entered_at,
            one.ended_at if one.ended_at is not None and one.ended_at <= asked.at else None,
            one.source or "by_hand",
            one.entered_by.ref if one.entered_by else "",
        )
        for one in known.order_by("entered_at", "pk")
    ]
    return Section(
        "contact_details",
        _("History of contact details"),
        _("Every telephone number, address and personal e-mail that was kept here, with the time for which it was in force."),
        [
            word("kind", _("Kind"), words),
            text("value", _("Detail")),
            instant("from", _("From")),
            instant("until", _("Until")),
            word("source", _("Came from")),
            person("by", _("By")),
        ],
        rows,
    )


def people_named(refs: set[str]) -> dict[str, Person]:
    """Who these references are, as they are called today (one query)."""
    return {str(one.ref): one for one in Person.objects.filter(ref__in=refs)}


def subjects_of(student: Person) -> list[str]:
    """The subjects in the log that are about the student but are not named after them."""
    return [f"alert:{ref}" for ref in Alert.objects.filter(student=student).values_list("ref", flat=True)]

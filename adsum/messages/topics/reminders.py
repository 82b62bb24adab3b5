"""Reminders: an offer of help first, with what they rest on, how to say that it is wrong, and what closes them; a correction to
everyone who was told when one was wrong; thanks when the student is back."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from adsum.audit.following import Reader
from adsum.engagement import alerts
from adsum.engagement.alert_labels import said
from adsum.engagement.alert_life import State
from adsum.engagement.evaluation import let_go
from adsum.engagement.models import Alert, Told
from adsum.engagement.not_checked import Found, Sign, not_checked
from adsum.engagement.recipients import recipients_of, reviewers_of
from adsum.engagement.reminders import Promised, finding_of, promise_of, rule_of, wordings_of
from adsum.engagement.rules import Recipient, Rule
from adsum.engagement.why import why
from adsum.engagement.wordings import filled
from adsum.messages.letter import MOST, Facts, Item, Letter, named, place, rest, status_word, when
from adsum.messages.models import Message
from adsum.messages.rules import KEPT_DUE, STALE, About
from adsum.messages.topic import Draft, Kind, Outcome, Pending, Reading, Topic, class_named

WORD, REMINDER, MEETING, PANEL = "reminder_word", "reminder", "reminder_meeting", "reminder_panel"
OF_STAGE = {0: WORD, 1: REMINDER, 2: MEETING, 3: PANEL}
COPY, WRONG, THANKS, REVIEW = "reminder_copy", "reminder_wrong", "reminder_thanks", "alert_review"
CLOSED, STANDS = "reminder_closed", "reminder_stands"
FORMAL_USE = timedelta(days=60)
"""How long a formal letter is still worth sending, should the mail be away."""


def leaving(_reader: Reader, at: datetime, _zone: ZoneInfo) -> Pending:
    """Alerts that leave now: one message to each student, with all their modules in it, and a note to those the rule names."""
    due = [(alert, rule_of(alert)) for alert in let_go(at=at)]
    people = recipients_of(due, at) if due else {}
    pending = Pending()
    for alert, rule in due:
        told = alerts.tell(alert, [(person, recipient.value) for person, recipient in people[alert.pk]], at=at)
        facts = _facts(told, rule, at)
        for person, recipient in people[alert.pk]:
            own = recipient == Recipient.STUDENT
            kind = OF_STAGE[alert.stage] if own else COPY
            about = facts if own else {"student": str(alert.student.ref), "stage": alert.stage, "why": alert.facts}
            pending.drafts.append(Draft(person, kind, f"{kind}:{alert.ref}:{person.pk}", about, at + FORMAL_USE))
    return pending


def _facts(alert: Alert, rule: Rule, at: datetime) -> dict[str, Any]:
    """What the message to the student says, in no language."""
    rows = list(alert.classes.filter(missed=True).select_related("session__module").order_by("session__starts_at", "session"))
    found = not_checked(alert.student_id, [row.session for row in rows], at)
    return {
        "alert": str(alert.ref),
        "stage": alert.stage,
        "name": alert.student.display_name,
        "wording": {one.language: [one.subject, one.body] for one in wordings_of(alert)},
        "why": alert.facts,
        "notice": rule.notice_days,
        "wait": rule.wait_days,
        "promise": _promised(promise_of(alert, at)),
        "classes": [
            {
                **class_named(row.session),
                "rooms": [room.name for room in row.session.rooms.all()],
                "status": row.status,
                "found": [[one.at.isoformat(), one.sign, one.code, one.settled] for one in found[row.session_id]],
            }
            for row in rows
        ],
    }


def _promised(promise: Promised | None) -> dict[str, Any] | None:
    if promise is None:
        return None
    classes = [class_named(session) for session in promise.classes]
    return {"attend": promise.attend, "by": promise.by.isoformat(), "classes": classes}


def proved_wrong(_reader: Reader, at: datetime, _zone: ZoneInfo) -> Pending:
    """Alerts that were withdrawn after somebody was told: a correction to each of them."""
    due = list(
        Told.objects.filter(alert__state=State.WITHDRAWN, corrected_at=None)
        .select_related("alert__student", "person")
        .order_by("pk")[:500]
    )
    drafts = [
        Draft(
            one.person,
            WRONG,
            f"{WRONG}:{one.alert.ref}:{one.person_id}",
            {
                "own": one.capacity == Recipient.STUDENT,
                "student": str(one.alert.student.ref),
                "stage": one.alert.stage,
                "told_at": one.at.isoformat(),
            },
            at + FORMAL_USE,
        )
        for one in due
    ]
    alerts.corrected(due, at=at)
    return Pending(drafts)


def recovered(_reader: Reader, at: datetime, _zone: ZoneInfo) -> Pending:
    """Reminders that their students have closed by coming: thanks, once for all stages of a record."""
    closed = Alert.objects.filter(state=State.RECOVERED, told_at__isnull=False, ended_at__gt=at - STALE, ended_at__lte=at)
    last = {(alert.student_id, alert.ended_at): alert for alert in closed.select_related("student").order_by("stage")}
    return Pending(
        [
            Draft(alert.student, THANKS, f"{THANKS}:{alert.ref}", {"told_at": alert.told_at.isoformat()}, at + KEPT_DUE)
            for alert in last.values()
            if alert.told_at is not None
        ]
    )


def to_review(_reader: Reader, at: datetime, _zone: ZoneInfo) -> Pending:
    """Alerts that were never so and from which something has followed already: the attendance team looks today."""
    waiting = list(Alert.objects.filter(state=State.REVIEW).select_related("student").order_by("pk"))
    people = reviewers_of(waiting, at)
    return Pending(
        [
            Draft(person, REVIEW, f"{REVIEW}:{alert.ref}:{person.pk}{_again(alert)}", {"alert": str(alert.ref)}, at + KEPT_DUE)
            for alert in waiting
            for person in people[alert.pk]
        ]
    )


def _again(alert: Alert) -> str:
    """What tells a second review of an alert from the first."""
    return f":{alert.reviewed_at:%Y%m%d%H%M%S}" if alert.reviewed_at is not None else ""


def closed(_reader: Reader, at: datetime, _zone: ZoneInfo) -> Pending:
    """Reminders that a person has closed, or has reviewed and found to stand: their students are told. What was decided at the
    last stage is told with the case."""
    over = Alert.objects.filter(state=State.CLOSED, told_at__isnull=False).select_related("student").order_by("pk")
    by_hand = over.filter(outcome="", reviewed_at=None, ended_by__isnull=False, ended_at__gt=at - STALE, ended_at__lte=at)
    stands = over.filter(reviewed_at__gt=at - STALE, reviewed_at__lte=at)
    return Pending(
        [*(_of_closed(alert, CLOSED, at) for alert in by_hand), *(_of_closed(alert, STANDS, at) for alert in stands)]
    )


def _of_closed(alert: Alert, kind: str, at: datetime) -> Draft:
    """Why stays on the student's page: what people write in words is in no letter."""
    told_at = alert.told_at.isoformat() if alert.told_at is not None else ""
    return Draft(alert.student, kind, f"{kind}:{alert.ref}{_again(alert)}", {"told_at": told_at}, at + KEPT_DUE)


def heard(message: Message, outcome: Outcome, at: datetime) -> None:
    """The student has read it, or a person has taken the matter on: the stage runs from now."""
    if outcome in {Outcome.OPENED, Outcome.GONE_ON}:
        alert = Alert.objects.filter(ref=message.facts["alert"]).first()
        if alert is not None:
            alerts.reached(alert, at=at)


# What it says

SUBJECTS = {
    0: gettext_lazy("We missed you: can we help?"),
    1: gettext_lazy("How are you getting on? You have missed some classes"),
    2: gettext_lazy("We would like to meet you about your attendance"),
    3: gettext_lazy("Your attendance: please read this and answer"),
}
OPENINGS = {
    0: gettext_lazy(
        "If something makes it hard to come to class, tell us: we would like to help. If all is well, there is nothing to do."
    ),
    1: gettext_lazy(
        "If something makes it hard to come to class, your tutor and the student support team would like to help. Answer this "
        "message, or tell us on your attendance page."
    ),
    2: gettext_lazy(
        "We would like to hear how you are, and what would help. Please meet your personal tutor; you choose the time. Bring "
        "somebody with you if you like."
    ),
    3: gettext_lazy(
        "We would like to help you stay on your course. People, not a computer, decide what is next, and they hear you first."
    ),
}
NEXT = {
    2: gettext_lazy(
        "What happens next: you have at least %(notice)s working days to choose a time. If we do not meet and do not hear from "
        "you, a formal panel may look at your attendance."
    ),
    3: gettext_lazy(
        "What happens next: a panel of named people looks at your attendance. It may end in a warning, or in your being "
        "withdrawn from your course. You can appeal within 10 working days, and nothing changes while the appeal is open."
    ),
}
"""Consequences, in plain words: none is named before stage 2."""


def _reminder(facts: Facts) -> Letter:
    stage, classes = facts["stage"], facts["classes"]
    closing = [
        *rest(len(classes)),
        _("How this is worked out: %(why)s") % {"why": _why(facts["why"])},
        _("Is a class wrong here? Open it and choose “My mark is wrong”. While somebody looks, it counts against nobody."),
    ]
    if facts["promise"] is not None:
        closing.append(_promise(facts["promise"]))
    if stage in NEXT:
        closing.append(NEXT[stage] % {"notice": facts["notice"]})
    closing.append(_("Ill, or something else that we should know? Tell us of an absence on the same page, also for days past."))
    subject, opening = _words(facts)
    return Letter(
        subject=subject,
        opening=opening,
        items=[_class(one) for one in classes[:MOST]],
        closing=closing,
        action=(_("See my attendance"), "/record/"),
    )


def _words(facts: Facts) -> tuple[str, str]:
    """The subject and the opening: the university's own in the reader's language, else Adsum's."""
    own = facts["wording"].get(get_language())
    if own is None:
        return str(SUBJECTS[facts["stage"]]), str(OPENINGS[facts["stage"]])
    values = {"name": facts["name"], "why": _why(facts["why"]), "classes": str(len(facts["classes"]))}
    subject, opening = (filled(text, values) for text in own)
    return subject, opening


def _class(one: Facts) -> Item:
    found = [Found(datetime.fromisoformat(at), Sign(sign), code, settled) for at, sign, code, settled in one["found"]]
    lines = [_("%(status)s · %(where)s") % {"status": status_word(one["status"]), "where": place(one)}]
    return Item(named(one), [*lines, *(said(sign) for sign in found)], f"/record/classes/{one['session']}/")


def _promise(promised: Mapping[str, Any]) -> str:
    count = len(promised["classes"])
    day = date_format(datetime.fromisoformat(promised["by"]), "j F")
    listed = "; ".join(named(one) for one in promised["classes"])
    words = {"attend": promised["attend"], "count": count, "day": day, "classes": listed}
    return (
        ngettext(
            "This closes by itself when you attend your next class, by %(day)s: %(classes)s.",
            "This closes by itself when you attend %(attend)s of your next %(count)s classes, by %(day)s: %(classes)s.",
            count,
        )
        % words
    )


def _why(facts: Mapping[str, Any]) -> str:
    return why(finding_of(Alert(facts=facts)))


def _copy(facts: Facts) -> Letter:
    words = {
        0: _("A student you look after was sent a friendly word about classes they missed."),
        1: _("A student you look after was sent a reminder about their attendance."),
        2: _("A student you look after was asked to a meeting about their attendance."),
        3: _("A student you look after was told that a panel looks at their attendance."),
    }
    return Letter(
        subject=_("A student you look after has had a reminder"),
        opening=words[facts["stage"]],
        closing=[
            _("Why: %(why)s") % {"why": _why(facts["why"])},
            _("A few friendly words from you help most. If it proves wrong, you are told too."),
        ],
        action=(_("See their record"), f"/people/{facts['student']}/"),
    )


def _wrong(facts: Facts) -> Letter:
    day = {"when": when(facts["told_at"])}
    if not facts["own"]:
        return Letter(
            subject=_("A reminder that you were told of was wrong"),
            opening=_(
                "On %(when)s you were told that a student you look after had a reminder about their attendance. The record has "
                "been put right since, and the reminder should not have been sent. Please leave it out of account."
            )
            % day,
            action=(_("See their record"), f"/people/{facts['student']}/"),
        )
    return Letter(
        subject=_("Our reminder about your attendance was wrong: we are sorry"),
        opening=_(
            "On %(when)s we wrote to you about classes you had missed. Your record has been put right since, and what we wrote "
            "was not so. It is withdrawn, nothing follows from it, and everyone who was told of it is told this too."
        )
        % day,
        closing=[_("You need not do anything.")],
        action=(_("See my attendance"), "/record/"),
    )


def _thanks(facts: Facts) -> Letter:
    return Letter(
        subject=_("Thank you for coming: the reminder is closed"),
        opening=_(
            "You have been to enough of your classes since %(when)s. The reminder is closed, and nothing follows from it."
        )
        % {"when": when(facts["told_at"])},
        closing=[_("If anything still makes it hard to come, your tutor would like to hear of it.")],
        action=(_("See my attendance"), "/record/"),
    )


def _closed(facts: Facts) -> Letter:
    return Letter(
        subject=_("The reminder about your attendance is closed"),
        opening=_("We wrote to you on %(when)s about classes you had missed. That is closed now, and nothing follows from it.")
        % {"when": when(facts["told_at"])},
        closing=[_("Your attendance page says why. Need anything else from us? Answer this message.")],
        action=(_("See my attendance"), "/record/"),
    )


def _stands(facts: Facts) -> Letter:
    return Letter(
        subject=_("We have looked at your reminder again"),
        opening=_(
            "Your record was put right after we wrote to you on %(when)s. Somebody has looked at what followed, and it stands."
        )
        % {"when": when(facts["told_at"])},
        closing=[
            _("Your attendance page says why."),
            _("If you do not agree, answer this message, or ask the students’ union for advice."),
        ],
        action=(_("See my attendance"), "/record/"),
    )


def _review(facts: Facts) -> Letter:
    return Letter(
        subject=_("Urgent: a reminder was wrong, and something has followed from it"),
        opening=_(
            "A record was put right, and a reminder that rested on it turned out to be wrong. An outcome or a report outside "
            "has followed from it already, so it is not withdrawn by itself. Please look at it today."
        ),
        action=(_("Review it"), f"/office/alerts/{facts['alert']}/"),
    )


def _kinds(labels: Sequence[tuple[str, Any, bool]]) -> tuple[Kind, ...]:
    return tuple(
        Kind(name, label, _reminder, heard=heard, formal=formal, mutable=not formal, digest=not formal, pushed=About.REMINDERS)
        for name, label, formal in labels
    )


TOPIC = Topic(
    kinds=(
        *_kinds(
            [
                (WORD, gettext_lazy("A friendly word about missed classes"), False),
                (REMINDER, gettext_lazy("Reminders about attendance"), True),
                (MEETING, gettext_lazy("Invitations to a meeting about attendance"), True),
                (PANEL, gettext_lazy("Formal panels about attendance"), True),
            ]
        ),
        Kind(COPY, gettext_lazy("Reminders to students you look after"), _copy),
        Kind(WRONG, gettext_lazy("Reminders that were wrong"), _wrong, mutable=False),
        Kind(THANKS, gettext_lazy("Thanks when a reminder closes"), _thanks),
        Kind(CLOSED, gettext_lazy("Reminders that were closed"), _closed),
        Kind(STANDS, gettext_lazy("Reminders that were looked at again"), _stands, mutable=False),
        Kind(REVIEW, gettext_lazy("Alerts to review at once"), _review, mutable=False),
    ),
    readings=(
        Reading("alerts_wrong", proved_wrong, moves=True),
        Reading("alerts_recovered", recovered),
        Reading("alerts_closed", closed),
        Reading("alerts_review", to_review),
        Reading("alerts_leaving", leaving, moves=True),
    ),
)

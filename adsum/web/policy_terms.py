"""What a policy says, in words: for staff as a list that can be compared, for students in sentences."""

from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.attendance.counting import Authorised, Counting, Terms, Weighting
from adsum.attendance.policy_table import Policy
from adsum.web.templatetags.adsum_ui import KINDS

PACES = {
    "standard": gettext_lazy("Standard: a new code every 60 seconds"),
    "brisk": gettext_lazy("Brisk: every 20 seconds"),
    "strict": gettext_lazy("Strict: every 10 seconds"),
    "very_strict": gettext_lazy("Very strict: every 5 seconds"),
}
AUTHORISED = {
    Authorised.EXCLUDE: gettext_lazy("Left out of the sum"),
    Authorised.AS_PRESENT: gettext_lazy("Counts as attended"),
    Authorised.AS_ABSENT: gettext_lazy("Counts as missed"),
}
WEIGHTINGS = {
    Weighting.SESSIONS: gettext_lazy("By classes, each the same"),
    Weighting.MINUTES: gettext_lazy("By scheduled minutes"),
}
FIELDS: dict[str, Any] = {
    "opens_before": gettext_lazy("Check-in opens, minutes before the start"),
    "present_until": gettext_lazy("Present until, minutes after the start"),
    "late_until": gettext_lazy("Late until, minutes after the start"),
    "pace": gettext_lazy("How often the code changes at first"),
    "amend_hours": gettext_lazy("Lecturers can change marks for"),
    "query_hours": gettext_lazy("Students can query marks for"),
    "authorised": gettext_lazy("An authorised absence"),
    "late_percent": gettext_lazy("Late is worth"),
    "remote_counts": gettext_lazy("Attending remotely"),
    "weighting": gettext_lazy("Adding up"),
    "min_events": gettext_lazy("Classes before a percentage says anything"),
}


def duration(hours: int) -> str:
    """Such as "7 days" or "48 hours"."""
    if hours % 24 == 0 and hours > 48:
        return ngettext("%(n)s day", "%(n)s days", hours // 24) % {"n": hours // 24}
    return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}


def minutes(count: int) -> str:
    """Such as "15 minutes"."""
    return ngettext("%(n)s minute", "%(n)s minutes", count) % {"n": count}


def kind_words(kind: str) -> str:
    """Which kind of class a policy is for."""
    return str(KINDS[kind]) if kind else _("Every kind of class")


def scope_words(policy: Policy) -> str:
    """Whom a policy is for, such as "Computing · Lab"."""
    where = policy.department.name if policy.department is not None else _("The whole university")
    return f"{where} · {kind_words(policy.kind)}"


class Said(NamedTuple):
    """One value of a policy in words; `was` is what another policy says, empty when the same."""

    name: str
    label: str
    now: str
    was: str = ""


def values(terms: Terms) -> dict[str, str]:
    """Every value by the name of its field, in words."""
    windows, counting = terms.windows, terms.counting
    return {
        "opens_before": minutes(windows.opens_before),
        "present_until": minutes(windows.present_until),
        "late_until": minutes(windows.late_until),
        "pace": str(PACES[terms.pace]),
        "amend_hours": duration(terms.amend_hours),
        "query_hours": duration(terms.query_hours),
        "authorised": str(AUTHORISED[counting.authorised]),
        "late_percent": f"{counting.late_percent} %",
        "remote_counts": _("Counts as attended") if counting.remote_counts else _("Counts as missed"),
        "weighting": str(WEIGHTINGS[counting.weighting]),
        "min_events": str(counting.min_events),
    }


def compared(terms: Terms, other: Terms) -> list[Said]:
    """What `terms` say, and beside it what `other` said where that differs."""
    now, was = values(terms), values(other)
    return [Said(name, str(label), now[name], was[name] if was[name] != now[name] else "") for name, label in FIELDS.items()]


def late_effect(counting: Counting) -> str:
    """What a late mark is worth."""
    worth = {"percent": counting.late_percent}
    return {100: _("Late counts as attended."), 0: _("Late counts as missed.")}.get(
        counting.late_percent, _("Late counts as %(percent)s%% of a class attended.") % worth
    )


def for_students(terms: Terms) -> list[tuple[str, list[str]]]:
    """What a policy means, under short headings, as a student would want to read it."""
    windows, counting = terms.windows, terms.counting
    words = {
        "opens": minutes(windows.opens_before),
        "present": minutes(windows.present_until),
        "late": minutes(windows.late_until),
    }
    opens = (
        _("Check-in opens %(opens)s before the class starts.")
        if windows.opens_before
        else _("Check-in opens when the class starts.")
    )
    checking_in = [opens % words, _("A scan until %(present)s after the start counts as present.") % words]
    if windows.late_until > windows.present_until:
        checking_in.append(_("After that it counts as late, until %(late)s after the start; then check-in closes.") % words)
    else:
        checking_in.append(_("After that check-in closes."))
    late = late_effect(counting)
    authorised = {
        Authorised.EXCLUDE: _("An authorised absence is left out: it neither helps nor harms."),
        Authorised.AS_PRESENT: _("An authorised absence counts as attended."),
        Authorised.AS_ABSENT: _("An authorised absence still counts as missed, with its reason on record."),
    }[counting.authorised]
    remote = (
        _("Attending remotely counts as attended, where the class allows it.")
        if counting.remote_counts
        else _("Attending remotely counts as missed.")
    )
    added = (
        _("Your attendance is the classes you attended of those that counted, such as 18 of 21.")
        if counting.weighting == Weighting.SESSIONS
        else _(
            "Your attendance is the scheduled time you attended of that which counted: a class of two hours counts twice one."
        )
    )
    few = ngettext(
        "Until %(n)s class has counted, nobody draws a conclusion from a percentage.",
        "Until %(n)s classes have counted, nobody draws a conclusion from a percentage.",
        counting.min_events,
    ) % {"n": counting.min_events}
    return [
        (_("Checking in"), checking_in),
        (
            _("What counts"),
            [
                added,
                late,
                authorised,
                remote,
                _("A class with another group counts, once your lecturer has agreed."),
                _("Cancelled classes, optional ones, and classes in which no register was taken count for nobody."),
                few,
            ],
        ),
        (
            _("Changes and queries"),
            [
                _("You can say that a mark is wrong until %(time)s after the class.") % {"time": duration(terms.query_hours)},
                _("While it is under query, a missed class is left out of your sum."),
                _("Your lecturer can change a mark for %(time)s after the class; after that only the attendance team can.")
                % {"time": duration(terms.amend_hours)},
                _("Every change is kept, with who made it, when and why, and you can read it."),
            ],
        ),
    ]

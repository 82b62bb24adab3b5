"""The components of the pages, as template tags. None needs a request, so the gate's pages can use them too."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django import template
from django.conf import settings
from django.forms import BaseForm, BoundField
from django.template.defaultfilters import floatformat
from django.templatetags.static import static
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.attendance.labels import STATUSES as WORDS
from adsum.attendance.rules import Status
from adsum.web.charts import BAR, LABELS, STEP, WeekBar, columns

register = template.Library()


class Look(NamedTuple):
    """How a status is shown: shape, tone and word, so that none has to carry the meaning alone."""

    shape: str
    tone: str
    word: Promise


LOOKS = {
    "expected": ("expected", "none"),
    "present": ("present", "good"),
    "late": ("late", "warn"),
    "absent_unauthorised": ("absent", "bad"),
    "absent_authorised": ("authorised", "note"),
    "absent_pending": ("pending", "note"),
    "left_early": ("left-early", "warn"),
    "attended_other_group": ("other-group", "good"),
    "swapped": ("swapped", "none"),
    "attended_remote": ("remote", "good"),
    "not_captured": ("not-observed", "none"),
    "cancelled": ("cancelled", "none"),
    "not_expected": ("not-expected", "none"),
}
STATUSES = {
    **{status: Look(*look, WORDS[Status(status)]) for status, look in LOOKS.items()},
    # Not statuses of a mark: a student has asked about it; a scan waits for the lecturer.
    "under_query": Look("under-query", "query", gettext_lazy("Under query")),
    "held": Look("held", "query", gettext_lazy("Held")),
}

NOTICE_ICONS = {"info": "info-circle", "good": "check-lg", "warn": "exclamation-triangle", "bad": "exclamation-triangle"}
NOTICE_TONES = {"info": "note", "good": "good", "warn": "warn", "bad": "bad"}


RING = mark_safe(
    '<svg class="ring" viewBox="0 0 36 36" aria-hidden="true"><circle cx="18" cy="18" r="15.9"></circle>'
    '<circle class="ring-value" cx="18" cy="18" r="15.9" pathLength="100" stroke-dashoffset="0"></circle></svg>'
)
TICK = mark_safe(
    '<svg class="tick" viewBox="0 0 48 48" aria-hidden="true">'
    '<circle cx="24" cy="24" r="22" pathLength="100" transform="rotate(-90 24 24)"></circle>'
    '<path d="M14.5 24.5 21.5 31.5 34 17.5" pathLength="100"></path></svg>'
)


def _use(symbol: str) -> str:
    return f"{static('icons.svg')}#{symbol}"


def _icon(name: str, label: str = "") -> SafeString:
    if label:
        return format_html('<svg class="icon" role="img" aria-label="{}"><use href="{}"></use></svg>', label, _use(name))
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"></use></svg>', _use(name))


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """A symbol of the sprite. Without a label it is decoration, hidden from screen readers."""
    return _icon(name, label)


@register.filter
def status_label(status: str) -> str:
    """The word for a status, in the reader's language."""
    return str(STATUSES[status].word)


@register.simple_tag
def status_chip(status: str, label: str = "", minutes_late: int | None = None, compact: bool = False) -> SafeString:
    """Shape, word and colour of a status; `compact` keeps the word for screen readers only."""
    look = STATUSES[status]
    word = label or str(look.word)
    if minutes_late:
        word = _("%(word)s, %(minutes)s min") % {"word": word, "minutes": minutes_late}
    return format_html(
        '<span class="chip tone-{}{}" data-status="{}">{}<span class="chip-word{}">{}</span></span>',
        look.tone,
        " chip-compact" if compact else "",
        status,
        _icon(f"status-{look.shape}"),
        " visually-hidden" if compact else "",
        word,
    )


@register.inclusion_tag("adsum/components/legend.html")
def legend() -> dict[str, Iterable[str]]:
    """What the signs of marks mean, where they stand without their words."""
    return {"statuses": [status for status in STATUSES if status not in {"expected", "held"}]}


@register.inclusion_tag("adsum/components/status_templates.html")
def status_templates() -> dict[str, Iterable[str]]:
    """One `<template>` per status, for pages whose marks change while they are open."""
    return {"statuses": STATUSES}


@register.simple_block_tag
def pagehead(content: SafeString, title: str, lead: str = "", eyebrow: str = "") -> SafeString:
    """The head of a page: `<h1>`, what comes before and after it, and its buttons (the content)."""
    return format_html(
        '<header class="pagehead"><div class="pagehead-text">{}<h1>{}</h1>{}</div>{}</header>',
        format_html('<p class="eyebrow">{}</p>', eyebrow) if eyebrow else "",
        title,
        format_html('<p class="lead">{}</p>', lead) if lead else "",
        format_html('<div class="actions">{}</div>', content) if content.strip() else "",
    )


@register.simple_block_tag
def crumbs(content: SafeString) -> SafeString:
    """Where this page is: `<li>`s, the last with `aria-current="page"`."""
    return format_html('<nav class="crumbs" aria-label="{}"><ol>{}</ol></nav>', _("You are here"), content)


@register.simple_block_tag
def empty(content: SafeString, title: str, text: str = "", icon: str = "info-circle") -> SafeString:
    """Said kindly when a list has nothing in it; the content is what one can do about it."""
    return format_html(
        '<div class="empty">{}<p class="empty-title">{}</p>{}{}</div>',
        _icon(icon),
        title,
        format_html("<p>{}</p>", text) if text else "",
        format_html('<div class="actions">{}</div>', content) if content.strip() else "",
    )


@register.simple_block_tag
def notice(content: SafeString, kind: str = "info", title: str = "") -> SafeString:
    """A sentence that stays on the page. Kinds: info, good, warn, bad."""
    return format_html(
        '<div class="notice tone-{}">{}<div>{}{}</div></div>',
        NOTICE_TONES[kind],
        _icon(NOTICE_ICONS[kind]),
        format_html('<p class="notice-title">{}</p>', title) if title else "",
        content,
    )


@register.filter
def notice_kind(level_tag: str) -> str:
    """The kind of notice for one of Django's message levels."""
    return {"success": "good", "warning": "warn", "error": "bad"}.get(level_tag, "info")


@register.inclusion_tag("adsum/components/error_summary.html")
def error_summary(form: BaseForm, focus: bool = True) -> dict[str, object]:
    """What needs attention, with a link to each field; takes the focus when the page opens."""
    return {"form": form, "focus": focus, "fields": [field for field in form.visible_fields() if field.errors]}


@register.inclusion_tag("adsum/components/field.html")
def field(field: BoundField, width: str = "full") -> dict[str, object]:
    """One field: label, help, what needs attention, control. Widths: short, medium, full."""
    return {"field": field, "width": width}


@register.inclusion_tag("adsum/components/fields.html")
def fields(form: BaseForm) -> dict[str, BaseForm]:
    """Every field of a form."""
    return {"form": form}


@register.simple_tag
def progress(value: int, whole: int, label: str) -> SafeString:
    """A bar and the words that say the same, such as "143 of 210 here"."""
    return format_html(
        '<div class="progress-line"><span class="num">{}</span><progress value="{}" max="{}" aria-label="{}"></progress></div>',
        label,
        value,
        whole or 1,
        label,
    )


@register.simple_tag
def week_strip(cells: Iterable[tuple[str, str]], label: str) -> SafeString:
    """A row of (status, title), oldest first, as the shapes of the chips; said as the label and the sum."""
    shown = list(cells)
    counts = Counter(status for status, _title in shown)
    said = ", ".join(f"{status_label(status)} {count}" for status, count in counts.items())
    return format_html(
        '<span class="strip" role="img" aria-label="{}">{}</span>',
        f"{label}: {said}" if said else label,
        format_html_join(
            "",
            '<svg class="icon tone-{}"><title>{}</title><use href="{}"></use></svg>',
            (
                (STATUSES[status].tone, title or STATUSES[status].word, _use(f"status-{STATUSES[status].shape}"))
                for status, title in shown
            ),
        ),
    )


@register.simple_tag
def ring() -> SafeString:
    """The countdown ring; countdown.js sets how much of it is left."""
    return RING


@register.simple_tag
def tick() -> SafeString:
    """The tick of a receipt, which draws itself once."""
    return TICK


@register.inclusion_tag("adsum/components/logo.html")
def logo(words: bool = True) -> dict[str, bool]:
    """The mark: a box of the register, ticked."""
    return {"words": words}


@register.simple_tag
def house() -> dict[str, str]:
    """Whom to ask at this university, and where its own documents are; '' for what it has not said."""
    return {
        "email": settings.TEAM_EMAIL,
        "telephone": settings.TEAM_TELEPHONE,
        "hours": settings.TEAM_HOURS,
        "desk_email": settings.HELP_DESK_EMAIL,
        "desk_telephone": settings.HELP_DESK_TELEPHONE,
        "wellbeing": settings.WELLBEING_URL,
        "guides": settings.GUIDES_URL,
        "privacy": settings.PRIVACY_URL,
        "accessibility": settings.ACCESSIBILITY_URL,
        "policy": settings.POLICY_URL,
    }


@register.filter
def dialled(telephone: str) -> str:
    """A telephone number as a link dials it."""
    return "".join(sign for sign in telephone if sign.isdigit() or sign == "+")


@register.inclusion_tag("adsum/components/history.html")
def history(changes: Iterable[object]) -> dict[str, Iterable[object]]:
    """The story of one mark. Changes have before, after, who, when, source and reason."""
    return {"changes": changes}


@register.inclusion_tag("adsum/components/weeks_chart.html")
def weeks_chart(weeks: Sequence[WeekBar], title: str, name: str = "weeks") -> dict[str, object]:
    """What was attended week by week, as columns, with its table. Weeks before the first that counted are left out."""
    begun = next((n for n, week in enumerate(weeks) if week.tally.counted), len(weeks))
    width = len(weeks) * STEP
    return {
        "columns": list(columns(weeks[begun:])),
        "width": width,
        "whole": width + LABELS,
        "bar": BAR,
        "half": BAR // 2,
        "lines": ((0, "100%"), (50, "50%"), (100, "")),
        "title": title,
        "name": name,
    }


@register.inclusion_tag("adsum/components/weeks_strip.html")
def weeks_strip(weeks: Sequence[WeekBar]) -> dict[str, object]:
    """The same as small columns, for a row of a list; a screen reader hears the figures."""
    return {"columns": list(columns(weeks)), "width": len(weeks) * STEP, "bar": BAR, "half": BAR // 2}


KINDS = {
    "lecture": gettext_lazy("Lecture"),
    "seminar": gettext_lazy("Seminar"),
    "tutorial": gettext_lazy("Tutorial"),
    "lab": gettext_lazy("Lab"),
    "workshop": gettext_lazy("Workshop"),
    "supervision": gettext_lazy("Supervision"),
    "exam": gettext_lazy("Exam"),
    "other": gettext_lazy("Class"),
}


@register.filter
def signed(value: float) -> str:
    """A difference with its sign, such as "−4.4": a real minus, as wide as the plus."""
    return f"{'−' if value < 0 else '+'}{floatformat(abs(value), '1g')}"


@register.filter
def kind_label(kind: str) -> str:
    """The word for a kind of class."""
    return str(KINDS.get(kind, KINDS["other"]))

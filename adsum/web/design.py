"""The page that documents the design system: every component in every state, with made-up people."""

from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from types import SimpleNamespace
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from adsum.checkin.symbol import symbol_of
from adsum.web.entered import DayField
from adsum.web.templatetags.adsum_ui import STATUSES

PEOPLE = (
    "Aoife Byrne",
    "Bartholomew Featherstonehaugh-Cholmondeley",
    "Chidi Okonkwo",
    "Dafydd ap Gwilym",
    "Élodie Lefèvre",
    "Fatima Zahra El Idrissi",
    "Gŵyneth Llŷr",
    "Hiroshi Tanaka",
    "Isla Murray",
    "Jørgen Ødegård",
    "Krzysztof Wiśniewski",
    "Lakshmi Venkataraman",
)
SEAT_STATUSES = ("present", "present", "late", "expected", "present", "absent_unauthorised", "present", "expected")
COLOURS = "paper surface sunken ink muted rule rule-strong accent accent-tint good warn bad note query none".split()
STRIP = ("present", "present", "late", "absent_unauthorised", "present", "cancelled", "absent_authorised", "present")


class SampleForm(forms.Form):
    """One field of each sort."""

    email = forms.EmailField(label=_("University e-mail"), help_text=_("Such as s1234567@uni.ac.uk"))
    room = forms.CharField(label=_("Room"), required=False)
    on = DayField(label=_("Date"))
    reason = forms.ChoiceField(label=_("Reason"), choices=[("seen", _("Seen in class")), ("phone", _("No phone"))])
    when = forms.ChoiceField(
        label=_("Which classes?"),
        choices=[("one", _("This class only")), ("all", _("Every class that day"))],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(label=_("Anything to add?"), required=False, widget=forms.Textarea(attrs={"rows": 3}))
    sure = forms.BooleanField(label=_("I have told my lecturer"), required=False)


def _seats() -> list[dict[str, Any]]:
    return [
        {
            "student": f"00000000-0000-0000-0000-{n:012}",
            "name": name,
            "number": f"s20{n:05}",
            "status": status,
            "at": f"10:{n:02}" if status in {"present", "late"} else "",
            "url": "#",
        }
        for n, (name, status) in enumerate(zip(PEOPLE, cycle(SEAT_STATUSES), strict=False))
    ]


def _history() -> list[SimpleNamespace]:
    at = datetime(2026, 10, 12, 9, 3, tzinfo=UTC)
    steps = (
        ("late", "present", timedelta(days=1), "Dr E. Marsh", _("by hand"), _("Here from the start; the code was slow.")),
        ("expected", "late", timedelta(minutes=14), "Aoife Byrne", _("scan"), ""),
        ("", "expected", timedelta(0), _("Timetable"), "", ""),
    )
    return [
        SimpleNamespace(before=before, after=after, when=at + later, who=who, source=source, reason=reason)
        for before, after, later, who, source, reason in steps
    ]


def register_sample() -> dict[str, Any]:
    """A class under way."""
    return {
        "seats": _seats(),
        "counts": {"present": 143, "late": 5, "expected": 62, "absent": 0, "held": 2},
        "held": [{"id": "1", "name": "Morgan Pryce", "at": "10:04", "why": _("Expected in lab group B"), "url": "#"}],
        "marks": [
            ("present", _("Present"), "p"),
            ("late", _("Late"), "l"),
            ("absent_unauthorised", _("Absent"), "a"),
            ("left_early", _("Left early"), "e"),
            ("attended_remote", _("Remote"), "r"),
        ],
    }


def display_sample(**changes: object) -> dict[str, Any]:
    """What the projector would show; the code in it leads nowhere."""
    at = datetime(2026, 10, 12, 9, 0, tzinfo=UTC)
    qr = symbol_of("https://uni.ac.uk", "0123456789ABCDEFGHJKMNPQRSTVWXYZ0123")
    return {
        "module_code": "CS201",
        "title": "Algorithms",
        "kind": _("Lecture"),
        "room": "C2.01",
        "starts": at,
        "ends": at + timedelta(hours=2),
        "svg": qr.svg_inline(border=4, omitsize=True),
        "typed": "4821 0937",
        "address": "uni.ac.uk/in",
        "left_ms": 41_000,
        "period_ms": 60_000,
        "grace_ms": 15_000,
        "here": 143,
        "expected": 210,
        "note": _("Open until 10:15, then late until 10:30"),
        "stream_url": "",
        "poll_url": "",
        **changes,
    }


@require_safe
@login_required
def design(request: HttpRequest) -> HttpResponse:
    """Every component in every state; `?show=` opens one of the pages without a menu."""
    match request.GET.get("show"):
        case "display":
            return render(request, "adsum/design_display.html", {"d": display_sample()})
        case "register":
            return render(request, "adsum/design_register.html", register_sample())
        case "confirm" | "receipt" | "refusal" | "typed" | "signin" as sheet:
            return render(request, "adsum/design_sheet.html", {"sheet": sheet})
    troubled = SampleForm({"email": "s1234567", "reason": "seen", "when": "one"})
    return render(
        request,
        "adsum/design.html",
        {
            "statuses": STATUSES,
            "strip": [(status, _("Week %(n)s") % {"n": n}) for n, status in enumerate(STRIP, 1)],
            "long_strip": list(islice(cycle([(status, "") for status in STRIP]), 30)),
            "form": SampleForm(),
            "troubled": troubled,
            "changes": _history(),
            "colours": COLOURS,
        },
    )

"""Check-in of the whole university: its state, and the switches that stop it or one of its keys."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from adsum.accounts.rules import RUNS_CHECKIN
from adsum.attendance.reports import here_in
from adsum.checkin import reports, services
from adsum.checkin.known import known_for_days
from adsum.checkin.rules import HELD, MOST_REMEMBER_DAYS, AlarmKind, Refusal
from adsum.checkin.slowness import Sign
from adsum.core import keyring
from adsum.core.errors import AdsumError
from adsum.timetable.reports import how_many_expected
from adsum.web.attempts import result
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.signin import stepup

PER_PAGE = 50
ALARMS_FOR = timedelta(days=7)
ALARM_WORDS = {
    AlarmKind.FUTURE_CODE: (
        gettext_lazy("A genuine code came before its time"),
        gettext_lazy("Someone may hold a key: make a new one and retire the one in use. First rule out a wrong clock."),
    ),
    AlarmKind.CLOCK: (
        gettext_lazy("A server’s clock differs from the database’s"),
        gettext_lazy("Codes live for seconds: let both follow the same time server."),
    ),
    AlarmKind.RECOVERED: (
        gettext_lazy("Phones bring back scans that are gone here"),
        gettext_lazy(
            "They had been recorded, and no longer are: was a backup restored, or did another database take over? The "
            "scans wait for the lecturers."
        ),
    ),
}

SLOW_WORDS = {
    Sign.QUEUE: gettext_lazy("People waited here for their turn: more workers, or more cores, make that shorter."),
    Sign.PROVIDER: gettext_lazy("The university’s sign-in took long to answer us, or did not: ask those who run it."),
    Sign.WAY: gettext_lazy("People took long from their scan to the end of signing in, at the university’s own pages."),
}


@require_safe
@for_roles(RUNS_CHECKIN)
def overview(request: PersonRequest) -> HttpResponse:
    """What is open now and how it goes, alarms, keys, and the switch for everything."""
    open_now = reports.open_classes(request.at)
    page = Paginator(open_now, PER_PAGE).get_page(request.GET.get("page"))
    sessions = [opening.session_id for opening in open_now]
    here, expected = here_in(sessions), how_many_expected(sessions)
    held, screens = reports.held_counts(open_now), reports.screen_counts(open_now)
    results = reports.results_in(open_now)
    kids = reports.kids_shown(open_now)
    context = {
        "paused": reports.paused(),
        "days": known_for_days(),
        "most_days": MOST_REMEMBER_DAYS,
        "page": page,
        "rows": [
            {
                "opening": one,
                "session": one.session,
                "here": here.get(one.session_id, 0),
                "expected": expected.get(one.session_id, 0),
                "held": held.get(one.session_id, 0),
                "screens": screens.get(one.pk, 0),
            }
            for one in page
        ],
        "here": sum(here.values()),
        "expected": sum(expected.values()),
        "held": sum(held.values()),
        "refused": [(result(why), n) for why, n in results.items() if why and why not in HELD | {Refusal.ALREADY_IN}],
        "alarms": [(alarm, *ALARM_WORDS[AlarmKind(alarm.kind)]) for alarm in reports.alarms_since(request.at - ALARMS_FOR)],
        "spells": [(spell, SLOW_WORDS[Sign(spell.sign)]) for spell in reports.slow_spells(request.at - ALARMS_FOR)],
        "unknown": sorted(set(kids) - set(keyring.masters())),
        **_keys(kids),
    }
    return render(request, "adsum/admin/gate.html", context)


def _keys(shown: dict[str, int]) -> dict[str, Any]:
    """Every key that is configured or was retired: its id, since when it is retired, and how many classes show its codes."""
    retired = {key.kid: key.at for key in reports.retired_keys()}
    kids = dict.fromkeys([*keyring.masters(), *retired])
    current = keyring.current()
    return {
        "keys": [
            {"kid": kid, "signs": kid == current, "retired_at": retired.get(kid), "classes": shown.get(kid, 0)} for kid in kids
        ],
        "current_retired": current in retired,
    }


@require_POST
@for_roles(RUNS_CHECKIN)
def pause(request: PersonRequest) -> HttpResponse:
    """Stop all check-in at once."""
    try:
        services.freeze(by=request.user.actor, at=request.at, reason=request.POST.get("reason", ""))
    except AdsumError as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, _("Check-in is paused for the whole university. Scans already made stay good."))
    return redirect("office_checkin")


@require_POST
@for_roles(RUNS_CHECKIN)
def resume(request: PersonRequest) -> HttpResponse:
    """Let check-in go on."""
    services.unfreeze(by=request.user.actor, at=request.at)
    messages.success(request, _("Check-in goes on."))
    return redirect("office_checkin")


@require_POST
@for_roles(RUNS_CHECKIN)
@stepup.required
def retire(request: PersonRequest, kid: str) -> HttpResponse:
    """Retire a key: refuse everything signed with it from now on."""
    try:
        services.retire_key(kid, by=request.user.actor, at=request.at)
    except AdsumError as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, _("Nothing signed with %(kid)s is believed any more.") % {"kid": kid})
    return redirect("office_checkin")


@require_POST
@for_roles(RUNS_CHECKIN)
@stepup.required
def remember(request: PersonRequest) -> HttpResponse:
    """For how many days without use students' own browsers stay known for checking in."""
    given = request.POST.get("days", "").strip()
    try:
        services.remember_for(int(given) if given.isdecimal() else -1, by=request.user.actor, at=request.at)
    except AdsumError as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, _("Saved. It holds everywhere within a second."))
    return redirect("office_checkin")

"""Imports: bring a file in, read what it would change, say yes or no; and the classes that went missing."""

import csv
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from adsum.accounts.rules import IMPORTS, MANAGES_PEOPLE
from adsum.checkin import class_changes as changes
from adsum.core.cells import safe_cell
from adsum.core.errors import AdsumError
from adsum.integrations.imports import reports
from adsum.integrations.imports import runs as imports
from adsum.integrations.imports.fetching import fetch
from adsum.integrations.imports.mapping import PRESETS, rules_of
from adsum.timetable.models import ClassSession
from adsum.timetable.rules import Change, ImportState
from adsum.timetable.services import Polling, save_mapping
from adsum.timetable.sources import FeedMapping, Import
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.signin import stepup
from adsum.web.timetabling.import_forms import CalendarForm, UploadForm
from adsum.web.timetabling.import_labels import CHANGES, NAMES, STATES, THINGS, counted, shown

PER_PAGE = 50
IMPORTS_PER_PAGE = 20
BUSY = frozenset({ImportState.WAITING, ImportState.CHECKING, ImportState.APPLYING})
SLOW = 15
"""Seconds after which the page asks whether a worker runs."""


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(IMPORTS)
def index(request: PersonRequest) -> HttpResponse:
    """Every import, and the way to start one."""
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if form.is_bound and form.is_valid():
        try:
            run = _take(request, form.cleaned_data)
        except AdsumError as reason:
            column = {"no_mapping": "mapping", "pattern": "mapping"}.get(reason.code, "")
            form.add_error(column or ("url" if form.cleaned_data["url"] else "file"), reason.message)
        else:
            imports.check_soon(run, at=request.at)
            return redirect("import", ref=run.ref)
    page = Paginator(reports.imports(), IMPORTS_PER_PAGE).get_page(request.GET.get("page"))
    rows = [
        {
            "import": listed,
            "state": STATES[ImportState(listed.run.state)],
            "sum": [counted(change, number) for change, number in listed.counts.items() if change != Change.UNCHANGED],
        }
        for listed in reports.listed(page.object_list)
    ]
    context = {
        "form": form,
        "page": page,
        "rows": rows,
        "calendars": FeedMapping.objects.order_by("name"),
        "missing": reports.missing_classes().count(),
        "reported": reports.open_reports().count(),
        "stale": FeedMapping.objects.exclude(stale_since=None).count(),
    }
    return render(request, "adsum/timetabling/imports.html", context, status=422 if form.errors else 200)


def _take(request: PersonRequest, data: dict[str, Any]) -> Import:
    """Raises AdsumError with what to do."""
    where, _colon, name = data["mapping"].partition(":")
    options: dict[str, Any] = {"source": data["source"], "partial": data["partial"], "language": get_language()}
    if where == "saved":
        saved = get_object_or_404(FeedMapping, name=name)
        options["mapping"] = saved.mapping
        options["partial"] = options["partial"] or saved.partial
    elif where == "preset":
        options["mapping"] = PRESETS[name]
    options["source"] = options["source"] or name
    filename, content = fetch(data["url"]) if data["url"] else (data["file"].name, data["file"].read())
    may_give_roles = bool(request.roles & MANAGES_PEOPLE) and not data["url"]
    return imports.take(
        filename=filename, content=content, actor=request.user.actor, at=request.at, options=options, roles=may_give_roles
    )


@require_safe
@for_roles(IMPORTS)
def detail(request: PersonRequest, ref: UUID) -> HttpResponse:
    """What one import would do, or did; while it is being read, how far it has come."""
    run = get_object_or_404(reports.imports(), ref=ref)
    context = {
        "run": run,
        "state": STATES[ImportState(run.state)],
        "busy": run.state in BUSY,
        "slow": (request.at - run.created_at).total_seconds() > SLOW,
        "by": reports.people([run.actor]).get(run.actor, ""),
        "decide": reverse("import_roles_decide" if run.kind == "roles" else "import_decide", args=[run.ref]),
    }
    if request.htmx:  # type: ignore[attr-defined]
        if run.state in BUSY:
            return render(request, "adsum/timetabling/import_progress.html", context)
        return HttpResponse(headers={"HX-Refresh": "true"})
    if run.state not in BUSY and run.state != ImportState.REFUSED:
        context |= _diff(request, run)
    return render(request, "adsum/timetabling/import.html", context)


def _diff(request: PersonRequest, run: Import) -> dict[str, Any]:
    """The sum, the rows that need a person, and one page of changes."""
    counts = reports.change_counts(run)
    change, what = request.GET.get("change", ""), request.GET.get("what", "")
    lines = run.changes.order_by("pk")
    if change in set(Change):
        lines = lines.filter(change=change)
    if what in THINGS:
        lines = lines.filter(what=what)
    page = Paginator(lines, PER_PAGE).get_page(request.GET.get("page"))
    problems = Paginator(run.problems.filter(notice=False).order_by("pk"), PER_PAGE).get_page(request.GET.get("rows"))
    total = reports.headline(run.counts)
    order = [Change.UNCHANGED, *(each for each in Change if each != Change.UNCHANGED)]
    return {
        "sum": [counted(each, total[each]) for each in order if each in total],
        "nothing": not (total.keys() - {Change.UNCHANGED}),
        "need_you": problems.paginator.count,
        "problems": problems,
        "notices": run.problems.filter(notice=True).order_by("pk"),
        "page": page,
        "rows": [
            {
                "line": line,
                "change": CHANGES[Change(line.change)],
                "what": THINGS[line.what],
                "steps": [
                    (NAMES.get(name, name), before is not None and shown(before), shown(after))
                    for name, before, after in reports.steps(line)
                ],
            }
            for line in page.object_list
        ],
        "change": change,
        "what": what,
        "by_change": _tabs(CHANGES, counts, 0, what),
        "by_what": _tabs(THINGS, counts, 1, change),
        "all": sum(counts.values()),
        "filters": f"change={change}&what={what}&" if change in set(Change) or what in THINGS else "",
    }


def _tabs(words: Any, counts: dict[tuple[str, str], int], index: int, other: str) -> list[tuple[str, str, int]]:
    """(value, word, how many) of each filter that would show something beside the other filter."""
    found = dict.fromkeys(words, 0)
    for key, number in counts.items():
        if not other or key[1 - index] == other:
            found[key[index]] += number
    return [(value, words[value], number) for value, number in found.items() if number]


@require_POST
@for_roles(IMPORTS)
def decide(request: PersonRequest, ref: UUID) -> HttpResponse:
    """Apply it, discard it, or do not wait for a worker."""
    run = get_object_or_404(Import, ref=ref)
    if run.kind == "roles":
        raise Http404
    return _decide(request, run)


@require_POST
@for_roles(MANAGES_PEOPLE)
@stepup.required
def decide_roles(request: PersonRequest, ref: UUID) -> HttpResponse:
    """The same for a file that says who may do what: an administrator's, with a proof of the last ten minutes."""
    return _decide(request, get_object_or_404(Import, ref=ref, kind="roles"))


def _decide(request: PersonRequest, run: Import) -> HttpResponse:
    match request.POST.get("action"):
        case "apply":
            confirm = "confirm" in request.POST
            if run.stop_reason and not confirm:
                messages.warning(request, _("Tick that you have read the question first; then apply."))
            elif first := stepup.ask(request):  # it may give roles, and it changes much at once
                return first
            else:
                imports.apply_soon(run, at=request.at, actor=request.user.actor, confirm=confirm)
        case "discard":
            imports.discard(run, at=request.at, actor=request.user.actor)
        case "now":
            if run.state == ImportState.APPLYING:
                imports.apply(run, at=request.at, actor=request.user.actor, confirm=bool(run.stop_reason))
            else:
                imports.check(run, at=request.at)
    return redirect("import", ref=run.ref)


@require_safe
@for_roles(IMPORTS)
def problems(_request: PersonRequest, ref: UUID) -> HttpResponse:
    """The rows that could not be used, as a CSV that a spreadsheet opens without running anything in it."""
    run = get_object_or_404(reports.imports(), ref=ref)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="rows-{run.created_at:%Y-%m-%d}-{str(run.ref)[:8]}.csv"'
    response.write("\ufeff")  # a spreadsheet then reads it as UTF-8
    writer = csv.writer(response)
    writer.writerow([_("file"), _("line"), _("what to do"), _("row")])
    for problem in run.problems.filter(notice=False).order_by("pk"):
        writer.writerow([safe_cell(cell) for cell in (problem.file, problem.line, problem.message, problem.row)])
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(IMPORTS)
def missing(request: PersonRequest) -> HttpResponse:
    """Classes that are missing from their source; a person says what became of each."""
    if request.method == "POST":
        decision = request.POST.get("decision")
        chosen = reports.missing_classes().filter(ref__in=_uuids(request.POST.getlist("session")))
        return _decide_missing(request, chosen, decision) if decision in SAID else redirect("imports_missing")
    page = Paginator(reports.missing_classes(), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "adsum/timetabling/imports_missing.html", {"page": page})


SAID = {"cancelled": changes.CANCELLED, "kept": changes.TAKES_PLACE}
"""What a person says of a class that is missing."""


def _decide_missing(request: PersonRequest, chosen: Iterable[ClassSession], decision: str) -> HttpResponse:
    """Decide about a class. If that is not possible, it stays in the list and the page says why."""
    sessions, refused = [], set()
    for session in chosen:
        try:
            proof = changes.weigh(session, SAID[decision], by=request.user, at=request.at, final=True)
        except AdsumError as error:
            refused.add(error.message)
            continue
        if proof and (first := stepup.ask(request)):
            return first
        sessions.append(session)
    for session in sessions:
        changes.decide_missing(session, cancelled=decision == "cancelled", by=request.user, at=request.at)
    for message in sorted(refused):
        messages.error(request, message)
    return redirect("imports_missing")


def _uuids(values: list[str]) -> list[UUID]:
    found = []
    for value in values:
        try:
            found.append(UUID(value))
        except ValueError:
            continue
    return found


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(IMPORTS)
def calendar(request: PersonRequest, pk: int | None = None) -> HttpResponse:
    """How one source's calendars are read; `?preset=` fills a new one in."""
    saved = get_object_or_404(FeedMapping, pk=pk) if pk else None
    preset = PRESETS.get(request.GET.get("preset", ""), PRESETS["plain"])
    initial = CalendarForm.initial_of(saved.mapping if saved else preset)
    initial |= {name: getattr(saved, name) for name in ("name", "url", *Polling._fields)} if saved else {}
    form = CalendarForm(request.POST if request.method == "POST" else None, initial=initial)
    if saved:
        form.fields["name"].disabled = True
    if form.is_bound and form.is_valid():
        try:
            if form.mapping():
                rules_of(form.mapping())
        except AdsumError as reason:
            form.add_error(None, reason.message)
        else:
            name, url = form.cleaned_data["name"], form.cleaned_data["url"]
            kept = save_mapping(
                name=name, url=url, mapping=form.mapping(), actor=request.user.actor, at=request.at, polling=form.polling()
            )
            if kept.next_poll_at:
                messages.success(request, _("Saved. %(name)s is asked within a minute.") % {"name": name})
                return redirect("feed", pk=kept.pk)
            messages.success(request, _("Saved. %(name)s can be chosen for every calendar now.") % {"name": name})
            return redirect("imports")
    context = {"form": form, "saved": saved, "presets": PRESETS}
    return render(request, "adsum/timetabling/imports_calendar.html", context, status=422 if form.errors else 200)


@require_POST
@for_roles(IMPORTS)
def fetch_calendar(request: PersonRequest, pk: int) -> HttpResponse:
    """Fetch a saved calendar from its address and check it."""
    saved = get_object_or_404(FeedMapping, pk=pk)
    if not saved.url:
        messages.warning(request, _("%(name)s has no address yet. Add one to fetch it from.") % {"name": saved.name})
        return redirect("import_calendar", pk=pk)
    data = {"mapping": f"saved:{saved.name}", "source": saved.name, "partial": False, "url": saved.url, "file": None}
    try:
        run = _take(request, data)
    except AdsumError as reason:
        messages.warning(request, reason.message)
        return redirect("imports")
    imports.check_soon(run, at=request.at)
    return redirect("import", ref=run.ref)

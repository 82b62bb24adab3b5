"""Alert rules: which are in force, the versions there are, the editor, and trying a version against a term."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from adsum.accounts.models import Department, Person
from adsum.accounts.rules import MAKES_POLICIES
from adsum.core.errors import AdsumError
from adsum.engagement.contacts import contacts_of
from adsum.engagement.models import RuleSwitch, RuleTrial, RuleVersion
from adsum.engagement.observed import observed
from adsum.engagement.policies import studies_of, university_calendar, version_at
from adsum.engagement.presets import UK_TAUGHT
from adsum.engagement.rules import STAGES, Rule, judge, not_for_them
from adsum.engagement.standing import looks_back_to
from adsum.engagement.trials import begin_trial
from adsum.engagement.versions import approve, make_version, put, wordings_of
from adsum.engagement.why import why
from adsum.engagement.wordings import FIRST, Wording, filled
from adsum.timetable.models import Term
from adsum.timetable.reports import students_visible_to
from adsum.web.entered import ref_of
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.office.rule_forms import RuleForms, VersionForm, WordingForms, initial_of, words_to_begin_with
from adsum.web.office.rule_labels import in_words, stage_words

PER_PAGE = 20
PRESET = "uk_taught"
SLOW = 20
"""Seconds after which the page asks whether a worker runs."""
PLACES = {
    "force": RuleSwitch.Place.IN_FORCE,
    "off": RuleSwitch.Place.IN_FORCE,
    "rehearse": RuleSwitch.Place.REHEARSAL,
    "end_rehearsal": RuleSwitch.Place.REHEARSAL,
}
PUT = {
    "force": gettext_lazy("These rules are in force from now on."),
    "off": gettext_lazy("No alert rules are in force any more. What was sent stays as it is."),
    "rehearse": gettext_lazy("These rules are rehearsed from tonight on. No student hears of it."),
    "end_rehearsal": gettext_lazy("The rehearsal has ended. What it found stays to be read."),
}


def may_change(request: PersonRequest) -> bool:
    """Whether the person makes policies for the whole university: alert rules are for everyone."""
    return request.access.departments(*MAKES_POLICIES) is None


def _only_who_may(request: PersonRequest) -> None:
    if not may_change(request):
        raise Http404


def by_stage(rules: Sequence[Rule]) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """The rules in words, under their stages."""
    departments = dict(Department.objects.values_list("pk", "name")) if any(rule.scope.department for rule in rules) else {}
    return [
        (stage_words(stage), [(rule.code, in_words(rule, departments)) for rule in rules if rule.stage == stage])
        for stage in STAGES
        if any(rule.stage == stage for rule in rules)
    ]


@require_safe
@for_roles(MAKES_POLICIES)
def index(request: PersonRequest) -> HttpResponse:
    """What is in force and in rehearsal, and every version."""
    in_force, rehearsed = (version_at(place, request.at) for place in RuleSwitch.Place)
    versions = RuleVersion.objects.select_related("made_by").order_by("-number")
    context = {
        "in_force": in_force,
        "rehearsed": rehearsed,
        "stages": by_stage(in_force.rule_set.rules) if in_force is not None else [],
        "preset": by_stage(UK_TAUGHT),
        "page": Paginator(versions, PER_PAGE).get_page(request.GET.get("page")),
        "may": may_change(request),
    }
    return render(request, "adsum/office/alert_rules.html", context)


class TryForm(forms.Form):
    """Against which term."""

    term = forms.ModelChoiceField(label=gettext_lazy("Term"), queryset=Term.objects.none(), empty_label=None)

    def __init__(self, *args: Any, request: PersonRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        term: Any = self.fields["term"]
        term.queryset = Term.objects.filter(starts_on__lt=request.today).order_by("-starts_on")


@require_safe
@for_roles(MAKES_POLICIES)
def detail(request: PersonRequest, ref: UUID) -> HttpResponse:
    """One version: its rules and words, what it would have done, and whether it is in force."""
    return _detail(request, get_object_or_404(RuleVersion.objects.select_related("made_by", "based_on"), ref=ref))


def _detail(request: PersonRequest, version: RuleVersion, *, said: str = "") -> HttpResponse:
    in_force, rehearsed = (version_at(place, request.at) for place in RuleSwitch.Place)
    languages = dict(_languages())
    context = {
        "version": version,
        "stages": by_stage(version.rule_set.rules),
        "wordings": [
            (stage_words(one.stage), languages[one.language], one, getattr(one, "approval", None), one.language != FIRST)
            for one in version.wordings.select_related("approval__by")
        ],
        "in_force": in_force == version,
        "rehearsed": rehearsed == version,
        "was_rehearsed": version.switches.filter(place=RuleSwitch.Place.REHEARSAL).exists(),
        "switches": version.switches.select_related("by").order_by("-at", "-pk"),
        "trials": version.trials.select_related("term").order_by("-asked_at", "-pk")[:5],
        "try": TryForm(request=request),
        "may": may_change(request),
        "said": said,
    }
    return render(request, "adsum/office/alert_rule_version.html", context, status=422 if said else 200)


def _languages() -> list[tuple[str, str]]:
    return [(code, str(name)) for code, name in settings.LANGUAGES]


@require_POST
@for_roles(MAKES_POLICIES)
def switch(request: PersonRequest, ref: UUID) -> HttpResponse:
    """Put a version in force or in rehearsal, or take it out again."""
    _only_who_may(request)
    version = get_object_or_404(RuleVersion, ref=ref)
    action = request.POST.get("action", "")
    if action not in PLACES:
        return _detail(request, version, said=_("Choose what to do with this version."))
    numbers = request.POST.get("guests", "")[:500].replace(",", " ").split()
    guests = list(Person.objects.filter(number__in=numbers).exclude(number=""))
    if len({one.number for one in guests}) < len(set(numbers)):
        return _detail(request, version, said=_("There is a number among the guests that Adsum does not know."))
    wanted = version if action in {"force", "rehearse"} else None
    if wanted is None and version_at(PLACES[action], request.at) != version:
        return redirect("alert_rule_version", ref)
    try:
        put(
            PLACES[action],
            wanted,
            by=request.user,
            at=request.at,
            reason=request.POST.get("reason", "")[:500],
            guests=guests if action == "rehearse" else (),
        )
    except AdsumError as refused:
        return _detail(request, version, said=refused.message)
    messages.success(request, str(PUT[action]))
    return redirect("alert_rule_version", ref)


@require_POST
@for_roles(MAKES_POLICIES)
def approve_wording(request: PersonRequest, ref: UUID, pk: int) -> HttpResponse:
    """Note which named reader has read a wording that is not in the first language."""
    _only_who_may(request)
    version = get_object_or_404(RuleVersion, ref=ref)
    wording = get_object_or_404(version.wordings.exclude(language=FIRST), pk=pk)
    try:
        approve(wording, request.POST.get("reader", ""), by=request.user, at=request.at)
    except AdsumError as refused:
        return _detail(request, version, said=refused.message)
    messages.success(request, _("Noted. From now on students who read this language get these words."))
    return redirect("alert_rule_version", ref)


# Making one


def _begin_with(start: str) -> tuple[str, tuple[Rule, ...], list[Wording], RuleVersion | None]:
    """Name, rules and words that the editor begins with: the preset's or a version's. Raises Http404 for no such."""
    if start == PRESET:
        return _("UK taught"), UK_TAUGHT, [], None
    version = get_object_or_404(RuleVersion, ref=ref_of(start))
    return version.name, version.rule_set.rules, wordings_of(version), version


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(MAKES_POLICIES)
def new(request: PersonRequest) -> HttpResponse:
    """The editor: it begins with the preset or a version, shows what a student would read, and saves a new version."""
    _only_who_may(request)
    current = version_at(RuleSwitch.Place.IN_FORCE, request.at)
    start = request.GET.get("from") or (str(current.ref) if current is not None else PRESET)
    name, rules, wordings, based_on = _begin_with(start)
    if request.method != "POST":
        first = VersionForm(initial={"name": name}), RuleForms(prefix="rule", initial=initial_of(rules))
        return _editor(request, start, *first, WordingForms(prefix="word", initial=words_to_begin_with(wordings)))
    form, words = VersionForm(request.POST), WordingForms(request.POST, prefix="word")
    given = RuleForms(request.POST, prefix="rule")
    if not (form.is_valid() & given.is_valid() & words.is_valid()):
        return _editor(request, start, form, given, words, code=422)
    kept = [one.rule() for one in given if one.is_kept]
    own = [one.wording for one in words if one.wording is not None]
    if request.POST.get("action") != "save":
        return _editor(request, start, form, given, words, shown=_preview(request, form, kept, own))
    try:
        said = form.cleaned_data
        made = make_version(
            kept, name=said["name"], wordings=own, by=request.user, at=request.at, based_on=based_on, note=said["note"]
        )
    except AdsumError as refused:
        form.add_error(None, refused.message)
        return _editor(request, start, form, given, words, code=422)
    messages.success(
        request, _("Version %(number)s is saved. Nothing follows from it yet: try it first.") % {"number": made.number}
    )
    return redirect("alert_rule_version", made.ref)


class Preview(NamedTuple):
    """What a student would read today, and what each rule says of them."""

    student: Person
    said: list[tuple[str, str, bool]]
    letters: list[tuple[str, str, str, str]]


def _preview(request: PersonRequest, form: VersionForm, rules: list[Rule], words: list[Wording]) -> Preview | None:
    """Judged as it would be tonight; nothing is kept. None where no student, or none that the person may open, is named."""
    number = form.cleaned_data["student"].strip()
    student = students_visible_to(request.user, request.access).filter(number=number).first() if number else None
    if student is None:
        if number:
            form.add_error("student", _("There is no student with this number whose record you may open."))
        return None
    calendar = university_calendar()
    since = min((looks_back_to(rule, calendar, request.at) for rule in rules), default=request.at)
    seen = observed([student.pk], since=since, until=request.at)[student.pk]
    courses = studies_of([student.pk], request.today).get(student.pk, ())
    met = contacts_of([student.pk], since=since).get(student.pk, ())
    findings = [
        judge(rule, seen, met, calendar, request.at) if rule.scope.covers(courses) else not_for_them(rule) for rule in rules
    ]
    letters, languages = list[tuple[str, str, str, str]](), dict(_languages())
    for one in words:
        found = next((each for each in findings if each.because.stage == one.stage and each.holds), None)
        found = found or next((each for each in findings if each.because.stage == one.stage), None)
        with translation.override(one.language):
            values = {
                "name": student.display_name,
                "why": why(found) if found is not None else "",
                "classes": str(len(found.rests_on)) if found is not None else "0",
            }
        heading = stage_words(one.stage)
        letters.append((heading, languages[one.language], filled(one.subject, values), filled(one.body, values)))
    return Preview(student, [(stage_words(one.because.stage), why(one), one.holds) for one in findings], letters)


def _editor(
    request: PersonRequest, start: str, form: Any, rules: Any, words: Any, *, shown: Preview | None = None, code: int = 200
) -> HttpResponse:
    languages = dict(_languages())
    context = {
        "form": form,
        "rules": rules,
        "words": words,
        "word_forms": [
            (stage_words(int(one["stage"].value() or 0)), languages.get(one["language"].value(), ""), one) for one in words
        ],
        "start": start,
        "preset": PRESET,
        "versions": RuleVersion.objects.order_by("-number")[:PER_PAGE],
        "shown": shown,
    }
    return render(request, "adsum/office/alert_rules_new.html", context, status=code)


# Trying one


@require_POST
@for_roles(MAKES_POLICIES)
def try_it(request: PersonRequest, ref: UUID) -> HttpResponse:
    """Have a version tried against a term."""
    _only_who_may(request)
    version = get_object_or_404(RuleVersion, ref=ref)
    form = TryForm(request.POST, request=request)
    if not form.is_valid():
        return _detail(request, version, said=_("Choose a term that has begun."))
    trial = begin_trial(version, form.cleaned_data["term"], by=request.user, at=request.at)
    return redirect("alert_rule_trial", trial.ref)


@require_safe
@for_roles(MAKES_POLICIES)
def trial(request: PersonRequest, ref: UUID) -> HttpResponse:
    """How far it has come, and then its sums."""
    found = get_object_or_404(RuleTrial.objects.select_related("version", "beside", "term", "asked_by"), ref=ref)
    busy = found.state in {RuleTrial.State.WAITING, RuleTrial.State.RUNNING}
    context: dict[str, Any] = {
        "trial": found,
        "busy": busy,
        "slow": found.state == RuleTrial.State.WAITING and (request.at - found.asked_at).total_seconds() > SLOW,
    }
    if request.htmx:  # type: ignore[attr-defined]
        if busy:
            return render(request, "adsum/office/alert_rule_progress.html", context)
        return HttpResponse(headers={"HX-Refresh": "true"})
    if found.state == RuleTrial.State.DONE:
        context |= _sums(found)
    return render(request, "adsum/office/alert_rule_trial.html", context)


def _sums(found: RuleTrial) -> dict[str, Any]:
    """The table: for each group and stage how many, and beside it how many the rules in force would have reached."""
    many, total = len(STAGES), found.result["total"]
    both = found.result["sets"] > 1

    def cells(numbers: list[int | None]) -> list[tuple[int | None, int | None, bool]]:
        return [(numbers[n], numbers[many + n] if both else None, both) for n in range(many)]

    return {
        "headings": [stage_words(stage) for stage in STAGES],
        "both": both,
        "everyone": (total[0], cells(total[1:])),
        "rows": [(row, cells(row["reached"])) for row in found.result["rows"]],
    }

"""What the university decides about sponsored students: its own numbers, what counts as contact, vacations, supervisions,
teaching."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from adsum.audit.rules import Page
from adsum.compliance.clock import LADDER
from adsum.compliance.clocks import Rules
from adsum.compliance.guidance import Number
from adsum.compliance.models import SponsorStanding, SponsorTerms, StudyVacation
from adsum.compliance.sponsor_rules import Level
from adsum.compliance.sponsor_terms import Monthly, Terms
from adsum.compliance.sponsorship import sponsored
from adsum.compliance.taught import Light, Share
from adsum.compliance.teaching import short_weeks
from adsum.compliance.terms import enter_vacation, permit_remote, permitted_shares, set_terms, withdraw_vacation
from adsum.compliance.weights import DEFAULTS, NEVER, Way, Weight
from adsum.core.errors import AdsumError
from adsum.engagement.models import Supervision, SupervisionPlan
from adsum.engagement.supervising import Supervised
from adsum.engagement.supervisions import ask_for, stop_asking
from adsum.timetable.models import Course, Enrolment
from adsum.timetable.reports import as_one_of
from adsum.web.acts import act_of
from adsum.web.compliance import UKVI
from adsum.web.compliance.sponsor_labels import ASSURANCES, LEVELS, LIGHT_TAGS, LIGHTS, SUPERVISED, WAYS
from adsum.web.entered import DayField, number_of
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.viewing import looked_through

MONTHS = 6
"""How many months of supervisions are summed up."""


class StepsField(forms.CharField):
    """Days, separated by commas."""

    def clean(self, value: Any) -> tuple[int, ...]:
        words = str(super().clean(value)).replace(",", " ").split()
        if not words or not all(word.isascii() and word.isdigit() and len(word) < 4 for word in words):
            raise forms.ValidationError(_("Write days, separated by commas, such as 7, 14, 21."))
        return tuple(sorted({int(word) for word in words}))


def _number(label: Any, *, required: bool = True, **more: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=1, max_value=400, required=required, **more)


class TermsForm(forms.Form):
    """The university's own numbers, and the day they begin."""

    valid_from = DayField(label=gettext_lazy("From"))
    limit = _number(
        gettext_lazy("Longest time without engagement, in calendar days"),
        required=False,
        help_text=gettext_lazy("Empty: as long as guidance allows."),
    )
    ladder = StepsField(label=gettext_lazy("Steps at which officers hear of a taught student"), max_length=60)
    research_ladder = StepsField(label=gettext_lazy("Steps for research students"), max_length=60)
    approval_days = _number(gettext_lazy("Compliance approves absences from so many working days on"))
    absence_cap = _number(gettext_lazy("Approved absence in any twelve months, in calendar days"))
    row_warn = _number(
        gettext_lazy("Classes missed in a row: an officer hears of it at"),
        required=False,
        help_text=gettext_lazy("Empty: they are not counted."),
    )
    row_escalate = _number(gettext_lazy("and again at"), required=False)
    research_contacts = _number(
        gettext_lazy("Contacts of a research student in a period"),
        required=False,
        help_text=gettext_lazy("Empty: they are not counted."),
    )
    research_days = _number(gettext_lazy("Length of that period, in calendar days"))
    month_warn = _number(
        gettext_lazy("Monthly rule below degree level: warn below, in per cent"),
        required=False,
        help_text=gettext_lazy("Off while it is empty. What guidance asks for could not be verified: cite where you read it."),
    )
    month_withdraw = _number(gettext_lazy("consider withdrawing below, in per cent"), required=False)
    months = _number(gettext_lazy("in so many months in a row"), required=False)
    month_source = forms.CharField(label=gettext_lazy("The paragraph it rests on"), max_length=300, required=False)

    def __init__(self, *args: Any, weights: dict[Way, Weight], **more: Any) -> None:
        super().__init__(*args, **more)
        for way in Way:
            if way not in NEVER:
                self.fields[f"way_{way}"] = forms.BooleanField(
                    label=WAYS[way],
                    required=False,
                    initial=weights[way].counts,
                    help_text=_("How sure it is: %(how)s") % {"how": ASSURANCES[weights[way].assurance]},
                )

    def terms(self, weights: dict[Way, Weight]) -> Terms:
        """As the verb takes them."""
        given = self.cleaned_data
        monthly = None
        if any(given[name] for name in ("month_warn", "month_withdraw", "months", "month_source")):
            monthly = Monthly(
                given["month_warn"] or 0, given["month_withdraw"] or 0, given["months"] or 0, given["month_source"]
            )
        plain = ("limit", "ladder", "research_ladder", "approval_days", "absence_cap", "row_warn", "row_escalate")
        return Terms(
            **{name: given[name] for name in (*plain, "research_contacts", "research_days")},
            monthly=monthly,
            weights={way: Weight(given.get(f"way_{way}", False), weights.get(way, DEFAULTS[way]).assurance) for way in Way},
        )


class VacationForm(forms.Form):
    """A vacation of a course or of a level."""

    name = forms.CharField(label=gettext_lazy("What it is called"), max_length=120)
    starts_on = DayField(label=gettext_lazy("First day"))
    ends_on = DayField(label=gettext_lazy("Last day"))
    level = forms.ChoiceField(
        label=gettext_lazy("Level"),
        required=False,
        choices=[("", gettext_lazy("none")), *((one.value, LEVELS[one]) for one in Level if one != Level.RESEARCH)],
    )
    course = forms.CharField(label=gettext_lazy("or course"), max_length=40, required=False)

    def clean_course(self) -> Course | None:
        return _course_of(self.cleaned_data["course"])


class PlanForm(forms.Form):
    """At which level of enrolment supervisors are asked each month."""

    level_of_enrolment = forms.ChoiceField(label=gettext_lazy("Level, as enrolments call it"))

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        known = Enrolment.objects.exclude(level="").order_by("level").values_list("level", flat=True).distinct()
        self.fields["level_of_enrolment"].choices = [(one, one) for one in known]  # type: ignore[attr-defined]


def _course_of(code: str) -> Course | None:
    code = code.strip()
    course = Course.objects.filter(code__iexact=code).first() if code else None
    if code and course is None:
        raise forms.ValidationError(_("There is no course with this code."))
    return course


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(UKVI)
def terms(request: PersonRequest) -> HttpResponse:
    """The university's own numbers; nothing that guidance does not allow is kept."""
    rules = Rules.on(request.today) if _has_guidance(request) else None
    now = rules.terms if rules else Terms()
    weights = dict(now.weights)
    action = request.POST.get("action", "") if request.method == "POST" else ""
    tomorrow = request.today + timedelta(days=1)
    form = TermsForm(
        request.POST if action == "terms" else None, weights=weights, initial=_initial(now) | {"valid_from": tomorrow}
    )
    vacation = VacationForm(request.POST if action == "vacation" else None)
    plan = PlanForm(request.POST if action == "plan" else None)
    try:
        if form.is_valid():
            set_terms(form.terms(weights), valid_from=form.cleaned_data["valid_from"], act=act_of(request))
        elif vacation.is_valid():
            given = vacation.cleaned_data
            level = Level(given["level"]) if given["level"] else None
            enter_vacation(
                given["name"], given["starts_on"], given["ends_on"], act=act_of(request), course=given["course"], level=level
            )
        elif plan.is_valid():
            ask_for(plan.cleaned_data["level_of_enrolment"], request.today, act=act_of(request))
        elif action == "vacation_withdraw":
            row = get_object_or_404(StudyVacation, pk=number_of(request.POST.get("row")) or 0)
            withdraw_vacation(row, act=act_of(request))
        elif action == "plan_stop":
            stop_asking(get_object_or_404(SupervisionPlan, pk=number_of(request.POST.get("row")) or 0), act=act_of(request))
        done = action and not (form.errors or vacation.errors or plan.errors)
    except AdsumError as refused:
        (form if action == "terms" else vacation).add_error(None, refused.message)
        done = False
    if done:
        messages.success(request, _("Written down."))
        return redirect("sponsor_terms")
    context = {
        "form": form,
        "vacation": vacation,
        "plan": plan,
        "rules": rules,
        "ladder": ", ".join(map(str, LADDER)),
        "coming": SponsorTerms.objects.filter(valid_from__gt=request.today).order_by("valid_from"),
        "vacations": [
            (one, one.course or LEVELS[Level(one.level)])
            for one in StudyVacation.objects.filter(withdrawn_at=None).select_related("course").order_by("starts_on")
        ],
        "plans": SupervisionPlan.objects.filter(ended_at=None).order_by("level"),
    }
    return render(request, "adsum/compliance/terms.html", context, status=422 if action else 200)


def _has_guidance(request: PersonRequest) -> bool:
    try:
        Rules.on(request.today)
    except AdsumError as refused:
        messages.warning(request, refused.message)
        return False
    return True


def _initial(now: Terms) -> dict[str, Any]:
    monthly = now.monthly
    plain = {name: getattr(now, name) for name in TermsForm.base_fields if hasattr(now, name)}
    return plain | {
        "ladder": ", ".join(map(str, now.ladder)),
        "research_ladder": ", ".join(map(str, now.research_ladder)),
        "month_warn": monthly.warn_below if monthly else None,
        "month_withdraw": monthly.withdraw_below if monthly else None,
        "months": monthly.months if monthly else None,
        "month_source": monthly.source if monthly else "",
    }


# How it is taught


class PermissionForm(forms.Form):
    """That the Home Office permits more."""

    course = forms.CharField(label=gettext_lazy("Course"), max_length=40)
    share = forms.IntegerField(label=gettext_lazy("Largest share taught remotely, in per cent"), min_value=1, max_value=100)
    reference = forms.CharField(label=gettext_lazy("Reference of the permission"), max_length=120)
    since = DayField(label=gettext_lazy("From"))
    until = DayField(label=gettext_lazy("Until"), required=False)

    def clean_course(self) -> Course | None:
        return _course_of(self.cleaned_data["course"])


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(UKVI)
def teaching(request: PersonRequest) -> HttpResponse:
    """By course, the share that sponsored students are taught remotely; and weeks with too few hours in a classroom."""
    form = PermissionForm(request.POST if request.method == "POST" else None, initial={"since": request.today})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            permit_remote(
                given["course"],
                given["share"],
                given["reference"],
                since=given["since"],
                until=given["until"],
                act=act_of(request),
            )
        except AdsumError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("Written down."))
            return redirect("sponsor_teaching")
    rules = Rules.on(request.today) if _has_guidance(request) else None
    context = {"form": form, "rules": rules, **(_taught(request, rules) if rules else {})}
    return render(request, "adsum/compliance/teaching.html", context, status=422 if form.errors else 200)


def _taught(request: PersonRequest, rules: Rules) -> dict[str, Any]:
    permitted, usual = permitted_shares(request.today), rules.guidance.number(Number.REMOTE_SHARE)
    by_course = defaultdict[Course, Share](Share)
    heads = defaultdict[Course, list[SponsorStanding]](list)
    for row in SponsorStanding.objects.exclude(profile__course=None).select_related("profile__course", "student"):
        course = row.profile.course
        if course is not None:
            by_course[course] = by_course[course].plus(Share(row.taught_minutes, row.remote_minutes))
            heads[course].append(row)
    lines = []
    for course, share in sorted(by_course.items(), key=lambda one: (-(one[1].percent or 0), one[0].code)):
        allowed = Decimal(permitted.get(course.pk, usual))
        light = share.light(allowed)
        beyond = [one for one in heads[course] if Share(one.taught_minutes, one.remote_minutes).light(allowed) == Light.RED]
        lines.append((course, share, allowed, LIGHTS[light], LIGHT_TAGS[light], len(heads[course]), beyond[:5]))
    first, last = request.today - timedelta(weeks=4), request.today + timedelta(weeks=1)
    profiles = sponsored(None, request.today)
    short = short_weeks(profiles, rules, first=first, last=last)
    weeks = defaultdict[Any, list[Any]](list)
    for student, found in short.items():
        for monday, minutes in found:
            weeks[monday].append((profiles[student], minutes // 60, minutes % 60))
    listed = set(short) | {one.student_id for _c, _s, _a, _w, _t, _n, beyond in lines for one in beyond}
    relation = as_one_of(request.access, UKVI)
    looked_through(request, Page.SPONSORED, [(pk, relation) for pk in sorted(listed)])
    return {
        "lines": lines,
        "usual": usual,
        "weeks": sorted(weeks.items()),
        "hours": rules.guidance.number(Number.WEEKLY_DAYTIME_HOURS),
    }


@require_safe
@for_roles(UKVI)
def supervisions(request: PersonRequest) -> HttpResponse:
    """Supervisions of the last months of sponsored students: how many were answered, and which were not."""
    students = set(sponsored(None, request.today)) - {request.user.pk}
    since = (request.today.replace(day=1) - timedelta(days=31 * (MONTHS - 1))).replace(day=1)
    rows = Supervision.objects.filter(student__in=students, month__gte=since).select_related("student", "supervisor")
    months = defaultdict[Any, dict[str, int]](lambda: dict.fromkeys(Supervised, 0))
    open_ = []
    for row in rows.order_by("-month", "student__family_name", "pk"):
        months[row.month][row.state] += 1
        if row.state != Supervised.MET:
            open_.append((row, SUPERVISED[Supervised(row.state)]))
    relation = as_one_of(request.access, UKVI)
    looked_through(request, Page.SPONSORED, [(pk, relation) for pk in sorted({row.student_id for row, _word in open_})])
    context = {
        "months": [(month, [counts[one] for one in Supervised]) for month, counts in months.items()],
        "heads": [SUPERVISED[one] for one in Supervised],
        "open": open_[:200],
    }
    return render(request, "adsum/compliance/supervisions.html", context)

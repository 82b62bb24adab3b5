"""Sponsored students: the list with search and filters, one student with both clocks, and the profile by hand or from a
file."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.audit.rules import Page
from adsum.compliance.clocks import Rules, story_of
from adsum.compliance.leave import approvals_of, total_of, waiting
from adsum.compliance.models import SponsorAlert, SponsorProfile, SponsorStanding
from adsum.compliance.sponsor_rules import Level, Mode, Route, Sponsorship, permission_on
from adsum.compliance.sponsorship import current, history_of, keep_profile, sponsored
from adsum.compliance.taught import Share
from adsum.compliance.teaching import short_weeks
from adsum.compliance.watching import Sign
from adsum.core.errors import AdsumError
from adsum.integrations.imports.problems import Refused
from adsum.integrations.imports.sponsors_csv import bring_sponsors
from adsum.timetable.models import Course
from adsum.timetable.reports import as_one_of
from adsum.web.acts import act_of
from adsum.web.charts import clock_bars, gap_line
from adsum.web.compliance import UKVI
from adsum.web.compliance.sponsor_labels import ENDED, LEVELS, MODES, PAUSES, PERMISSIONS, ROUTES, SIGNS, WAYS
from adsum.web.entered import DayField
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.searching import named
from adsum.web.viewing import looked_at, looked_through

PER_PAGE = 50
PROBLEMS = 100
"""How many lines that could not be used are listed."""
CONTACTS = 40
"""How many contacts a student's page lists."""

FILTERS = {
    "": gettext_lazy("Everyone"),
    "reached": gettext_lazy("Limit reached"),
    "running": gettext_lazy("A step reached"),
    "calendar": gettext_lazy("Held by a pause"),
    "permission": gettext_lazy("Permission ends"),
}


def _filtered(rows: QuerySet[SponsorStanding], show: str) -> QuerySet[SponsorStanding]:
    """Those of one filter."""
    signs = SponsorAlert.objects.filter(ended_at=None)
    if show == "reached":
        return rows.filter(limit__gt=0, policy_days__gte=F("limit"))
    if show == "running":
        return rows.filter(step__gt=0)
    if show == "calendar":
        return rows.filter(student__in=signs.filter(sign=Sign.CALENDAR).values("student"), policy_days__lt=F("limit"))
    if show == "permission":
        return rows.filter(student__in=signs.filter(sign=Sign.PERMISSION).values("student"))
    return rows


@require_safe
@for_roles(UKVI)
def students(request: PersonRequest) -> HttpResponse:
    """Every sponsored student as the last night found them, the longest without engagement first."""
    show, level, text = (request.GET.get(name, "") for name in ("show", "level", "q"))
    rows = _filtered(SponsorStanding.objects.exclude(student=request.user), show if show in FILTERS else "")
    if level in set(Level):
        rows = rows.filter(profile__level=level)
    if text.strip():
        rows = rows.filter(student__in=named(Person.objects.all(), text).values("pk"))
    rows = rows.select_related("student", "profile__course").order_by("-policy_days", "student__family_name", "student")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    relation = as_one_of(request.access, UKVI)
    looked_through(request, Page.SPONSORED, [(one.student_id, relation) for one in page])
    query = request.GET.copy()
    query.pop("page", None)
    last = SponsorStanding.objects.order_by("-on").values_list("on", flat=True).first()
    context = {
        "page": page,
        "rows": [(one, LEVELS[Level(one.profile.level)], _permission(one.profile, request)) for one in page],
        "query": f"{query.urlencode()}&" if query else "",
        "q": text[:100],
        "show": show,
        "level": level,
        "filters": FILTERS.items(),
        "levels": [(one.value, LEVELS[one]) for one in Level],
        "last": last,
        "known": current(request.today).count() if last is None else None,
    }
    return render(request, "adsum/compliance/students.html", context)


def _permission(profile: SponsorProfile, request: PersonRequest) -> dict[str, Any]:
    standing = permission_on(profile.facts, request.today)
    return {"word": PERMISSIONS[standing.state], "standing": standing, "ends": profile.permission_end}


def _the_student(request: PersonRequest, ref: UUID) -> Person:
    """A student who is, or was, sponsored; never oneself."""
    students_ = Person.objects.filter(pk__in=SponsorProfile.objects.values("student")).exclude(pk=request.user.pk)
    return get_object_or_404(students_, ref=ref)


@require_safe
@for_roles(UKVI)
def student(request: PersonRequest, ref: UUID) -> HttpResponse:
    """One sponsored student: what is known, both clocks and what they rest on, absences, signs, history."""
    person = _the_student(request, ref)
    looked_at(request, person, Page.SPONSOR, as_one_of(request.access, UKVI))
    history = history_of(person)
    profile = sponsored([person.pk], request.today).get(person.pk)
    latest = profile or history[0]
    context: dict[str, Any] = {
        "student": person,
        "profile": latest,
        "sponsored": profile is not None,
        "level": LEVELS[Level(latest.level)],
        "route": ROUTES[Route(latest.route)],
        "mode": MODES[Mode(latest.mode)],
        "permission": _permission(latest, request),
        "history": [
            (one, LEVELS[Level(one.level)], PERMISSIONS[permission_on(one.facts, request.today).state]) for one in history
        ],
        "signs": [
            (one, SIGNS[Sign(one.sign)], ENDED.get(one.ended))  # type: ignore[call-overload]
            for one in SponsorAlert.objects.filter(student=person).order_by("-found_at", "-pk")[:20]
        ],
        "standing": SponsorStanding.objects.filter(student=person).first(),
    }
    try:
        rules = Rules.on(request.today)
    except AdsumError as refused:
        context["refused"] = refused.message
    else:
        context |= _clocks(person, profile, rules, request)
    return render(request, "adsum/compliance/student.html", context)


def _clocks(person: Person, profile: SponsorProfile | None, rules: Rules, request: PersonRequest) -> dict[str, Any]:
    """What the page says of clocks, contacts and absences."""
    approvals = approvals_of([person.pk]).get(person.pk, [])
    said: dict[str, Any] = {
        "rules": rules,
        "edition": rules.guidance.edition,
        "approvals": approvals,
        "total": total_of(approvals, request.today),
        "waiting": waiting([person.pk], rules.terms, today=request.today),
        "cap": rules.terms.absence_cap,
    }
    if profile is None:
        return said
    story = story_of(profile, rules, at=request.at)
    if story is None:
        return said
    clock, counting = story.clock, rules.terms.contacts
    shown = [(one, WAYS[one.way], one.way in counting and not one.waits) for one in reversed(story.contacts)]
    first = max(story.began, request.today - timedelta(days=2 * clock.ceiling))
    weeks = short_weeks({person.pk: profile}, rules, first=first, last=request.today).get(person.pk, [])
    row = SponsorStanding.objects.filter(student=person).first()
    share = Share(row.taught_minutes, row.remote_minutes) if row is not None else Share()
    return said | {
        "clock": clock,
        "bars": clock_bars(clock, rules.terms.steps_of(Level(profile.level), rules.ceiling)),
        "line": gap_line(story.days, story.pauses, first, request.today),
        "pauses": [(one, PAUSES[one.because]) for one in story.pauses if one.last >= first],
        "contacts": shown[:CONTACTS],
        "longest": story.longest,
        "short_weeks": [(monday, minutes // 60, minutes % 60) for monday, minutes in weeks],
        "share": share,
    }


# By hand and from a file


class ProfileForm(forms.Form):
    """What is known of one CAS."""

    number = forms.CharField(label=gettext_lazy("Student number"), max_length=40)
    cas_number = forms.CharField(label=gettext_lazy("CAS number"), max_length=40)
    route = forms.ChoiceField(label=gettext_lazy("Route"), choices=[(one.value, ROUTES[one]) for one in Route])
    level = forms.ChoiceField(label=gettext_lazy("Level"), choices=[(one.value, LEVELS[one]) for one in Level])
    mode = forms.ChoiceField(label=gettext_lazy("Mode of study"), choices=[(one.value, MODES[one]) for one in Mode])
    course = forms.CharField(
        label=gettext_lazy("Course"), max_length=40, required=False, help_text=gettext_lazy("Its code, such as BSC-CS.")
    )
    since = DayField(label=gettext_lazy("Sponsored from"))
    until = DayField(
        label=gettext_lazy("Sponsored until"), required=False, help_text=gettext_lazy("Leave it empty while it goes on.")
    )
    course_starts_on = DayField(label=gettext_lazy("Course starts"), required=False)
    course_ends_on = DayField(label=gettext_lazy("Course ends"), required=False)
    enrol_by = DayField(label=gettext_lazy("Latest day to enrol"), required=False)
    permission_start = DayField(label=gettext_lazy("Permission from"), required=False)
    permission_end = DayField(label=gettext_lazy("Permission until"), required=False)
    applied_on = DayField(
        label=gettext_lazy("Application pending since"),
        required=False,
        help_text=gettext_lazy("Empty it when there is a decision, and enter the new permission."),
    )

    person: Person
    on_course: Course | None = None

    def __init__(self, *args: Any, officer: int, **more: Any) -> None:
        super().__init__(*args, **more)
        self.officer = officer

    def clean_number(self) -> str:
        number = self.cleaned_data["number"].strip()
        students_ = Person.objects.filter(pk__in=RoleGrant.objects.filter(role=Role.STUDENT).values("person"), number=number)
        if number == "" or len(found := list(students_[:2])) != 1:
            raise forms.ValidationError(_("No single student has exactly this number."))
        self.person = found[0]
        if self.person.pk == self.officer:
            raise forms.ValidationError(_("This is about yourself. A colleague enters it."))
        return str(number)

    def clean_course(self) -> str:
        code = self.cleaned_data["course"].strip()
        if code:
            self.on_course = Course.objects.filter(code__iexact=code).first()
            if self.on_course is None:
                raise forms.ValidationError(_("There is no course with this code."))
        return str(code)

    @property
    def what(self) -> Sponsorship:
        """As the verb takes it."""
        given = {name: value for name, value in self.cleaned_data.items() if name not in {"number", "course"}}
        given["cas_number"] = given["cas_number"].strip()
        return Sponsorship(
            **given | {"route": Route(given["route"]), "level": Level(given["level"]), "mode": Mode(given["mode"])}
        )


def _initial(profile: SponsorProfile) -> dict[str, Any]:
    course = profile.course.code if profile.course else ""
    return {name: getattr(profile.facts, name) for name in ProfileForm.base_fields if name not in {"number", "course"}} | {
        "number": profile.student.number,
        "course": course,
    }


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(UKVI)
def profile(request: PersonRequest, ref: UUID | None = None) -> HttpResponse:
    """Enter what is known of a CAS, or say it anew; what was known before stays in the history."""
    before = None
    if ref is not None:
        known = SponsorProfile.objects.filter(superseded_at=None).exclude(student=request.user)
        before = get_object_or_404(known.select_related("student", "course"), ref=ref)
        looked_at(request, before.student, Page.SPONSOR, as_one_of(request.access, UKVI))
    initial = _initial(before) if before else {"since": request.today}
    form = ProfileForm(request.POST if request.method == "POST" else None, initial=initial, officer=request.user.pk)
    if request.method == "POST" and form.is_valid():
        try:
            made = keep_profile(form.person, form.what, course=form.on_course, act=act_of(request))
        except AdsumError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("Written down."))
            return redirect("sponsor", ref=made.student.ref)
    context = {"form": form, "profile": before}
    return render(request, "adsum/compliance/profile.html", context, status=422 if form.errors else 200)


class FileForm(forms.Form):
    """One file."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("A CSV with columns student, cas_number, level and since; the guide names the others."),
        error_messages={"required": gettext_lazy("Choose a file.")},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(UKVI)
def bring(request: PersonRequest) -> HttpResponse:
    """Profiles from a file: what is new in it is said, and each line that cannot be used says why."""
    form = FileForm(request.POST, request.FILES) if request.method == "POST" else FileForm()
    context: dict[str, Any] = {"form": form}
    if form.is_valid():
        given = form.cleaned_data["file"]
        try:
            brought = bring_sponsors(given.read(), given.name, by=request.user, at=request.at)
            context |= {"brought": brought, "problems": brought.problems[:PROBLEMS]}
        except Refused as refused:
            form.add_error("file", refused.message)
    return render(request, "adsum/compliance/bring.html", context, status=422 if form.errors else 200)

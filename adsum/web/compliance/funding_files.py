"""Files: funding profiles and liability points come in; the portal's worklist comes in and goes back; and its layout."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from adsum.accounts.rules import Role
from adsum.compliance.models import Funding, LiabilityPoint, TheirWorklist, WorklistLayout
from adsum.compliance.round_trip import DELIMITERS, Layout
from adsum.compliance.slc_codes import Encoding
from adsum.compliance.worklists import Trial, bring_worklist, give_back, layout_in_force, layout_of, make_layout, try_layout
from adsum.core.cells import safe_filename
from adsum.core.errors import AdsumError
from adsum.integrations.imports.funding_csv import bring_funding
from adsum.integrations.imports.liability_csv import bring_liability
from adsum.web.acts import act_of
from adsum.web.compliance.funding import OFFICERS
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.signin import stepup

SHOWN = 100
"""How many lines that could not be used are listed."""
FILES = 50


def _file(help_text: Any) -> forms.FileField:
    return forms.FileField(
        label=gettext_lazy("File"), help_text=help_text, error_messages={"required": gettext_lazy("Choose a file.")}
    )


def _sent(request: PersonRequest) -> tuple[Any, Any]:
    """What a form was sent with, if it was."""
    return (request.POST, request.FILES) if request.method == "POST" else (None, None)


class ProfilesForm(forms.Form):
    """A file of funding profiles."""

    file = _file(
        gettext_lazy(
            "A CSV with columns student, academic_year, product, ssn, starts_on, and course or module. The guide names the "
            "others."
        )
    )


class PointsForm(forms.Form):
    """A file of liability points."""

    file = _file(
        gettext_lazy("A CSV with columns academic_year, product, number, starts_on, deadline, pays_on, share and source.")
    )


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(OFFICERS)
def profiles(request: PersonRequest) -> HttpResponse:
    """Funding profiles, from a file."""
    form = ProfilesForm(*_sent(request))
    context: dict[str, Any] = {"form": form, "funded": Funding.objects.count()}
    if form.is_valid():
        given = form.cleaned_data["file"]
        try:
            brought = bring_funding(given.read(), given.name, by=request.user, at=request.at)
            context |= {"brought": brought, "problems": brought.problems[:SHOWN]}
        except AdsumError as refused:
            form.add_error("file", refused.message)
    failed = request.method == "POST" and "brought" not in context
    return render(request, "adsum/compliance/funding_profiles.html", context, status=422 if failed else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(OFFICERS)
def points(request: PersonRequest) -> HttpResponse:
    """Liability points: what is entered, and more from a file."""
    form = PointsForm(*_sent(request))
    context: dict[str, Any] = {"form": form}
    if form.is_valid():
        given = form.cleaned_data["file"]
        try:
            entered, problems = bring_liability(given.read(), given.name, act=act_of(request))
            context["problems"] = problems[:SHOWN]
            if entered:
                said = ngettext("%(n)s liability point entered.", "%(n)s liability points entered.", entered)
                messages.success(request, said % {"n": entered})
                return redirect("funding_points")
        except AdsumError as refused:
            form.add_error("file", refused.message)
    context["points"] = LiabilityPoint.objects.select_related("entered_by").order_by("-academic_year", "product", "number")
    return render(request, "adsum/compliance/funding_points.html", context, status=422 if request.method == "POST" else 200)


class WorklistForm(forms.Form):
    """A worklist as the portal exported it."""

    point = forms.ModelChoiceField(
        label=gettext_lazy("For which liability point?"),
        queryset=LiabilityPoint.objects.order_by("-academic_year", "product", "number"),
        error_messages={"required": gettext_lazy("Choose the liability point.")},
    )
    file = _file(gettext_lazy("As the portal exported it: do not open and save it in a spreadsheet first."))


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(OFFICERS)
def files(request: PersonRequest) -> HttpResponse:
    """The portal's worklists: bring one in, and give it back."""
    form = WorklistForm(*_sent(request))
    if form.is_valid():
        given = form.cleaned_data["file"]
        try:
            made = bring_worklist(form.cleaned_data["point"], given.read(), given.name, act=act_of(request))
        except AdsumError as refused:
            form.add_error("file", refused.message)
        else:
            messages.success(request, ngettext("%(n)s row read.", "%(n)s rows read.", made.rows) % {"n": made.rows})
            return redirect("funding_files")
    kept = TheirWorklist.objects.defer("content").select_related("point", "brought_by", "given_back_by").order_by("-brought_at")
    context = {"form": form, "files": kept[:FILES], "layout": layout_in_force()}
    return render(request, "adsum/compliance/funding_files.html", context, status=422 if request.method == "POST" else 200)


@require_POST
@for_roles(OFFICERS)
@stepup.required
def back(request: PersonRequest, ref: UUID) -> HttpResponse:
    """The portal's file with our codes in it."""
    worklist = get_object_or_404(TheirWorklist.objects.defer("content"), ref=ref)
    try:
        given = give_back(worklist, act=act_of(request))
    except AdsumError as refused:
        messages.error(request, refused.message)
        return redirect("funding_files")
    stem, _dot, ending = given.name.rpartition(".")
    answer = HttpResponse(given.content, content_type="application/octet-stream")
    answer["Content-Disposition"] = f'attachment; filename="{safe_filename(stem or given.name, ending=_ending(ending))}"'
    return answer


def _ending(text: str) -> str:
    return text if text.isascii() and text.isalnum() and len(text) <= 5 else "txt"


# The layout


class LayoutForm(forms.Form):
    """Where the columns of the portal's file are."""

    delimiter = forms.ChoiceField(
        label=gettext_lazy("What separates the columns?"),
        choices=[
            ("comma", gettext_lazy("a comma")),
            ("semicolon", gettext_lazy("a semicolon")),
            ("bar", gettext_lazy("an upright bar")),
            ("tab", gettext_lazy("a tab")),
        ],
    )
    encoding = forms.ChoiceField(
        label=gettext_lazy("How are its letters written?"),
        choices=[
            (Encoding.UTF_8.value, "UTF-8"),
            (Encoding.WINDOWS.value, "Windows-1252"),
            (Encoding.LATIN_1.value, "ISO 8859-1"),
        ],
    )
    heads = forms.IntegerField(label=gettext_lazy("Records before the first student"), min_value=0, max_value=20, initial=1)
    feet = forms.IntegerField(label=gettext_lazy("Records after the last student"), min_value=0, max_value=20, initial=0)
    ssn = forms.IntegerField(label=gettext_lazy("Column of the student support number"), min_value=1, max_value=200)
    course = forms.IntegerField(
        label=gettext_lazy("Column of the course code, if there is one"), min_value=1, max_value=200, required=False
    )
    fee = forms.IntegerField(
        label=gettext_lazy("Column of the total fee, if there is one"), min_value=1, max_value=200, required=False
    )
    codes = forms.RegexField(
        label=gettext_lazy("Columns of the codes"),
        regex=r"^[0-9]{1,3}( *, *[0-9]{1,3})*$",
        max_length=60,
        help_text=gettext_lazy("For the first, second and third liability point: 12, 13, 14."),
        error_messages={"invalid": gettext_lazy("Write the numbers of the columns, with commas between them.")},
    )

    def layout(self) -> Layout:
        """What was entered."""
        given = self.cleaned_data
        delimiters = {name: character for character, name in DELIMITERS.items()}
        return Layout(
            delimiters[given["delimiter"]],
            given["ssn"],
            tuple(int(one) for one in given["codes"].split(",")),
            given["course"] or 0,
            given["fee"] or 0,
            given["heads"],
            given["feet"],
            given["encoding"],
        )


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(OFFICERS | {Role.ADMINISTRATOR})
def layout(request: PersonRequest) -> HttpResponse:
    """Where the columns are: made by an administrator, read by the officer. It is tried before it is kept."""
    known = layout_in_force()
    if Role.ADMINISTRATOR not in request.roles:
        if request.method == "POST":
            raise Http404
        return render(request, "adsum/compliance/funding_layout.html", {"known": known, "trial": _trial(known)})
    initial = _initial(layout_of(known)) if known else {}
    form = LayoutForm(*_sent(request), initial=initial)
    context: dict[str, Any] = {"known": known, "form": form}
    if form.is_valid():
        wanted = form.layout()
        try:
            if request.POST.get("step") == "keep":
                make_layout(wanted, act=act_of(request))
                messages.success(request, _("Kept. Worklists are read with this layout from now on."))
                return redirect("funding_layout")
            context["trial"] = try_layout(wanted)
        except AdsumError as refused:
            form.add_error(None, refused.message)
    failed = request.method == "POST" and "trial" not in context
    return render(request, "adsum/compliance/funding_layout.html", context, status=422 if failed else 200)


def _trial(known: WorklistLayout | None) -> Trial | None:
    return try_layout(layout_of(known)) if known else None


def _initial(known: Layout) -> dict[str, Any]:
    return {
        "delimiter": DELIMITERS[known.delimiter],
        "encoding": known.encoding,
        "heads": known.heads,
        "feet": known.feet,
        "ssn": known.ssn,
        "course": known.course or None,
        "fee": known.fee or None,
        "codes": ", ".join(str(one) for one in known.codes),
    }

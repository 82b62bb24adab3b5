"""Systems beside Adsum: what each may read and write through the API, over which departments, and the tokens by which it is
known. For administrators; to change anything they prove who they are."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db.models import Max, Sum
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from adsum.accounts import applications as verbs
from adsum.accounts.application_labels import SCOPE_LABELS
from adsum.accounts.application_rules import A_MINUTE, MOST_A_MINUTE, TOKEN_LIVES, Scope
from adsum.accounts.application_tables import Application, ApplicationCalls, ApplicationToken
from adsum.accounts.models import Department, Person
from adsum.accounts.reports import the_person
from adsum.accounts.rules import SETS_UP_APPLICATIONS, STAFF
from adsum.core.errors import AdsumError
from adsum.integrations.webhooks.models import Webhook
from adsum.integrations.webhooks.services import switch_off
from adsum.web.guards import for_roles, said
from adsum.web.middleware import PersonRequest
from adsum.web.signin import stepup

P = ParamSpec("P")
ApplicationPage = Callable[Concatenate[PersonRequest, Application, P], HttpResponse]
LATELY = timedelta(days=7)
KINDS = {
    ApplicationToken.Kind.TOKEN: gettext_lazy("Token"),
    ApplicationToken.Kind.SECRET: gettext_lazy("Client secret (OAuth 2.0)"),
}
LIVES = [
    (30, gettext_lazy("30 days")),
    (90, gettext_lazy("90 days")),
    (180, gettext_lazy("half a year")),
    (TOKEN_LIVES.days, gettext_lazy("a year")),
]


class ApplicationForm(forms.Form):
    """What it is, who answers for it, and what it may do where."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100, help_text=gettext_lazy("Such as: Data warehouse."))
    purpose = forms.CharField(label=gettext_lazy("What it is for"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}))
    keeper = forms.CharField(
        label=gettext_lazy("Who answers for it"),
        max_length=254,
        help_text=gettext_lazy(
            "University e-mail or staff number of a colleague of yours. Neither of you can confirm what it proposes."
        ),
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("What it may do"),
        choices=[(scope.value, label) for scope, label in SCOPE_LABELS.items()],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one thing that it may do.")},
    )
    departments = forms.ModelMultipleChoiceField(
        Department.objects.order_by("name"),
        label=gettext_lazy("Departments"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("With those below them. None chosen: the whole university."),
    )

    a_minute = forms.IntegerField(
        label=gettext_lazy("Calls in a minute"),
        min_value=1,
        max_value=MOST_A_MINUTE,
        initial=A_MINUTE,
        help_text=gettext_lazy("The most that it may make, to each process of the server."),
    )

    def __init__(self, request: PersonRequest, application: Application | None = None, **more: Any) -> None:
        super().__init__(request.POST if request.method == "POST" else None, **more)
        self.at, self.application = request.at, application

    def clean_name(self) -> str:
        name = " ".join(str(self.cleaned_data["name"]).split())
        others = Application.objects.filter(name=name)
        if self.application is not None:
            others = others.exclude(pk=self.application.pk)
        if others.exists():
            raise forms.ValidationError(verbs.name_taken())
        return name

    def clean_keeper(self) -> Person:
        found = the_person(self.cleaned_data["keeper"])
        if found is None or not found.is_active:
            raise forms.ValidationError(_("Nobody with an open account has this e-mail or number."))
        if not found.access(self.at).holds(*STAFF):
            raise forms.ValidationError(_("Name a member of staff: this person holds no role of staff."))
        return found

    @property
    def wanted(self) -> dict[str, Any]:
        """What the verbs take."""
        given = self.cleaned_data
        return {
            "name": given["name"],
            "purpose": given["purpose"],
            "keeper": given["keeper"],
            "scopes": [Scope(one) for one in given["scopes"]],
            "departments": list(given["departments"]),
            "a_minute": given["a_minute"],
        }

    def refused(self, why: AdsumError) -> None:
        """Say what a verb refused, beside the field that it is about."""
        self.add_error("keeper" if why.code == "keeper" else "name", why.message)


class TokenForm(forms.Form):
    """What to make, and for how long."""

    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=list(KINDS.items()))
    days = forms.TypedChoiceField(label=gettext_lazy("Good for"), choices=LIVES, coerce=int, initial=90)


@require_safe
@for_roles(SETS_UP_APPLICATIONS)
def index(request: PersonRequest) -> HttpResponse:
    """Every application, those that are switched off last; when each called last (four queries)."""
    rows = Application.objects.select_related("keeper").prefetch_related("departments")
    found = rows.annotate(used_at=Max("tokens__used_at")).order_by("ended_at", "name")
    return render(request, "adsum/admin/applications.html", {"rows": found})


def of_application(view: ApplicationPage[P]) -> Callable[..., HttpResponse]:
    """The view is given the application at its address. What a verb refuses is said on its page."""

    @for_roles(SETS_UP_APPLICATIONS)
    @wraps(view)
    def checked(request: PersonRequest, /, ref: UUID, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        found = get_object_or_404(Application.objects.select_related("keeper", "made_by", "person"), ref=ref)
        try:
            return view(request, found, *args, **kwargs)
        except AdsumError as refused:
            return said(request, refused, reverse("application", args=[ref]))

    return checked


@require_safe
@of_application
def application(request: PersonRequest, application: Application) -> HttpResponse:
    """What it may, its tokens, and how often it called in a week."""
    return _page(request, application)


def _page(request: PersonRequest, application: Application, made: verbs.Made | None = None) -> HttpResponse:
    """The application's page; `made`, a token whose secret is shown this once."""
    tokens = ApplicationToken.objects.filter(application=application).exclude(kind=ApplicationToken.Kind.ACCESS)
    calls = ApplicationCalls.objects.filter(application=application, minute__gt=request.at - LATELY)
    context = {
        "one": application,
        "scopes": [(scope.value, SCOPE_LABELS[scope]) for scope in Scope if scope in application.may],
        "departments": list(application.departments.order_by("name")),
        "tokens": [
            {"one": token, "kind": KINDS[ApplicationToken.Kind(token.kind)], "state": _state(request, token)}
            for token in tokens.select_related("made_by").order_by("-made_at", "-pk")
        ],
        "calls": list(
            calls.values("operation", "status")
            .annotate(number=Sum("count"), last=Max("minute"))
            .order_by("operation", "status")
        ),
        "webhooks": list(Webhook.objects.filter(application=application).order_by("ended_at", "pk")),
        "form": TokenForm(),
        "made": made,
        "origin": settings.ORIGIN,
    }
    return render(request, "adsum/admin/application.html", context)


def _state(request: PersonRequest, token: ApplicationToken) -> str:
    if token.ended_at is not None:
        return "ended"
    return "over" if token.expires_at <= request.at else "good"


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(SETS_UP_APPLICATIONS)
@stepup.required
def new(request: PersonRequest) -> HttpResponse:
    """Add an application."""
    form = ApplicationForm(request)
    if form.is_valid():
        try:
            made = verbs.add(**form.wanted, by=request.user, at=request.at)
        except AdsumError as refused:
            form.refused(refused)
        else:
            messages.success(request, _("%(name)s is added. Make a token for it next.") % {"name": made.name})
            return redirect("application", made.ref)
    status = 422 if form.is_bound else 200
    return render(request, "adsum/admin/application_form.html", {"form": form, "one": None}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@of_application
@stepup.required
def change(request: PersonRequest, application: Application) -> HttpResponse:
    """Change what it may, and who answers for it."""
    initial = {
        "name": application.name,
        "purpose": application.purpose,
        "keeper": application.keeper.username,
        "scopes": [scope.value for scope in application.may],
        "departments": application.departments.all(),
        "a_minute": application.a_minute,
    }
    form = ApplicationForm(request, application, initial=initial)
    if form.is_valid():
        try:
            verbs.change(application, **form.wanted, by=request.user, at=request.at)
        except AdsumError as refused:
            if refused.code == "ended":
                raise
            form.refused(refused)
        else:
            messages.success(request, _("Saved. It holds within a second."))
            return redirect("application", application.ref)
    status = 422 if form.is_bound else 200
    return render(request, "adsum/admin/application_form.html", {"form": form, "one": application}, status=status)


@require_POST
@of_application
@stepup.required
def make_token(request: PersonRequest, application: Application) -> HttpResponse:
    """Make a token or a client secret, and show it this once. Earlier ones of its kind end in a week."""
    form = TokenForm(request.POST)
    if not form.is_valid():
        raise AdsumError("lives", _("Choose what to make, and for how long it is good."))
    kind = ApplicationToken.Kind(form.cleaned_data["kind"])
    lives = timedelta(days=form.cleaned_data["days"])
    return _page(request, application, verbs.make_token(application, kind, lives=lives, by=request.user, at=request.at))


@require_POST
@of_application
@stepup.required
def end_token(request: PersonRequest, application: Application, token: UUID) -> HttpResponse:
    """End one token: it is refused within a second."""
    found = get_object_or_404(ApplicationToken, application=application, ref=token)
    verbs.end_token(found, by=request.user, at=request.at)
    messages.success(request, _("The token is ended. All calls with it are refused within a second."))
    return redirect("application", application.ref)


@require_http_methods(["GET", "HEAD", "POST"])
@of_application
@stepup.required
def end(request: PersonRequest, application: Application) -> HttpResponse:
    """Ask, then switch it off for good."""
    if request.method == "POST":
        switch_off(application, by=request.user, at=request.at)
        messages.success(request, _("%(name)s is switched off.") % {"name": application.name})
        return redirect("applications")
    return render(request, "adsum/admin/application_end.html", {"one": application})

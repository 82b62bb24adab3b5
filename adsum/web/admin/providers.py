"""The university's sign-in: its providers, what each may do, and whether it works. For administrators only; to change one they
prove who they are."""

from typing import Any

from allauth.socialaccount.models import SocialApp
from django.contrib import messages
from django.forms import BaseFormSet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from adsum.accounts.rules import SETS_UP_SIGN_IN
from adsum.core.errors import AdsumError
from adsum.integrations.sign_in import back_channel, oidc, saml
from adsum.integrations.sign_in import providers as setting_up
from adsum.integrations.sign_in.allauth import SAML, in_use, providers
from adsum.integrations.sign_in.arrival import Purpose, roles_left_out, rule_of
from adsum.integrations.sign_in.provider_checks import NOBODY_BECAUSE, Finding, check
from adsum.integrations.sign_in.saml_metadata import certificate, read_metadata
from adsum.web.admin.provider_forms import FORMS, KIND_WORDS, ProviderForm, RoleRows, filled
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.role_labels import ROLES
from adsum.web.signin import stepup
from adsum.web.signin.trial import TRIED
from adsum.web.signin.university import leave


@require_safe
@for_roles(SETS_UP_SIGN_IN)
def index(request: PersonRequest) -> HttpResponse:
    """Which domains sign in where."""
    rows = [
        {
            "app": app,
            "kind": KIND_WORDS[setting_up.kind_of(app)],
            "in_use": in_use(app),
            "known": setting_up.known(app),
            "domains": app.settings.get("domains", []),
            "worry": _worry(request, app),
        }
        for app in providers()
    ]
    return render(request, "adsum/admin/providers.html", {"rows": rows, "kinds": KIND_WORDS})


def _worry(request: PersonRequest, app: SocialApp) -> str:
    """What should be looked at before it becomes trouble: a certificate that ends."""
    if app.provider != SAML:
        return ""
    ends = max(certificate(one).not_after for one in app.settings["certificates"])
    days = (ends - request.at).days
    if days < 0:
        return _("certificate has ended")
    return _("certificate ends in %(days)s days") % {"days": days} if days <= 30 else ""


def _app(provider_id: str) -> SocialApp:
    app = next((one for one in providers() if one.provider_id == provider_id), None)
    if app is None:
        raise Http404
    return app


@require_safe
@for_roles(SETS_UP_SIGN_IN)
def detail(request: PersonRequest, provider_id: str) -> HttpResponse:
    """What is known of one provider, and what a test sign-in found."""
    return _detail(request, _app(provider_id))


@require_POST
@for_roles(SETS_UP_SIGN_IN)
@stepup.required
def try_connection(request: PersonRequest, provider_id: str) -> HttpResponse:
    """Try what can be tried without a person."""
    app = _app(provider_id)
    return _detail(request, app, check(app, at=request.at))


@require_safe
@for_roles(SETS_UP_SIGN_IN)
def try_sign_in(request: PersonRequest, provider_id: str) -> HttpResponse:
    """Send the administrator to the provider to see what it says about them. This does not sign them in."""
    app = _app(provider_id)
    return leave(request, app, Purpose.TEST, reverse("provider", args=[app.provider_id]))


def _detail(request: PersonRequest, app: SocialApp, findings: list[Finding] | None = None) -> HttpResponse:
    tried: Any = request.session.get(TRIED) or {}
    tried = tried if tried.get("provider") == app.provider_id else {}
    report: Any = tried.get("report") or {}
    told = app.settings
    return render(
        request,
        "adsum/admin/provider.html",
        {
            "app": app,
            "told": told,
            "kind": KIND_WORDS[setting_up.kind_of(app)],
            "known": setting_up.known(app),
            "in_use": in_use(app),
            "rule": rule_of(app),
            "roles": [{**row, "word": ROLES[row["role"]]} for row in told.get("roles", [])],
            "saml": app.provider == SAML,
            "certificates": [certificate(one) for one in told.get("certificates", [])],
            "metadata": saml.entity_of(app) if app.provider == SAML else "",
            "ended": "" if app.provider == SAML else back_channel.told_at(app),
            "answers": saml.answered_at(app) if app.provider == SAML else oidc.answered_at(app),
            "findings": findings,
            "tried": tried,
            "report": report,
            "reported_at": parse_datetime(report["at"]) if report.get("at") else None,
            "nobody_because": NOBODY_BECAUSE.get(report.get("because"), ""),
            "roles_left_out": roles_left_out(app),
            "reported_roles": [(ROLES[role], code) for role, code in report.get("roles", [])],
        },
    )


@sensitive_post_parameters("secret")
@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(SETS_UP_SIGN_IN)
@stepup.required
def new(request: PersonRequest, kind: str) -> HttpResponse:
    """Add a provider of one kind."""
    if kind not in FORMS:
        raise Http404
    return _edit(request, None, kind)


@sensitive_post_parameters("secret")
@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(SETS_UP_SIGN_IN)
@stepup.required
def change(request: PersonRequest, provider_id: str) -> HttpResponse:
    """Change what a provider may do."""
    app = _app(provider_id)
    return _edit(request, app, setting_up.kind_of(app))


def _edit(request: PersonRequest, app: SocialApp | None, kind: str) -> HttpResponse:
    sent = request.method == "POST"
    form = FORMS[kind](
        request.POST if sent else None, request.FILES if sent else None, initial=ProviderForm.initial_of(app, kind)
    )
    if app is not None:  # what makes it the provider it is
        for name in {"issuer", "tenant"} & set(form.fields):
            form.fields[name].disabled = True
    rows = RoleRows(request.POST if sent else None, prefix="roles", initial=app.settings.get("roles", []) if app else [])
    if sent and form.is_valid() & rows.is_valid():
        try:
            saved = _save(request, app, kind, form, rows)
        except AdsumError as wrong:
            form.add_error(wrong.code if wrong.code in form.fields else None, wrong.message)
        else:
            messages.success(
                request, _("%(name)s is saved. Test the connection before people rely on it.") % {"name": saved.name}
            )
            return redirect("provider", saved.provider_id)
    context = {"app": app, "kind": kind, "kind_word": KIND_WORDS[kind], "form": form, "rows": rows}
    status = 422 if sent else 200
    return render(request, "adsum/admin/provider_form.html", context, status=status)


def _save(request: PersonRequest, app: SocialApp | None, kind: str, form: ProviderForm, rows: "BaseFormSet[Any]") -> SocialApp:
    data, who = form.cleaned_data, {"by": request.user.actor, "at": request.at}
    policy = form.policy(filled(rows))
    if kind == "saml":
        file = data["metadata"]
        found = read_metadata(file.read()) if file else None
        return setting_up.save_saml(app, policy, metadata=found, uid_attribute=data["uid_attribute"], **who)  # type: ignore[arg-type]
    client = {"client_id": data["client_id"], "secret": data["secret"]}
    if kind == "entra":
        issuer = app.settings["server_url"] if app else setting_up.entra_issuer(data["tenant"])
        return setting_up.save_oidc(app, policy, issuer=issuer, tenant=data["tenant"], **client, **who)  # type: ignore[arg-type]
    return setting_up.save_oidc(
        app,
        policy,
        issuer=data["issuer"],
        uid_field=data["uid_field"],
        **client,
        **who,  # type: ignore[arg-type]
    )


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(SETS_UP_SIGN_IN)
@stepup.required
def remove(request: PersonRequest, provider_id: str) -> HttpResponse:
    """Ask, then remove the provider, so that people no longer sign in with it."""
    app = _app(provider_id)
    if request.method == "POST":
        setting_up.remove(app, by=request.user.actor, at=request.at)
        messages.success(request, _("Nobody signs in with %(name)s any more.") % {"name": app.name})
        return redirect("providers")
    mine = request.user.username.rpartition("@")[2] in app.settings.get("domains", [])
    context = {"app": app, "mine": mine, "say": setting_up.say_of(app)}
    return render(request, "adsum/admin/provider_remove.html", context)

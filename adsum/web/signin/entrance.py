"""Signing in: the university e-mail first, then the way its domain points to. Here: e-mail, password, code; out again.

The e-mail and the page to return to wait in the browser's session between the steps, so neither is in an address.
"""

from typing import Any

import structlog
from allauth.account.adapter import get_adapter
from allauth.account.models import Login
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from adsum.accounts.allauth_internals import perform_login, perform_password_login
from adsum.accounts.models import Identifier, Person
from adsum.accounts.rules import domain_of
from adsum.integrations.sign_in.allauth import WAITING, demo_is_open_to, is_local, own_path, provider_for, provider_of_guests
from adsum.web import floods
from adsum.web.signin import passes, stepup
from adsum.web.signin.forms import CodeForm, EmailForm
from adsum.web.signin.scan import scan_waiting
from adsum.web.signin.second_factor import PASSWORD_WRONG, PasskeyForm, PasswordForm

log = structlog.get_logger()
CONFIRM = "/in/confirm"
"""Where a scan that waits is confirmed."""


def pending(request: HttpRequest) -> dict[str, str]:
    """The e-mail and the return path of the sign-in under way, '' when there is none."""
    kept = request.session.get(WAITING, {})
    return {"email": str(kept.get("email", "")), "next": own_path(kept.get("next"))}


def return_path(request: HttpRequest) -> str:
    """Where a person goes once signed in."""
    return pending(request)["next"] or (CONFIRM if scan_waiting(request) else resolve_url(settings.LOGIN_REDIRECT_URL))


def page(request: HttpRequest, template: str, status: int = 200, **context: Any) -> HttpResponse:
    """One sheet of the sign-in, with the scan that waits for it."""
    context |= {"waiting": scan_waiting(request), "email": pending(request)["email"]}
    return render(request, f"adsum/signin/{template}.html", context, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@floods.guarded("POST")
def sign_in(request: HttpRequest) -> HttpResponse:
    """Username first: the domain of the e-mail decides what comes next, never whether an account exists."""
    wanted = own_path(request.POST.get("next") or request.GET.get("next")) or pending(request)["next"]
    if request.user.is_authenticated:
        return redirect(wanted or settings.LOGIN_REDIRECT_URL)
    form = EmailForm(request.POST if request.method == "POST" else None, initial={"email": pending(request)["email"]})
    if form.is_valid():
        email = form.cleaned_data["email"]
        request.session[WAITING] = {"email": email, "next": wanted}
        if provider_for(email) or (not is_local(email) and provider_of_guests(email)):
            return redirect("sign_in_university")
        if is_local(email):
            return redirect("sign_in_password")
        form.add_error(
            "email",
            _(
                "We do not know addresses at %(domain)s. Use the e-mail your university gave you; if this is the one,"
                " ask your IT service to add it."
            )
            % {"domain": domain_of(email)},
        )
    return first_page(request, form, wanted)


def first_page(request: HttpRequest, form: EmailForm | None = None, wanted: str = "", problem: str = "") -> HttpResponse:
    """The question for the e-mail, or for a passkey; `problem` is why a passkey did not do."""
    form = form or EmailForm(initial={"email": pending(request)["email"]})
    passkeys = Authenticator.objects.filter(type=Authenticator.Type.WEBAUTHN).exists()
    return page(
        request,
        "email",
        status=422 if form.errors or problem else 200,
        form=form,
        personas=_personas(request),
        passkeys=passkeys,
        next=wanted or own_path(request.POST.get("next")) or pending(request)["next"],
        problem=problem,
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """The password of a local account. An unknown address gets the same page and the same answer, after the same time."""
    email = pending(request)["email"]
    if request.user.is_authenticated or not email or not is_local(email):
        return redirect("sign_in")
    form = PasswordForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            person = get_adapter(request).authenticate(request, username=email, password=form.cleaned_data["password"])
        except ValidationError as not_looked_at:
            busy = not_looked_at.code == "busy"
            log.warning("sign_in.busy" if busy else "sign_in.locked")
            form.add_error("password", not_looked_at)
            if busy:
                return page(request, "password", status=429, form=form)
        else:
            if person is not None:
                login = Login(user=person, redirect_url=return_path(request))
                response: HttpResponse = perform_password_login(request, {}, login)
                return response
            log.info("sign_in.wrong_password")
            form.add_error("password", PASSWORD_WRONG)
    return page(request, "password", status=422 if form.errors else 200, form=form)


class CodeView(AuthenticateView):
    """The code from the phone or a passkey, for those who set one up, whichever way they came."""

    template_name = "adsum/signin/code.html"
    form_class = CodeForm
    webauthn_form_class = PasskeyForm

    def get_form_class(self) -> type[CodeForm]:
        return self.form_class

    def get_webauthn_form_class(self) -> type[PasskeyForm]:
        return self.webauthn_form_class

    def get_context_data(self, **_: Any) -> dict[str, Any]:
        kinds = set(Authenticator.objects.filter(user=self.stage.login.user).values_list("type", flat=True))
        return {
            "form": self.auth_form,
            "waiting": scan_waiting(self.request),
            "passkey": Authenticator.Type.WEBAUTHN in kinds,
            "phone": Authenticator.Type.TOTP in kinds,
            "problems": self.webauthn_form.errors.get("credential", []),
        }

    def form_valid(self, form: Any) -> Any:
        answer = super().form_valid(form)
        if self.request.user.is_authenticated:
            stepup.note(self.request)  # the password, or the provider, and now the code
        return answer

    def form_invalid(self, _form: Any) -> Any:
        return self.render_to_response(self.get_context_data(), status=422)


def inactive(request: HttpRequest) -> HttpResponse:
    """The password or the provider was right, and the account is closed."""
    return page(request, "closed", status=403)


@never_cache
@require_safe
def other(request: HttpRequest) -> HttpResponse:
    """Someone else is signed in on this phone, or it is theirs: what to do before scanning again."""
    person = request.user if isinstance(request.user, Person) else passes.known_person(request)
    return page(request, "other", person=person) if person else redirect("sign_in")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """The end of this browser's sign-in, here and at the gate. It is known as nobody's from now on."""
    response = redirect("signed_out")
    passes.forget_here(request, response)
    logout(request)
    response["Clear-Site-Data"] = '"cache", "storage"'  # not "cookies": the phone's language and its scan are no secrets
    return response


def signed_out(request: HttpRequest) -> HttpResponse:
    """A page that can be left open on a shared computer."""
    if request.user.is_authenticated:
        return redirect(settings.LOGIN_REDIRECT_URL)
    return page(request, "signed_out")


# The demo university's people, who need no password. Only where ADSUM_DEMO is set.

PERSONAS = {
    "student": (gettext_lazy("Student"), gettext_lazy("scan, see your record"), "mortarboard"),
    "lecturer": (gettext_lazy("Lecturer"), gettext_lazy("show the code, watch it fill"), "qr-code"),
    "tutor": (gettext_lazy("Personal tutor"), gettext_lazy("see how tutees are doing"), "chat-left-text"),
    "module_leader": (gettext_lazy("Module leader"), gettext_lazy("a module, week by week"), "mortarboard"),
    "department": (gettext_lazy("Department staff"), gettext_lazy("modules, students, records"), "people"),
    "attendance_team": (gettext_lazy("Attendance team"), gettext_lazy("every register, every query"), "list-check"),
    "help_desk": (gettext_lazy("Help desk"), gettext_lazy("a student at the desk or on the telephone"), "search"),
    "timetabling": (gettext_lazy("Timetabling team"), gettext_lazy("bring timetables in, see what changed"), "calendar-week"),
    "compliance": (gettext_lazy("Compliance officer"), gettext_lazy("sponsored students"), "shield-check"),
    "data_protection": (gettext_lazy("Data protection and audit"), gettext_lazy("who looked at whose record"), "eye"),
    "administrator": (gettext_lazy("Administrator"), gettext_lazy("people and roles, imports, settings"), "gear"),
}


def _demo_person(persona: str) -> Person | None:
    found = Identifier.objects.filter(system="demo", kind="persona", value=persona, valid_to=None)
    identifier = found.filter(person__is_active=True).select_related("person").first() if settings.DEMO else None
    return identifier.person if identifier else None


def _personas(request: HttpRequest) -> list[dict[str, Any]]:
    if not settings.DEMO or not demo_is_open_to(request):
        return []
    return [
        {"value": value, "label": label, "what": what, "icon": icon, "person": person}
        for value, (label, what, icon) in PERSONAS.items()
        if (person := _demo_person(value))
    ]


@require_POST
def try_persona(request: HttpRequest) -> HttpResponse:
    """Sign in as one of the demo's people. Anywhere else this page does not exist."""
    person = _demo_person(request.POST.get("persona", ""))
    if person is None or not demo_is_open_to(request):
        raise Http404
    wanted = own_path(request.POST.get("next")) or return_path(request)
    response: HttpResponse = perform_login(request, Login(user=person, redirect_url=wanted))
    return response

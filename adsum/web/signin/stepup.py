"""Step-up: a few deeds are done only by someone who proved themselves in the last ten minutes. docs/adr/0012 says why.

A view that always needs it, below whatever decides who may be there at all::

    @require_POST
    @for_roles(RUNS_CHECKIN)
    @stepup.required
    def retire(request: PersonRequest, kid: str) -> HttpResponse: ...

A view that needs it for some of what is sent, before anything is written::

    if preview.changes_much and (first := stepup.ask(request)):
        return first

Whether a change of marks needs it, the verb itself says: those go through `adsum.web.acts.carry_out`.

Nothing is lost on the way. A page that is read comes after the proof. A form that arrives too late is answered (403) with a
page that holds its fields, asks for the proof in the same form and sends both to the same address; neither session nor
database keeps them. Fields named by `sensitive_post_parameters` are typed again, files are chosen again: put
`@stepup.required` on the form's GET, too, and that is rare. A script is told (403, JSON) where the person confirms.

Tests: `tests.kit.signing_in.prove(client)` makes a browser fresh; each such address has a row in `tests/web/test_stepup.py`.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Concatenate, NamedTuple, ParamSpec
from urllib.parse import urlencode

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from adsum.accounts.models import Identifier, Person
from adsum.accounts.rules import is_proved
from adsum.core import addresses
from adsum.integrations.sign_in.allauth import own_path, provider_that_knows
from adsum.web.guards import wants_json
from adsum.web.middleware import PersonRequest
from adsum.web.signin.second_factor import PasskeyForm, ProofForm, code_proves, is_local, password_proves

PROVED = "proved_at"
"""Where the browser's session keeps when its owner last proved themselves."""
PREFIX = "confirm"
"""Before the names of the fields that prove it, so that they meet no field of the form they travel with."""

P = ParamSpec("P")
Page = Callable[Concatenate[PersonRequest, P], HttpResponse]


def note(request: HttpRequest) -> None:
    """The person signed in here has just proved themselves: a passkey with their finger, face or PIN; password and code; or a
    sign-in at their provider that happened for this. Nothing less may call this."""
    request.session[PROVED] = request.at.timestamp()  # type: ignore[attr-defined]


def is_fresh(request: HttpRequest) -> bool:
    """Whether the person signed in here proved themselves in the last ten minutes."""
    return is_proved(proved_at(request), request.at)  # type: ignore[attr-defined]


def proved_at(request: HttpRequest) -> datetime | None:
    """When the person signed in here last proved themselves, in this browser."""
    proved = request.session.get(PROVED)
    return datetime.fromtimestamp(proved, UTC) if proved is not None else None


def required(view: Page[P]) -> Page[P]:
    """The view is reached only by someone who proved themselves in the last ten minutes."""

    @wraps(view)
    def checked(request: PersonRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        return ask(request) or view(request, *args, **kwargs)

    return checked


def ask(request: PersonRequest) -> HttpResponse | None:
    """None when this request may go on; else what to answer instead. A form that brings the proof with it goes on."""
    if is_fresh(request):
        return None
    if request.method != "POST":
        return redirect(_address(request.get_full_path()))
    if wants_json(request):
        then = _address(_came_from(request))
        return JsonResponse({"message": _("Confirm that it is you, then do it again."), "next": then}, status=403)
    form = _form(request)
    return None if _proven(request, form) else _page(request, form, held=_held(request))


@never_cache
@login_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: PersonRequest) -> HttpResponse:
    """The person proves themselves, and goes where they were going."""
    then = own_path(request.POST.get("next") or request.GET.get("next"))
    form = _form(request)
    if is_fresh(request) or (request.method == "POST" and _proven(request, form)):
        return redirect(then or settings.LOGIN_REDIRECT_URL)
    return _page(request, form, held=[("next", then)])


def _address(then: str) -> str:
    return f"{reverse('confirm')}?{urlencode({'next': own_path(then)})}"


def _came_from(request: HttpRequest) -> str:
    """The page of ours that sent this request, as a path; '' when it does not say."""
    page = addresses.split(request.headers.get("Referer", ""))
    return page.path + (f"?{page.query}" if page.query else "") if page.netloc == request.get_host() else ""


class Ways(NamedTuple):
    """How this person can prove who they are. If there is no way, they must set up a second step first."""

    code: bool
    passkey: bool
    provider: SocialApp | None
    persona: bool


def _ways(person: Person) -> Ways:
    kinds = set(Authenticator.objects.filter(user=person).values_list("type", flat=True)) if is_local(person) else set()
    types = Authenticator.Type
    return Ways(types.TOTP in kinds, types.WEBAUTHN in kinds, provider_of(person), _is_persona(person))


def provider_of(person: Person) -> SocialApp | None:
    """The provider this person signs in with."""
    app = provider_that_knows(person)
    return app if app and SocialAccount.objects.filter(user=person, provider=app.provider_id).exists() else None


def _is_persona(person: Person) -> bool:
    """Whether this is one of the demo university's made-up people, in a demo: they have no password anywhere."""
    personas = Identifier.objects.filter(system="demo", kind="persona", person=person, valid_to=None)
    return bool(settings.DEMO) and personas.exists()


def _form(request: PersonRequest) -> ProofForm:
    names = {f"{PREFIX}-code", f"{PREFIX}-credential"}
    brings = request.method == "POST" and bool(names & request.POST.keys())
    return ProofForm(request.POST if brings else None, prefix=PREFIX)


def _proven(request: PersonRequest, form: ProofForm) -> bool:
    """Whether what was sent proves who it is; then it is noted. Otherwise the form says what is wrong."""
    ways = _ways(request.user)
    if ways.persona and f"{PREFIX}-persona" in request.POST:
        proven = True
    elif ways.passkey and request.POST.get(f"{PREFIX}-credential"):
        passkey = PasskeyForm(request.POST, user=request.user, prefix=PREFIX)
        proven = passkey.is_valid()
        form.full_clean()
        form.errors.clear()
        for wrong in passkey.errors.get("credential", []):
            form.add_error(None, wrong)
    else:
        proven = ways.code and form.is_valid() and password_proves(request, form) and code_proves(request, form)
    if proven:
        note(request)
    return proven


def _held(request: HttpRequest) -> list[tuple[str, str]]:
    """The fields of the form that came too late, for sending it again; not its secrets, nor an earlier try to confirm."""
    secret: Any = getattr(request, "sensitive_post_parameters", ())
    if isinstance(secret, str):  # all of them
        return []
    left_out = {"csrfmiddlewaretoken", *secret}
    return [
        (name, value)
        for name, values in request.POST.lists()
        if name not in left_out and not name.startswith(f"{PREFIX}-")
        for value in values
    ]


def _page(request: PersonRequest, form: ProofForm, *, held: list[tuple[str, str]]) -> HttpResponse:
    ways = _ways(request.user)
    context: dict[str, object] = {"form": form, "ways": ways, "held": held}
    context["files"] = [file.name for files in request.FILES.lists() for file in files[1]]
    late = request.path != reverse("confirm")
    context["action"] = request.get_full_path() if late else request.path
    status = 422 if form.errors else 403 if late else 200
    return render(request, "adsum/signin/confirm.html", context, status=status)

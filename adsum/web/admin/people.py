"""People and what they may do: administrators find a person, see where each role came from, give and end roles, close accounts.

Every change asks for a proof of the last ten minutes, is one event, and holds from the next request on; a register that is
open live ends within a minute.
"""

from collections.abc import Callable
from datetime import date, timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from adsum.accounts import roles
from adsum.accounts.models import Department, Person, RoleGrant
from adsum.accounts.rules import BY_DEPARTMENT, MANAGES_PEOPLE, Role
from adsum.audit.reports import events_about
from adsum.audit.rules import Page
from adsum.audit.tree import people_behind
from adsum.checkin.services import revoke_passes
from adsum.core.errors import AdsumError
from adsum.integrations.sign_in.arrival import spelled
from adsum.integrations.sign_in.providers import known
from adsum.timetable.models import Enrolment, Module, ModuleLeader
from adsum.timetable.reports import Relation
from adsum.timetable.roles import end_leading, lead_module
from adsum.web.admin.account_events import happened
from adsum.web.admin.identities import LinkForm, identities_of
from adsum.web.entered import DayField
from adsum.web.guards import for_roles, said
from adsum.web.middleware import PersonRequest
from adsum.web.oversight.particulars import what_is_missing
from adsum.web.role_labels import ROLES, role_label
from adsum.web.searching import named
from adsum.web.signin import stepup
from adsum.web.viewing import looked_at

PER_PAGE = 50
EVENTS = 20

P = ParamSpec("P")
PersonPage = Callable[Concatenate[PersonRequest, Person, P], HttpResponse]


def _days(form: forms.Form) -> None:
    """Says where the last day comes before the first."""
    first, last = form.cleaned_data.get("starts_on"), form.cleaned_data.get("ends_on")
    if first and last and last < first:
        form.add_error("ends_on", _("The last day is before the first. Choose a later one, or leave it empty."))


def _day(label: Any, help_text: Any = "") -> DayField:
    return DayField(label=label, required=False, help_text=help_text)


class GrantForm(forms.Form):
    """A role, over what, and from when to when."""

    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=[("", gettext_lazy("Choose a role")), *ROLES.items()])
    department = forms.ModelChoiceField(
        Department.objects.order_by("name"),
        required=False,
        label=gettext_lazy("Department"),
        empty_label=gettext_lazy("The whole university"),
        help_text=gettext_lazy("Only for department staff and the attendance team; departments below it are included."),
    )
    starts_on = _day(gettext_lazy("First day"), gettext_lazy("Empty: from now on."))
    ends_on = _day(gettext_lazy("Last day"), gettext_lazy("Empty: until somebody ends it."))

    def clean(self) -> None:
        role, department = self.cleaned_data.get("role"), self.cleaned_data.get("department")
        if role and department and Role(role) not in BY_DEPARTMENT:
            self.add_error("department", _("This role is held for the whole university. Leave the department empty."))
        _days(self)


class LeaderForm(forms.Form):
    """A module to lead."""

    module = forms.CharField(label=gettext_lazy("Module code"), max_length=60)
    starts_on = _day(gettext_lazy("First day"))
    ends_on = _day(gettext_lazy("Last day"))

    def clean_module(self) -> Module:
        found = Module.objects.filter(code__iexact=self.cleaned_data["module"].strip()).first()
        if found is None:
            raise forms.ValidationError(_("No module has this code."))
        return found

    def clean(self) -> None:
        _days(self)


@require_safe
@for_roles(MANAGES_PEOPLE)
def people(request: PersonRequest) -> HttpResponse:
    """Everybody, by name, 50 to a page, with the roles they hold today."""
    text, role = request.GET.get("q", ""), request.GET.get("role", "")
    today = request.today
    found = named(Person.objects.all(), text)
    if role in set(Role):
        found = found.filter(pk__in=RoleGrant.objects.filter(role=role).held_on(today).values("person"))
    page = Paginator(found.order_by("family_name", "given_name", "pk"), PER_PAGE).get_page(request.GET.get("page"))
    held: dict[int, list[RoleGrant]] = {}
    grants = RoleGrant.objects.filter(person__in=[person.pk for person in page]).held_on(today).select_related("department")
    for grant in grants.order_by("role", "pk"):
        held.setdefault(grant.person_id, []).append(grant)
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "page": page,
        "missing": what_is_missing(),
        "q": text[:100],
        "role": role,
        "roles": ROLES.items(),
        "query": f"{query.urlencode()}&" if query else "",
        "rows": [
            {"person": person, "roles": [(role_label(one.role), one.department) for one in held.get(person.pk, ())]}
            for person in page
        ],
    }
    return render(request, "adsum/admin/people.html", context)


def of_person(view: PersonPage[P]) -> Callable[..., HttpResponse]:
    """The view is given the person at its address. What a service refuses is said on the person's page."""

    @for_roles(MANAGES_PEOPLE)
    @wraps(view)
    def checked(request: PersonRequest, /, ref: UUID, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        person = get_object_or_404(Person, ref=ref)
        try:
            return view(request, person, *args, **kwargs)
        except AdsumError as refused:
            return said(request, refused, reverse("office_person", args=[ref]))

    return checked


@require_safe
@of_person
def person(request: PersonRequest, person: Person) -> HttpResponse:
    """Who it is, whether they can sign in, what they may do and who said so, and what happened to the account."""
    return _page(request, person)


def _page(request: PersonRequest, person: Person, wrong: forms.Form | None = None) -> HttpResponse:
    """The person's page; `wrong`, the form on it that could not be used as it was filled in."""
    looked_at(request, person, Page.ACCOUNT, Relation(Role.ADMINISTRATOR))
    today = request.today
    grants = RoleGrant.objects.filter(person=person).select_related("department").order_by("role", "starts_on", "pk")
    leads = ModuleLeader.objects.filter(person=person).select_related("module").order_by("module__code")
    events = Paginator(events_about(person.actor), EVENTS).get_page(request.GET.get("page"))
    actors = _names({event.actor for event in events})
    context = {
        "person": person,
        "own": person == request.user,
        "sign_ins": UserSession.objects.filter(user=person).count(),
        "enrolments": Enrolment.objects.filter(person=person).select_related("course", "tutor").order_by("-starts_on"),
        "grants": [{"one": one, "role": role_label(one.role), "state": _state(one, today)} for one in grants],
        "leads": [{"one": one, "state": _state(one, today)} for one in leads],
        "leads_without_role": bool(leads) and Role.MODULE_LEADER not in person.roles(request.at),
        "grant_form": wrong if isinstance(wrong, GrantForm) else GrantForm(),
        "leader_form": wrong if isinstance(wrong, LeaderForm) else LeaderForm(),
        "identities": list(identities_of(person)),
        "link_form": wrong if isinstance(wrong, LinkForm) else LinkForm(person=person),
        "page": events,
        "events": [(event, happened(event.verb, event.detail), actors.get(event.actor, event.actor)) for event in events],
    }
    return render(request, "adsum/admin/person.html", context, status=422 if wrong else 200)


def _names(actors: set[str]) -> dict[str, str]:
    """The people whom the event log means by these actors, as far as they are still known (two queries)."""
    tokens = {actor.removeprefix("person:") for actor in actors if actor.startswith("person:")}
    known = people_behind(tokens)
    people = Person.objects.in_bulk(known.values())
    return {f"person:{token}": str(people[pk]) for token, pk in known.items() if pk in people}


def _state(one: RoleGrant | ModuleLeader, today: date) -> str:
    if one.ends_on is not None and one.ends_on < today:
        return "ended"
    return "later" if one.starts_on is not None and one.starts_on > today else "now"


def _filled_in(
    request: PersonRequest, person: Person, form: forms.Form, save: Callable[[dict[str, Any]], object], done: str
) -> HttpResponse:
    """Do what a form on the person's page asks for, or show the page with what is wrong about it."""
    if not form.is_valid():
        return _page(request, person, form)
    save(form.cleaned_data)
    return _done(request, person, done)


def _done(request: PersonRequest, person: Person, done: str) -> HttpResponse:
    messages.success(request, done)
    return redirect("office_person", ref=person.ref)


def _yesterday(request: PersonRequest) -> date:
    """The last day of what ends now."""
    return request.today - timedelta(days=1)


@require_POST
@of_person
@stepup.required
def give_role(request: PersonRequest, person: Person) -> HttpResponse:
    """Give a role by hand."""

    def save(given: dict[str, Any]) -> None:
        roles.give_role(person, Role(given.pop("role")), **given, by=request.user, at=request.at)

    return _filled_in(request, person, GrantForm(request.POST), save, _("Given. It holds from their next click on."))


@require_POST
@of_person
@stepup.required
def lead(request: PersonRequest, person: Person) -> HttpResponse:
    """Make a person leader of a module."""

    def save(given: dict[str, Any]) -> None:
        roles.refuse_own(person, request.user)
        lead_module(given.pop("module"), person, **given, by=request.user, at=request.at)

    done = _("Saved. With the role of module leader, every class of the module is theirs to see.")
    return _filled_in(request, person, LeaderForm(request.POST), save, done)


@require_POST
@of_person
@stepup.required
def take_role(request: PersonRequest, person: Person, grant: int) -> HttpResponse:
    """End a role now: yesterday was its last day."""
    held = get_object_or_404(RoleGrant, person=person, pk=grant)
    roles.take_role(held, last_day=_yesterday(request), by=request.user, at=request.at)
    return _done(request, person, _("Ended. Pages stop opening now; a live register closes within a minute."))


@require_POST
@of_person
@stepup.required
def stop_leading(request: PersonRequest, person: Person, leader: int) -> HttpResponse:
    """End a person's leading of a module."""
    held = get_object_or_404(ModuleLeader, person=person, pk=leader)
    roles.refuse_own(person, request.user)
    end_leading(held, last_day=_yesterday(request), by=request.user, at=request.at)
    return _done(request, person, _("Ended."))


@require_POST
@of_person
@stepup.required
def account(request: PersonRequest, person: Person) -> HttpResponse:
    """Close the account, open it again, or only end the sign-ins of now."""
    match request.POST.get("action"):
        case "close":
            with transaction.atomic():
                roles.close_by_hand(person, by=request.user, at=request.at)
                revoke_passes(person.pk, at=request.at)
            messages.success(request, _("Closed. Every sign-in has ended, at the gate too."))
        case "reopen":
            roles.reopen_by_hand(person, by=request.user, at=request.at)
            messages.success(request, _("Open again."))
        case "sign_out":
            with transaction.atomic():
                roles.end_sign_ins_by_hand(person, by=request.user, at=request.at)
                revoke_passes(person.pk, at=request.at)
            messages.success(request, _("Every sign-in has ended. They can sign in again."))
    return redirect("office_person", ref=person.ref)


@require_POST
@of_person
@stepup.required
def link(request: PersonRequest, person: Person) -> HttpResponse:
    """Link this person to the name that a provider has for them."""
    form = LinkForm(request.POST, person=person)
    app = form.apps.get(request.POST.get("provider", ""))

    def save(given: dict[str, Any]) -> None:
        linked = form.apps[given["provider"]]
        roles.link_by_hand(
            person,
            provider=linked.provider_id,
            subject=spelled(linked, given["subject"]),
            issuer=known(linked),
            by=request.user,
            at=request.at,
            guest=form.guest,
        )

    done = _("Linked. They can sign in at %(name)s now.") % {"name": app.name if app else ""}
    return _filled_in(request, person, form, save, done)


@require_POST
@of_person
@stepup.required
def unlink(request: PersonRequest, person: Person, pk: int) -> HttpResponse:
    """Unlink this person from the name that a provider has for them."""
    account = get_object_or_404(SocialAccount, user=person, pk=pk)
    with transaction.atomic():
        roles.unlink_by_hand(account, by=request.user, at=request.at)
        revoke_passes(person.pk, at=request.at)
    messages.success(request, _("Unlinked, and every sign-in of theirs has ended."))
    return redirect("office_person", ref=person.ref)

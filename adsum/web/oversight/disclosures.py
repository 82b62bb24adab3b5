"""What authorities outside asked for and were given, for the data-protection officer; auditors read it."""

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from adsum.accounts.reports import the_person
from adsum.accounts.rules import READS_ACCESS_LOG, Role
from adsum.audit.rules import Page
from adsum.core.errors import AdsumError
from adsum.privacy.disclosure_rules import LONGEST_WORDS, Basis, Body
from adsum.privacy.disclosures import record_disclosure
from adsum.privacy.models import Disclosure
from adsum.timetable.reports import Relation
from adsum.web.acts import act_of
from adsum.web.entered import DayField
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.rights_labels import BASES, BODIES
from adsum.web.viewing import looked_through

PER_PAGE = 25


class DisclosureForm(forms.Form):
    """One disclosure, or one that was refused."""

    who = forms.CharField(label=gettext_lazy("Whose data: number or university e-mail"), max_length=254)
    body = forms.ChoiceField(label=gettext_lazy("Who asked"), choices=[(one.value, BODIES[one]) for one in Body])
    asked_by = forms.CharField(
        label=gettext_lazy("Name and rank, or office"),
        help_text=gettext_lazy("You have checked that they are who they say."),
        max_length=200,
    )
    reference = forms.CharField(label=gettext_lazy("Their reference"), max_length=120, required=False)
    basis = forms.ChoiceField(label=gettext_lazy("On what ground"), choices=[(one.value, BASES[one]) for one in Basis])
    why = forms.CharField(
        label=gettext_lazy("What they asked for, and why the ground holds"),
        max_length=LONGEST_WORDS,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    given = forms.CharField(
        label=gettext_lazy("What was given"),
        help_text=gettext_lazy("Which data of which days. Empty: nothing was given."),
        max_length=LONGEST_WORDS,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    given_on = DayField(label=gettext_lazy("Given, or refused, on"))
    may_be_told = forms.BooleanField(
        label=gettext_lazy("The person may know of it: it is in their file"), required=False, initial=True
    )


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(READS_ACCESS_LOG)
def index(request: PersonRequest) -> HttpResponse:
    """Every disclosure, newest first, and for the officer the form for the next."""
    may_record = Role.DATA_PROTECTION in request.roles
    if request.method == "POST" and not may_record:
        raise Http404
    form = DisclosureForm(request.POST if request.method == "POST" else None, initial={"given_on": request.today})
    if request.method == "POST" and form.is_valid() and _recorded(request, form):
        messages.success(request, _("Written down."))
        return redirect("disclosures")
    listed = Disclosure.objects.select_related("person", "entered_by").order_by("-given_on", "-pk")
    page = Paginator(listed, PER_PAGE).get_page(request.GET.get("page"))
    relation = Relation(Role.DATA_PROTECTION if may_record else Role.AUDITOR)
    looked_through(request, Page.RIGHTS, [(one.person_id, relation) for one in page])
    context = {
        "form": form,
        "may_record": may_record,
        "page": page,
        "rows": [(one, BODIES[Body(one.body)], BASES[Basis(one.basis)]) for one in page],
    }
    return render(request, "adsum/oversight/disclosures.html", context, status=422 if form.is_bound else 200)


def _recorded(request: PersonRequest, form: DisclosureForm) -> bool:
    said = dict(form.cleaned_data)
    person = the_person(said.pop("who"))
    if person is None:
        form.add_error("who", _("There is nobody, or more than one, with this number or e-mail."))
        return False
    body, basis = Body(said.pop("body")), Basis(said.pop("basis"))
    try:
        record_disclosure(person, body, basis, **said, act=act_of(request))
    except AdsumError as refused:
        form.add_error({"not_yet": "given_on", "needs_who": "asked_by", "needs_why": "why"}.get(refused.code), refused.message)
        return False
    return True

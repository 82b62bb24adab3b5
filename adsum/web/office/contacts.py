"""Contact details of many students at once, from a file of the student records system: for the attendance team."""

from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from adsum.accounts.rules import Role
from adsum.integrations.imports.contacts_csv import bring_contacts
from adsum.integrations.imports.problems import Refused
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest

SHOWN = 100
"""How many lines that could not be used are listed."""


class ContactsForm(forms.Form):
    """One file."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("A CSV with columns person, telephone, personal_email and address. An empty cell says nothing."),
        error_messages={"required": gettext_lazy("Choose a file.")},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(frozenset({Role.ATTENDANCE_TEAM}))
def contacts(request: PersonRequest) -> HttpResponse:
    """Bring contact details in. For an attendance team over the whole university: a file does not stop at a department."""
    if request.access.departments(Role.ATTENDANCE_TEAM) is not None:
        raise Http404
    form = ContactsForm(request.POST or None, request.FILES or None)
    context: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            brought = bring_contacts(file.read(), file.name, by=request.user, at=request.at)
        except Refused as refused:
            form.add_error("file", refused.message)
        else:
            context |= {"brought": brought, "problems": brought.problems[:SHOWN]}
    failed = request.method == "POST" and "brought" not in context
    return render(request, "adsum/office/contacts.html", context, status=422 if failed else 200)

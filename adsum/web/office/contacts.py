"""Contact details of many students at once, from a file of the student records system: for the attendance team."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from adsum.accounts.rules import Role
from adsum.integrations.imports.contacts_csv import bring_contacts
from adsum.web.files import bring, file_form
from adsum.web.guards import for_roles_everywhere
from adsum.web.middleware import PersonRequest

COLUMNS = gettext_lazy("A CSV with columns person, telephone, personal_email and address. An empty cell says nothing.")


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles_everywhere(frozenset({Role.ATTENDANCE_TEAM}))
def contacts(request: PersonRequest) -> HttpResponse:
    """Bring contact details in. For an attendance team over the whole university: a file does not stop at a department."""
    form = file_form(request, COLUMNS)
    brought = bring(form, lambda content, name: bring_contacts(content, name, by=request.user, at=request.at))
    failed = request.method == "POST" and brought is None
    return render(request, "adsum/office/contacts.html", {"form": form, "brought": brought}, status=422 if failed else 200)

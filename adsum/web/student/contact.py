"""A student's own contact details: theirs to correct at any time, and to confirm each term."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from adsum.accounts.reaching import confirm_details, details_of, enter_details, to_confirm
from adsum.timetable.reports import term_began
from adsum.web.contact_forms import ContactForm
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.student import STUDENTS


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(STUDENTS)
def contact(request: PersonRequest) -> HttpResponse:
    """How the university can reach this student; they change it, or say that it is right."""
    known, person = details_of(request.user), request.user
    if request.POST.get("action") == "confirm":
        confirm_details(person, at=request.at)
        messages.success(request, _("Thank you. We shall ask again next term."))
        return redirect("own_contact")
    form = ContactForm(request.POST or None, known=known, own=True)
    if request.method == "POST" and form.is_valid():
        if enter_details(person, form.wanted, by=person, actor=person.actor, at=request.at):
            messages.success(request, _("Thank you. Your contact details are changed."))
        else:
            messages.info(request, _("Nothing was changed."))
        return redirect("own_contact")
    context = {
        "form": form,
        "asked": to_confirm(known, term_began(request.today)),
        "known": list(known.values()),
        "confirmed": min((one.confirmed_at for one in known.values() if one.confirmed_at), default=None),
    }
    return render(request, "adsum/student/contact.html", context, status=422 if form.is_bound else 200)

"""Phones and other browsers on which a person is told at once: which, of what, and no more."""

from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages as notices
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from adsum.core import keyring
from adsum.core.errors import AdsumError
from adsum.core.webpush import plain, public_of
from adsum.messages import phones
from adsum.messages.models import Phone
from adsum.messages.rules import About
from adsum.web.middleware import PersonRequest

ABOUT = {
    About.CHANGES: gettext_lazy("Classes and meetings that change"),
    About.REMINDERS: gettext_lazy("Reminders (the phone shows only that there is one)"),
    About.ANSWERS: gettext_lazy("Answers to what you asked"),
}


class PhoneForm(forms.Form):
    """What this browser is told of; the rest it fills in itself."""

    wants = forms.MultipleChoiceField(
        label=gettext_lazy("Notify me on this phone about"), choices=list(ABOUT.items()), widget=forms.CheckboxSelectMultiple
    )
    endpoint = forms.CharField(widget=forms.HiddenInput, required=False)
    public = forms.CharField(widget=forms.HiddenInput, required=False)
    secret = forms.CharField(widget=forms.HiddenInput, required=False)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def overview(request: PersonRequest) -> HttpResponse:
    """One's phones that are told at once; and this one, if its owner wants that."""
    if not settings.PHONE_APP:
        raise Http404
    given = request.POST if request.method == "POST" else None
    form = PhoneForm(given, initial={"wants": [About.CHANGES, About.ANSWERS]})
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        wants = {About(one) for one in told.pop("wants")}
        try:
            phones.begin(request.user, **told, wants=wants, at=request.at)
        except AdsumError as refused:
            form.add_error(None, refused.message)
        else:
            notices.success(request, _("You will get messages on this phone."))
            return redirect("phones")
    own = Phone.objects.filter(person=request.user).order_by("made_at", "pk")
    rows = [(phone, [ABOUT[one] for one in About if one in phone.kinds]) for phone in own]
    key = plain(public_of(next(iter(keyring.push_keys().values()))))
    context = {"form": form, "rows": rows, "key": key}
    return render(request, "adsum/phones.html", context, status=422 if form.is_bound else 200)


@require_POST
@login_required
def end(request: PersonRequest, ref: UUID) -> HttpResponse:
    """That phone is told no more."""
    phone = get_object_or_404(Phone.objects.filter(person=request.user), ref=ref)
    phones.end(phone, actor=request.user.actor, at=request.at)
    notices.success(request, _("That phone no longer gets messages."))
    return redirect("phones")

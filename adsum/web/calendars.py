"""A person's own calendar: an address that only they know, and what a calendar app gets there."""

import hashlib

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.cache import caches
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from adsum.core.errors import AdsumError
from adsum.core.signing import fingerprint
from adsum.integrations.files.calendars import calendar_of
from adsum.timetable import services
from adsum.timetable.calendar_table import CalendarKey
from adsum.web.middleware import PersonRequest

MOST_READS = 120
"""How often one address is answered in an hour; apps ask a few times."""
HOUR = 3600

readings = caches["local"]
"""How often each address was answered by this process: a guard against a broken app, and reading writes nothing."""


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def settings_page(request: PersonRequest) -> HttpResponse:
    """The address, and how to make another or none."""
    if request.method == "POST":
        if request.POST.get("action") == "remove":
            services.remove_calendar(request.user, at=request.at)
            messages.success(request, _("The address is gone. Apps that used it get nothing any more."))
        else:
            services.renew_calendar(request.user, at=request.at)
            messages.success(request, _("Here is your address. An earlier one no longer works."))
        return redirect("calendar")
    key = CalendarKey.objects.filter(person=request.user).first()
    try:
        secret = services.calendar_secret(key) if key else ""
    except AdsumError:
        secret = ""  # sealed with a key that is gone: the address still works, but cannot be shown
    path = reverse("calendar_feed", args=[secret]) if secret else ""
    address = settings.ORIGIN + path
    context = {"key": key, "address": address if path else "", "webcal": "webcal" + address[address.index(":") :]}
    return render(request, "adsum/calendar.html", context)


@require_safe
def feed(request: HttpRequest, secret: str) -> HttpResponse:
    """The calendar behind an address, without a sign-in. A wrong address and a renewed one are told apart by nothing: the
    secret is hashed before it is looked up, so time tells nothing of it either."""
    known = fingerprint(secret)
    key = CalendarKey.objects.select_related("person").filter(fingerprint=known, person__is_active=True).first()
    if key is None:
        raise Http404
    counter = f"calendar:{known}"
    readings.add(counter, 0, HOUR)
    if readings.incr(counter) > MOST_READS:
        return HttpResponse(status=429, headers={"Retry-After": str(HOUR)}, content_type="text/plain")
    content = calendar_of(key.person, at=request.at)  # type: ignore[attr-defined]
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    answer = HttpResponse(content, content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = 'inline; filename="classes.ics"'
    answer["ETag"] = etag
    answer["Cache-Control"] = "private, max-age=900"
    return get_conditional_response(request, etag=etag, response=answer) or answer

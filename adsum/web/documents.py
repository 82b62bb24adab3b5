"""The documents that fill themselves in: privacy notices and the accessibility statement for everyone, the assessment and the
record of processing for those who answer for them."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from adsum.accounts.rules import READS_ACCESS_LOG, Role
from adsum.privacy.documents import facts_of, latest, sections_of
from adsum.privacy.models import DocumentVersion
from adsum.privacy.particulars import current
from adsum.privacy.purposes import Document, missing
from adsum.web.entered import number_of
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest

ANSWERS_FOR_IT = READS_ACCESS_LOG | {Role.ADMINISTRATOR}
NAMES: dict[Document, tuple[Promise, str]] = {
    Document.STUDENT_NOTICE: (_("Privacy notice for students"), "privacy_notice"),
    Document.STAFF_NOTICE: (_("Privacy notice for staff"), "staff_notice"),
    Document.DPIA: (_("Data-protection impact assessment"), "dpia"),
    Document.PROCESSING: (_("Record of processing"), "processing_record"),
    Document.ACCESSIBILITY: (_("Accessibility statement"), "accessibility"),
}
"""By document: what it is called, and its address."""


def document_page(request: PersonRequest, document: Document) -> HttpResponse:
    """A document: the newest version, or the one that is asked for; before there is any, the draft."""
    shown = latest(document)
    if "version" in request.GET:
        number = number_of(request.GET["version"])
        shown = DocumentVersion.objects.filter(document=document, number=number).first() if number is not None else None
        if shown is None:
            raise Http404
    facts = shown.facts if shown is not None else facts_of(document, request.today)
    title, address = NAMES[document]
    context = {
        "title": title,
        "address": address,
        "shown": shown,
        "sections": sections_of(document, facts),
        "versions": list(DocumentVersion.objects.filter(document=document).order_by("-number")),
        "unready": shown is None and bool(missing(current())),
    }
    return render(request, "adsum/document.html", context)


@require_safe
def student_notice(request: PersonRequest) -> HttpResponse:
    """For students."""
    return document_page(request, Document.STUDENT_NOTICE)


@require_safe
def staff_notice(request: PersonRequest) -> HttpResponse:
    """For staff."""
    return document_page(request, Document.STAFF_NOTICE)


@require_safe
def accessibility(request: PersonRequest) -> HttpResponse:
    """How accessible it is, and whom to tell what is not."""
    return document_page(request, Document.ACCESSIBILITY)


@require_safe
@for_roles(ANSWERS_FOR_IT)
def dpia(request: PersonRequest) -> HttpResponse:
    """The assessment."""
    return document_page(request, Document.DPIA)


@require_safe
@for_roles(ANSWERS_FOR_IT)
def processing(request: PersonRequest) -> HttpResponse:
    """The record."""
    return document_page(request, Document.PROCESSING)

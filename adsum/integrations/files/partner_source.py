"""The subcontracting information source (OfS condition E10): everything about partners in one file, to hand over."""

import io
import zipfile
from datetime import datetime

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.timezone import localtime
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.compliance.partner_reports import information_source
from adsum.compliance.sections import fingerprint, sums
from adsum.core.cells import safe_filename
from adsum.integrations.files.exports import File, noted
from adsum.integrations.files.packs import HERE, Reader


def partner_source(*, at: datetime, by: Person) -> File:
    """Pages for people, tables for machines; and the event that says who took it, with its fingerprint."""
    sections = information_source(at)
    reader, out = Reader(sections), io.BytesIO()
    cover = [
        (_("What"), _("Subcontracting information source (OfS condition E10)")),
        (_("University"), settings.UNIVERSITY),
        (_("Made"), _("%(when)s by %(who)s") % {"when": reader.instant(at.isoformat()), "who": by}),
        (_("Fingerprint"), fingerprint(sections)),
    ]
    context = {
        "cover": cover,
        "tables": [reader.table(one) for one in sections],
        "language": get_language() or settings.LANGUAGE_CODE,
    }
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("index.html", render_to_string("adsum/packs/partners.html", context))
        archive.writestr("pack.css", (HERE / "pack.css").read_bytes())
        archive.writestr("SHA256SUMS", sums(sections))
        for one in sections:
            archive.writestr(f"facts/{one.name}.csv", one.file())
    noted("partners", subject="partner:*", by=by, at=at, fingerprint=fingerprint(sections))
    return File(safe_filename("subcontracting", f"{localtime(at):%Y-%m-%d}", ending="zip"), out.getvalue(), "application/zip")

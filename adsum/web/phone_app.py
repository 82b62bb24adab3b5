"""Adsum as an app on a phone, without a store: what the phone is told of it, and the script that steps in without a network."""

import json
from functools import cache
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.templatetags.static import static
from django.utils.translation import get_language, get_language_bidi
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from adsum.accounts.models import Person
from adsum.accounts.rules import Access, Role
from adsum.checkin.acknowledgements import account_name
from adsum.core import keyring

ICON = "adsum/icons/app-192.png"
SHELL = (
    "favicon.svg",
    "icons.svg",
    "vendor/font/latin.woff2",
    "vendor/font/latin-ext.woff2",
    "vendor/bootstrap/reboot.min.css",
    *(f"adsum/css/{name}.css" for name in ("tokens", "type", "layout", "controls", "forms", "status", "components", "sheet")),
    ICON,
    *(f"adsum/js/{name}.js" for name in ("theme", "app", "toast", "phone", "kept", "tones", "scanner", "offline")),
)
"""What the two pages that a phone keeps are made of."""
LATER = ("vendor/barcode-detector/ponyfill.js", "vendor/zxing-wasm/zxing_reader.wasm")
"""Kept once they were needed: most phones read codes without them."""
JS = settings.BASE_DIR / "adsum" / "web" / "static" / "adsum" / "js"


def about_account(person: object, access: Access) -> dict[str, Any]:
    """For the page frame: by what a phone knows this account again, and whether it keeps their timetable."""
    if not isinstance(person, Person) or person.pk is None:
        return {"account": "", "holder": "", "worker": False, "timetable": False}
    own = settings.PHONE_APP and access.holds(Role.STUDENT)
    account = account_name(person.pk, keyring.keys_for("account/v1")[keyring.current()])
    return {"account": account, "holder": person.display_name if own else "", "worker": own, "timetable": own}


@require_safe
def manifest(_request: HttpRequest) -> HttpResponse:
    """What a phone shows of the app, in the language of its pages."""
    icons = [
        {"src": static(f"adsum/icons/app-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png", "purpose": "any"}
        for size in (192, 512)
    ]
    masked = {"src": static("adsum/icons/app-mask-512.png"), "sizes": "512x512", "type": "image/png", "purpose": "maskable"}
    said = {
        "id": "/",
        "name": f"Adsum · {settings.UNIVERSITY}",
        "short_name": "Adsum",
        "description": _("Check in to your classes, and see your timetable and attendance."),
        "lang": get_language(),
        "dir": "rtl" if get_language_bidi() else "ltr",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#fbfaf7",
        "theme_color": "#fbfaf7",
        "icons": [*icons, masked],
        "shortcuts": [
            {"name": _("Check in"), "url": "/in", "icons": icons[:1]},
            {"name": _("Today"), "url": "/today/", "icons": icons[:1]},
        ],
    }
    answer = JsonResponse(said, content_type="application/manifest+json")
    answer["Cache-Control"] = "no-cache"
    return answer


@require_safe
def worker(_request: HttpRequest) -> HttpResponse:
    """The script, with the files of this version. Phones fetch it anew each day and with each visit; where the app is switched
    off, they get one that empties what was kept and ends itself."""
    answer = HttpResponse(_worker(on=settings.PHONE_APP), content_type="text/javascript; charset=utf-8")
    answer["Cache-Control"] = "no-cache"
    return answer


@cache
def _worker(*, on: bool) -> str:
    if not on:
        return (JS / "retired.js").read_text(encoding="utf-8")
    code = (JS / "worker.js").read_text(encoding="utf-8")
    files, later = [static(name) for name in SHELL], [static(name) for name in LATER]
    version = sha256("\n".join([*files, *later, code]).encode()).hexdigest()[:12]
    return f"const SHELL = {json.dumps({'version': version, 'icon': static(ICON), 'files': files, 'later': later})};\n{code}"

"""A file that somebody sends as evidence: cleaned in a separate process, or refused with a sentence that says what to do."""

import base64

from django.utils.translation import gettext as _

from adsum.absence.rules import MOST_BYTES, Cleaned, FileKind
from adsum.core.errors import AdsumError
from adsum.integrations.sandbox import Apart, TooDear

MEGABYTES = 1024
SECONDS = 20


def clean(content: bytes) -> Cleaned:
    """The file as it may be kept. Raises AdsumError with `too_large`, `empty`, or what the child refuses."""
    if len(content) > MOST_BYTES:
        raise AdsumError("too_large", _too_large())
    if not content:
        raise AdsumError("empty", _("This file is empty. Choose it again."))
    try:
        with Apart("clean", megabytes=MEGABYTES, seconds=SECONDS) as child:
            answer = child.ask(base64.b64encode(content).decode())
    except TooDear as dear:
        raise AdsumError("too_large", _too_large()) from dear
    if code := answer.get("refused"):
        raise AdsumError(code, _sentence(code))
    return Cleaned(FileKind(answer["kind"]), base64.b64decode(answer["content"]))


def _too_large() -> str:
    return _("This file is too large: 10 MB, 40 pages, or a picture of 64 megapixels at most. A photo of the letter is enough.")


def _sentence(code: str) -> str:
    return {
        "not_allowed": _("This is not a PDF or a picture (JPEG, PNG, HEIC). Take a photo of the letter, or save it as a PDF."),
        "unreadable": _("This file cannot be opened; it may be damaged. Take a photo of the letter instead."),
        "locked": _("This PDF needs a password. Save a copy without one, or take a photo of the letter."),
        "too_large": _too_large(),
    }[code]

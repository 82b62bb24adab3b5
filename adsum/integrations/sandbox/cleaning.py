"""Pictures and PDFs that people send, made harmless. Runs in a separate process (`child.py`).

What a file is, its first bytes say, never its name. Pictures are decoded and encoded again: what is kept is the picture. A PDF
is taken apart and written anew without what acts, is attached, or tells of its maker and place."""

import base64
import io
from typing import Any

from pikepdf import Array, Dictionary, Name, Object, PasswordError, Pdf, PdfError, Stream
from PIL import Image, ImageOps, UnidentifiedImageError
from pillow_heif import register_heif_opener

HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
MOST_PIXELS = 64_000_000
LONGEST_SIDE = 2200
"""Pixels that a letter photographed whole needs to be read."""
MOST_PAGES = 40
ACTS = frozenset(
    "/AA /OpenAction /JS /JavaScript /AcroForm /XFA /EmbeddedFiles /EF /AF /RichMediaContent /RichMediaSettings /Metadata "
    "/PieceInfo /LastModified /Thumb /Collection /Perms /Launch /SpiderInfo /Renditions /URI /A /Names /Dests".split()
)
"""Entries of a PDF that act, attach, or tell of its maker; links go too, for nothing in evidence needs to be followed."""


def kind_of(content: bytes) -> str:
    """What the first bytes say: `jpeg`, `png`, `heic`, `pdf`, or ''."""
    if content.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if content[4:8] == b"ftyp" and content[8:12] in HEIC_BRANDS:
        return "heic"
    return "pdf" if content.startswith(b"%PDF-") else ""


def clean(content: bytes) -> dict[str, Any]:
    """`kind` and `content` (base64) of what is kept; or `refused`: not_allowed, unreadable, locked, too_large."""
    kind = kind_of(content)
    if not kind:
        return {"refused": "not_allowed"}
    try:
        kept = _pdf(content) if kind == "pdf" else _picture(content, kind)
    except PasswordError:
        return {"refused": "locked"}
    except TooLarge:
        return {"refused": "too_large"}
    except (PdfError, UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError, TypeError):
        return {"refused": "unreadable"}
    return {"kind": "pdf" if kind == "pdf" else "jpeg", "content": base64.b64encode(kept).decode()}


class TooLarge(Exception):
    """More pixels, or pages, than any letter has."""


def _picture(content: bytes, kind: str) -> bytes:
    """The picture as a JPEG of its own pixels: no place, no camera, no time, no thumbnail."""
    register_heif_opener(thumbnails=False)
    with Image.open(io.BytesIO(content), formats=("HEIF",) if kind == "heic" else (kind.upper(),)) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            raise TooLarge
        picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
        upright = ImageOps.exif_transpose(picture)
        if upright.mode in {"RGBA", "LA", "P"}:
            page = Image.new("RGB", upright.size, "white")
            page.paste(upright.convert("RGBA"), mask=upright.convert("RGBA").getchannel("A"))
            upright = page
        upright = upright.convert("RGB")
        upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        pixels = Image.new("RGB", upright.size)
        pixels.paste(upright)
    out = io.BytesIO()
    pixels.save(out, "JPEG", quality=85, optimize=True)
    return out.getvalue()


def _pdf(content: bytes) -> bytes:
    """The pages, and nothing that is not on them."""
    with Pdf.open(io.BytesIO(content)) as pdf:
        if len(pdf.pages) > MOST_PAGES:
            raise TooLarge
        for one in pdf.objects:
            _strip(one)
        if "/Info" in pdf.trailer:
            del pdf.trailer["/Info"]
        out = io.BytesIO()
        pdf.save(out, deterministic_id=True, linearize=False)
    return out.getvalue()


def _strip(one: Object) -> None:
    """Take from an object, and what lies directly in it, everything in ACTS, and from pictures in it what a camera wrote."""
    if isinstance(one, Array):
        for part in one:
            _strip_direct(part)
        return
    if not isinstance(one, Dictionary | Stream):
        return
    for key in list(map(str, one.keys())):
        if key in ACTS:
            del one[key]
        else:
            _strip_direct(one[key])
    if isinstance(one, Stream) and one.get("/Filter") == Name.DCTDecode:
        one.write(without_camera(one.read_raw_bytes()), filter=Name.DCTDecode)


def _strip_direct(part: object) -> None:
    if isinstance(part, Object) and not part.is_indirect:
        _strip(part)


def without_camera(jpeg: bytes) -> bytes:
    """A JPEG without the segments in which cameras write place and time (APP1 to APP13, APP15, comments); its colours stay."""
    kept, at = bytearray(jpeg[:2]), 2
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF and jpeg[at + 1] != 0xDA:
        marker, end = jpeg[at + 1], at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if not (0xE1 <= marker <= 0xED and marker != 0xE2) and marker not in {0xEF, 0xFE}:
            kept += jpeg[at:end]
        at = end
    return bytes(kept) + jpeg[at:]

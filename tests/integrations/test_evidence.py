"""Evidence that people send: what is kept of it, and what is refused, as tables. The files are made here."""

import io
from collections.abc import Callable
from typing import Any

import pikepdf
import pillow_heif
import pytest
from PIL import Image

from adsum.absence.rules import FileKind
from adsum.core.errors import AdsumError
from adsum.integrations.files.evidence import clean

MARK = b"PLANTED-51.8787N"
"""Stands for what must not be kept: a place, a name, a script."""


def picture(kind: str, size: tuple[int, int] = (640, 480)) -> bytes:
    """A picture whose metadata say where it was taken; its left half is red, upright only once turned as they say."""
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, MARK.decode()
    out = io.BytesIO()
    if kind == "HEIF":
        pillow_heif.from_pillow(image).save(out, exif=exif.tobytes(), quality=80)
    else:
        image.save(out, kind, exif=exif)
    return out.getvalue()


def document(change: Callable[[pikepdf.Pdf], None] | None = None, pages: int = 1, **saving: Any) -> bytes:
    pdf = pikepdf.new()
    for _ in range(pages):
        pdf.add_blank_page(page_size=(200, 200))
    if change is not None:
        change(pdf)
    out = io.BytesIO()
    pdf.save(out, **saving)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "HEIF"])
def test_of_a_picture_the_pixels_are_kept_and_nothing_else(kind: str):
    sent = picture(kind)
    assert MARK in sent
    kept = clean(sent)
    assert kept.kind == FileKind.JPEG
    assert MARK not in kept.content
    assert b"Exif" not in kept.content
    with Image.open(io.BytesIO(kept.content)) as image:
        assert (image.format, dict(image.getexif())) == ("JPEG", {})
        colour = image.getpixel((image.width // 2, 5))
        assert isinstance(colour, tuple)
        assert colour[0] > colour[2]  # turned upright, as the camera said


def test_a_large_picture_becomes_one_that_can_be_read():
    with Image.open(io.BytesIO(clean(picture("PNG", (4000, 3000))).content)) as image:
        assert max(image.size) == 2200


def script(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=MARK.decode())


def attachment(pdf: pikepdf.Pdf) -> None:
    pdf.attachments["letter.exe"] = pikepdf.AttachedFileSpec(pdf, MARK)


def maker(pdf: pikepdf.Pdf) -> None:
    pdf.docinfo["/Author"] = MARK.decode()
    with pdf.open_metadata() as meta:
        meta["dc:creator"] = [MARK.decode()]


def form(pdf: pikepdf.Pdf) -> None:
    field = pdf.make_indirect(pikepdf.Dictionary(FT=pikepdf.Name.Tx, V=MARK.decode()))
    pdf.Root.AcroForm = pikepdf.Dictionary(Fields=[field])


def on_a_page(pdf: pikepdf.Pdf) -> None:
    action = pikepdf.Dictionary(S=pikepdf.Name.URI, URI=MARK.decode())
    link = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9], A=action)
    pdf.pages[0].Annots = pdf.make_indirect(pikepdf.Array([pdf.make_indirect(link)]))
    pdf.pages[0].AA = pikepdf.Dictionary(O=pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=MARK.decode()))


def photo(pdf: pikepdf.Pdf) -> None:
    image = pikepdf.Stream(pdf, picture("JPEG"))
    image.Type, image.Subtype, image.Width, image.Height = pikepdf.Name.XObject, pikepdf.Name.Image, 640, 480
    image.ColorSpace, image.BitsPerComponent, image.Filter = pikepdf.Name.DeviceRGB, 8, pikepdf.Name.DCTDecode
    pdf.pages[0].Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im=image))


def holds(content: bytes) -> bool:
    """Whether the mark is anywhere in a PDF, in a stream or a string."""
    with pikepdf.open(io.BytesIO(content)) as pdf:
        parts = [one.read_bytes() if "/Filter" in one and one.Filter != "/DCTDecode" else one.read_raw_bytes()
                 for one in pdf.objects if isinstance(one, pikepdf.Stream)]  # fmt: skip
        return any(MARK in part for part in [content, *parts, *(repr(one).encode() for one in pdf.objects)])


@pytest.mark.parametrize("change", [script, attachment, maker, form, on_a_page, photo])
def test_of_a_pdf_the_pages_are_kept_and_nothing_that_acts_or_tells(change: Callable[[pikepdf.Pdf], None]):
    sent = document(change)
    assert holds(sent)
    kept = clean(sent)
    assert kept.kind == FileKind.PDF
    assert not holds(kept.content)
    with pikepdf.open(io.BytesIO(kept.content)) as pdf:
        assert len(pdf.pages) == 1
        if change is photo:
            stream = pdf.pages[0].Resources.XObject.Im
            assert Image.open(io.BytesIO(stream.read_raw_bytes())).size == (640, 480)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"", "empty"),
        (b"<svg onload='x'/>", "not_allowed"),
        (b"GIF89a" + bytes(20), "not_allowed"),
        (b"PK\x03\x04 a spreadsheet", "not_allowed"),
        (b"\xff\xd8\xff" + bytes(200), "unreadable"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(60), "unreadable"),
        (b"%PDF-1.7 and no more", "unreadable"),
        (bytes(10 * 1024 * 1024 + 1), "too_large"),
    ],
)
def test_what_is_refused(sent: bytes, code: str):
    with pytest.raises(AdsumError) as refused:
        clean(sent)
    assert refused.value.code == code


def test_what_is_locked_or_too_long_is_refused():
    for sent, code in (
        (document(encryption=pikepdf.Encryption(owner="o", user="u")), "locked"),
        (document(pages=41), "too_large"),
        (picture("PNG", (8001, 8001)), "too_large"),
    ):
        with pytest.raises(AdsumError) as refused:
            clean(sent)
        assert refused.value.code == code

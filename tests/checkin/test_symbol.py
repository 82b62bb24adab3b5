"""The symbol of a code: how large it is, and that two readers that share no code read it, also small, turned and blurred."""

import math
import re

import numpy
import pytest
import segno
import zxingcpp
from PIL import Image, ImageFilter
from pyzbar import pyzbar

from adsum.checkin.codes import CODE_LENGTH, EpochKey, make_code
from adsum.checkin.symbol import MOST_MODULES, code_url, longest_host, modules_of, symbol_of

EPOCH = EpochKey(opening=1, number=1, key=b"k" * 32, typed_key=b"t" * 32, period_ms=60_000, grace_ms=15_000, started_ms=0)
CODES = [
    make_code(EPOCH, handle=handle, slot=3, counter=counter) for handle, counter in [(0, 0), (2**30 - 1, 32_767), (4711, 8)]
]
HOSTS = ["uni.uk", "here.uni.ac.uk", "a.university-of-york.ac.uk:8", "attendance.many-universities.ac.uk"]


def zxing(picture: Image.Image) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(numpy.asarray(picture))]


def zbar(picture: Image.Image) -> list[str]:
    return [found.data.decode() for found in pyzbar.decode(picture, symbols=[pyzbar.ZBarSymbol.QRCODE])]


def picture_of(symbol: segno.QRCode, pixels: int) -> Image.Image:
    """In the quiet zone that a screen shows around it."""
    rows = [[0 if dark else 255 for dark in row] for row in symbol.matrix_iter(border=4)]
    side = len(rows) * pixels
    return Image.fromarray(numpy.array(rows, dtype=numpy.uint8)).resize((side, side), Image.Resampling.NEAREST)


@pytest.mark.parametrize(
    ("length", "modules"), [(7, 29), (8, 33), (16, 33), (27, 33), (28, 37), (46, 37), (49, 37), (50, 41)], ids=str
)
def test_how_large_the_symbol_is(length: int, modules: int) -> None:
    origin = f"https://{'a' * (length - 6)}.ac.uk"
    assert len(origin) == len("https://") + length
    assert modules_of(origin) == modules
    assert {symbol_of(origin, code).symbol_size(border=0)[0] for code in CODES} == {modules}, "and so is every code's"


def test_the_longest_host_that_fits() -> None:
    assert longest_host("https://attendance.the-university.ac.uk", MOST_MODULES) == 27
    assert longest_host("http://localhost:8000", MOST_MODULES) == 28, "one more for a scheme that is shorter"


def test_scheme_and_host_are_in_lower_case_and_the_code_in_capitals() -> None:
    assert code_url("https://Here.Uni.AC.uk", CODES[0]) == f"https://here.uni.ac.uk/{CODES[0]}"
    assert re.fullmatch(rf"[0-9A-HJKMNP-TV-Z]{{{CODE_LENGTH}}}", CODES[0])


def test_one_segment_of_bytes_would_be_larger() -> None:
    """That the code stands in the compact alphabet is what makes the symbol so small."""
    origin = "https://attendance.uni.ac.uk"
    whole = segno.make(code_url(origin, CODES[0]), error="m", micro=False, boost_error=False)
    assert whole.symbol_size(border=0)[0] > modules_of(origin)


@pytest.mark.parametrize("read", [zxing, zbar])
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("code", CODES)
def test_two_readers_read_it(read, host: str, code: str) -> None:
    """Pitfall 19: also small, turned, blurred and from the side."""
    origin = f"https://{host}"
    symbol = symbol_of(origin, code)
    near, far = picture_of(symbol, 8), picture_of(symbol, 3)
    seen = {
        "near": near,
        "three pixels for each module": far,
        "turned": near.rotate(11, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC),
        "on its side": near.rotate(90, expand=True),
        "blurred": near.filter(ImageFilter.GaussianBlur(2)),
        "seen from the side": near.resize((math.floor(near.width * 0.7), near.height), Image.Resampling.LANCZOS),
    }
    assert {how: read(picture) for how, picture in seen.items()} == {how: [f"{origin}/{code}"] for how in seen}

"""The symbol a screen shows: the address of a code as QR."""

from typing import Any

import segno

from adsum.checkin.codes import CODE_LENGTH

MOST_MODULES = 33
"""The largest symbol that is well read from the back row: a phone needs about three pixels for each module."""


def code_url(origin: str, code: str) -> str:
    """What is in the symbol. Scheme and host are in lower case: several camera apps show an address all in capitals as text,
    search the web for it, or open an empty page."""
    return f"{origin.lower()}/{code}"


def symbol_of(origin: str, code: str) -> segno.QRCode:
    """Level M, in two segments: the origin in bytes, the code in QR's compact alphabet of capitals and digits."""
    segments: Any = [code_url(origin, ""), code]  # segno takes a list, though its types do not say so
    return segno.make(segments, error="m", micro=False, boost_error=False)


def modules_of(origin: str) -> int:
    """How many modules wide the symbol of a code at this origin is."""
    return int(symbol_of(origin, "Z" * CODE_LENGTH).symbol_size(border=0)[0])


def longest_host(origin: str, modules: int) -> int:
    """How many characters the host may have, its port included, so that the symbol needs no more modules than these."""
    scheme = origin.partition("://")[0]
    return max(length for length in range(100) if modules_of(f"{scheme}://{'a' * length}") <= modules)

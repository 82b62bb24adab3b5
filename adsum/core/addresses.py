"""Web addresses that others wrote: taken apart without an exception, whatever they hold."""

from urllib.parse import SplitResult, urlsplit

NOWHERE = urlsplit("")


def split(text: str) -> SplitResult:
    """The parts of an address; all empty if it cannot be read as one (`http://[`, a port of letters)."""
    try:
        parts = urlsplit(text)
        _ = parts.port  # read only now, and raised only now
    except ValueError:
        return NOWHERE
    return parts

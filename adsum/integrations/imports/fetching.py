"""A timetable from a web address, within bounds: only http and https, never into a private network unless an administrator
has named it, a few redirects each checked again, a limit of time and of size."""

from http import HTTPStatus
from time import monotonic
from typing import NamedTuple
from urllib.parse import urljoin

from django.conf import settings

from adsum.core.addresses import split
from adsum.core.asking import Address, Answer, Failure, Unanswered, ask
from adsum.core.network import is_public, within
from adsum.integrations.imports.problems import Refused
from adsum.integrations.imports.reading import MAX_FILE, MB

TIMEOUT = 20
"""Seconds for the whole way, redirects too."""
MOST_REDIRECTS = 4
REDIRECTS = {301, 302, 303, 307, 308}
CODES = {Failure.ADDRESS: "fetch_scheme", Failure.NOT_ALLOWED: "fetch_private", Failure.TOO_LARGE: "too_large"}
"""What we say of a failure; of any other, that there is no answer, and why."""


class Fetched(NamedTuple):
    """A file, its name, and what its server calls this version of it ('' where it does not say)."""

    name: str
    content: bytes
    etag: str
    last_modified: str


def fetch(url: str) -> tuple[str, bytes]:
    """The file at an address, and its name. Raises Refused with what to do."""
    answer = fetch_if_changed(url)
    if answer is None:
        raise Refused("fetch_status", file=url, status=int(HTTPStatus.NOT_MODIFIED))
    return answer.name, answer.content


def fetch_if_changed(url: str, *, etag: str = "", last_modified: str = "") -> Fetched | None:
    """The file at an address; None when its server says that it still is the version of that etag or that time. Raises
    Refused with what to do."""
    deadline = monotonic() + TIMEOUT
    known = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    headers = {"Accept": "text/calendar, text/csv, */*"} | {name: value for name, value in known.items() if value}
    for _ in range(MOST_REDIRECTS + 1):
        if url.startswith("webcal://"):  # what calendars call their own addresses
            url = url.replace("webcal", "https", 1)
        answer = _get(url, deadline, headers)
        if answer.status == HTTPStatus.NOT_MODIFIED:
            return None
        if answer.status not in REDIRECTS or not (to := answer.headers.get("Location")):
            return _file(url, answer)
        url = _joined(url, to)
    raise Refused("fetch_redirects", file=url)


def _joined(url: str, to: str) -> str:
    try:
        return urljoin(url, to)
    except ValueError:
        raise Refused("fetch_scheme", file=to) from None


def _get(url: str, deadline: float, headers: dict[str, str]) -> Answer:
    try:
        return ask(url, headers=headers, seconds=deadline - monotonic(), most=MAX_FILE, may_ask=_may_ask)
    except Unanswered as wrong:
        code = CODES.get(wrong.failure, "fetch_unreachable")
        raise Refused(code, file=url, address=wrong.message, limit=MAX_FILE // MB, reason=wrong.message) from wrong


def _may_ask(address: Address) -> bool:
    return is_public(address) or within(str(address), settings.FEED_NETWORKS)


def _file(url: str, answer: Answer) -> Fetched:
    if answer.status != HTTPStatus.OK:
        raise Refused("fetch_status", file=url, status=answer.status)
    parts = split(url)
    name = parts.path.rpartition("/")[2] or parts.netloc
    etag, modified = (answer.headers.get(header, "") for header in ("ETag", "Last-Modified"))
    # What does not fit is not kept: the hash of the content still tells whether it is new.
    return Fetched(name, answer.body, etag if len(etag) <= 200 else "", modified if len(modified) <= 100 else "")

"""How a sign-in provider is asked over the network: each question to the address it has, for an answer of a bounded size and
time. A provider may be inside the campus network, so what it answers must not be able to send us anywhere else in there."""

from time import monotonic
from typing import Any

from requests import Response, Session
from requests.exceptions import ContentDecodingError, ReadTimeout, RequestException, TooManyRedirects
from urllib3.exceptions import HTTPError, ReadTimeoutError

MOST_BYTES = 1024 * 1024
WAITS = 5
"""Seconds for which the provider may be silent."""
WHOLE = 10
"""Seconds after which an answer must be here in full."""


class ProviderSession(Session):
    """Follows no redirect; raises RequestException where one was asked to be followed, and for an answer that is too long in
    size or time."""

    def request(self, method: Any, url: Any, *args: Any, **how: Any) -> Response:
        """Ask. With `stream` the body is not read; with `allow_redirects=False` a redirect is an answer like any other."""
        deadline = monotonic() + WHOLE
        body, follows = not how.pop("stream", False), how.pop("allow_redirects", True)
        response = super().request(method, url, *args, **{"timeout": WAITS, **how, "allow_redirects": False, "stream": True})
        if follows and response.is_redirect:
            response.close()
            raise TooManyRedirects("a provider's redirects are not followed", response=response)
        if body:
            response._content = _read(response, deadline)
        return response


def _read(response: Response, deadline: float) -> bytes:
    parts, size = [], 0
    try:
        with response:
            while part := response.raw.read1(64 * 1024, decode_content=True):
                parts.append(part)
                size += len(part)
                if size > MOST_BYTES:
                    raise ContentDecodingError(f"more than {MOST_BYTES} bytes", response=response)
                if monotonic() > deadline:
                    raise ReadTimeout(f"not here in {WHOLE} seconds", response=response)
    except ReadTimeoutError as silent:
        raise ReadTimeout(f"silent for {WAITS} seconds", response=response) from silent
    except HTTPError as wrong:
        raise RequestException(type(wrong).__name__, response=response) from wrong
    return b"".join(parts)

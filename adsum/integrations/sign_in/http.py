"""How a sign-in provider is asked: by the one client of core, as a session of `requests`, which is what django-allauth expects.
A provider may be inside the campus network, so what it answers must not be able to send us anywhere else in there."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.client import INTERNAL_SERVER_ERROR
from io import BytesIO
from time import monotonic
from typing import Any

from requests import PreparedRequest, Response, Session
from requests.adapters import BaseAdapter
from requests.exceptions import ConnectionError as NotConnected
from requests.exceptions import ContentDecodingError, InvalidURL, ReadTimeout, RequestException, SSLError, TooManyRedirects

from adsum.checkin.slowness import Sign, sign_ins
from adsum.core.asking import Failure, Unanswered, ask
from adsum.core.turns import while_waiting

MOST_BYTES = 1024 * 1024
WHOLE = 10
"""Seconds after which an answer must be here in full."""
RAISED: dict[Failure, type[RequestException]] = {
    Failure.ADDRESS: InvalidURL,
    Failure.CERTIFICATE: SSLError,
    Failure.SLOW: ReadTimeout,
    Failure.TOO_LARGE: ContentDecodingError,
}


@contextmanager
def _timed() -> Iterator[None]:
    """Note how long the provider took, for that is where slowness begins; what it did not answer took as long as can be."""
    began = monotonic()
    try:
        yield
    except Unanswered:
        began = min(began, monotonic() - WHOLE)
        raise
    finally:
        now = monotonic()
        sign_ins.saw(Sign.PROVIDER, now - began, now=now)


class _Asking(BaseAdapter):
    """What a Session sends, core asks."""

    def send(self, request: PreparedRequest, stream: bool = False, **_: Any) -> Response:  # type: ignore[override]
        try:
            with while_waiting(), _timed():
                answer = ask(
                    request.url or "",
                    method=request.method or "GET",
                    headers={name: str(value) for name, value in request.headers.items()},
                    body=request.body.encode() if isinstance(request.body, str) else request.body,  # type: ignore[arg-type]
                    seconds=WHOLE,
                    most=0 if stream else MOST_BYTES,
                )
        except Unanswered as wrong:
            raise RAISED.get(wrong.failure, NotConnected)(wrong.message, request=request) from wrong
        response = Response()
        response.status_code, response.reason, response.url = answer.status, answer.reason, request.url or ""
        response.headers.update(answer.headers.items())
        response.raw, response.request = BytesIO(answer.body), request
        return response

    def close(self) -> None:
        """Nothing is kept open."""


class ProviderSession(Session):
    """Follows no redirect; raises RequestException where one was asked to be followed, and where a server is out of order."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False  # no proxy, no password of a netrc file
        self.headers.update({"User-Agent": "Adsum", "Accept-Encoding": "identity"})
        for scheme in ("https://", "http://"):
            self.mount(scheme, _Asking())

    def request(self, method: Any, url: Any, *args: Any, **how: Any) -> Response:
        """Ask. With `stream` the body is not read; with `allow_redirects=False` a redirect is an answer like any other."""
        follows = how.pop("allow_redirects", True)
        response = super().request(method, url, *args, **{**how, "allow_redirects": False})
        if follows and response.is_redirect:
            raise TooManyRedirects("a provider's redirects are not followed", response=response)
        if response.status_code >= INTERNAL_SERVER_ERROR and not how.get("stream"):
            response.raise_for_status()  # it is away, whatever else it may say
        return response

"""What a provider answers: no redirect is followed, nothing is read without end. Over a real server on loopback."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from allauth.socialaccount.adapter import get_adapter
from django.core.cache import caches
from requests import RequestException

from adsum.integrations.sign_in import http as asking
from adsum.integrations.sign_in import oidc
from adsum.integrations.sign_in.provider_checks import BAD, check_issuer

DESCRIPTION = "/.well-known/openid-configuration"


class _Odd(BaseHTTPRequestHandler):
    """Serves what the first part of a path names, and notes what is asked for."""

    asked: list[str]

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path.startswith("/redirect"):
            self.send_response(302)
            self.send_header("Location", "/inside")
            self.end_headers()
            return
        self.send_response(200)
        if self.path.startswith("/short"):
            self.send_header("Content-Length", "50")
        self.end_headers()
        try:
            match self.path.split("/")[1]:
                case "big":
                    self.wfile.write(b" " * (asking.MOST_BYTES + 1))
                case "drip":
                    for _ in range(50):
                        self.wfile.write(b" ")
                        time.sleep(0.1)
                case "short":
                    self.wfile.write(b"{")
                case _:
                    self.wfile.write(b'{"keys": []}')
        except OSError:
            pass  # whoever asked has heard enough

    def do_POST(self) -> None:
        self.do_GET()


@pytest.fixture
def odd() -> Iterator[tuple[str, list[str]]]:
    """The server's address, and the paths it was asked for."""
    caches["local"].clear()
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Odd", (_Odd,), {"asked": asked}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("how", ["redirect", "big", "drip", "short"])
def test_what_would_lead_elsewhere_or_never_end_is_no_answer(
    odd: tuple[str, list[str]], how: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(asking, "WHOLE", 0.5)
    address, asked = odd
    began = time.monotonic()
    with pytest.raises(RequestException):
        oidc.fetch(f"{address}/{how}")
    with pytest.raises(RequestException), get_adapter().get_requests_session() as session:
        session.post(f"{address}/{how}", data={"code": "x"})
    (found,) = check_issuer(f"{address}/{how}", at=datetime.now(UTC))
    assert found.kind == BAD
    assert "/inside" not in asked
    assert time.monotonic() - began < 4


def test_an_ordinary_answer_is_read(odd: tuple[str, list[str]]):
    assert oidc.fetch(f"{odd[0]}/keys") == {"keys": []}
    with get_adapter().get_requests_session() as session:
        answer = session.get(f"{odd[0]}/redirect", allow_redirects=False, stream=True)
    assert answer.status_code == 302, "a page for browsers may redirect; it is seen, not followed"

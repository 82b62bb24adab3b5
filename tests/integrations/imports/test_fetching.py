"""A timetable from a web address: real servers on this machine, and no way from there into a private network."""

import http.server
import threading
from collections.abc import Iterator

import pytest

from adsum.integrations.imports import fetching
from adsum.integrations.imports.fetching import fetch
from adsum.integrations.imports.problems import Refused
from tests.kit import feeds

ICS = feeds.calendar()


class Feed(http.server.BaseHTTPRequestHandler):
    """Answers by path."""

    def do_GET(self) -> None:
        if self.path == "/feed.ics?key=1":
            self._answer(200, ICS)
        elif self.path.startswith("/to/"):
            self._answer(302, b"", location=self.path.removeprefix("/to/"))
        elif self.path == "/round":
            self._answer(302, b"", location="/round")
        elif self.path == "/nowhere":
            self._answer(302, b"", location="http://[")
        elif self.path == "/big":
            self._answer(200, b"x" * 3000)
        else:
            self._answer(404, b"gone")

    def _answer(self, status: int, body: bytes, location: str = "") -> None:
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Feed) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


@pytest.fixture
def allowed(settings) -> None:
    settings.FEED_NETWORKS = ["127.0.0.0/8"]


def refusal(url: str) -> Refused:
    with pytest.raises(Refused) as refused:
        fetch(url)
    return refused.value


@pytest.mark.usefixtures("allowed")
def test_a_feed_and_its_name(server: str):
    assert fetch(f"{server}/feed.ics?key=1") == ("feed.ics", ICS)
    assert fetch(f"{server}/to/{server}/feed.ics?key=1") == ("feed.ics", ICS)


def test_a_private_address_is_refused_until_an_administrator_names_its_network(server: str, settings):
    refused = refusal(f"{server}/feed.ics?key=1")
    assert refused.code == "fetch_private"
    assert "127.0.0.1" in refused.message
    assert "ADSUM_FEED_NETWORKS" in refused.message
    settings.FEED_NETWORKS = ["10.0.0.0/8"]
    assert refusal(f"{server}/feed.ics?key=1").code == "fetch_private"


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.1",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.1.1",
        "[fe80::1]",
        "[64:ff9b::a9fe:a9fe]",
        "[64:ff9b::10.0.0.1]",
        "[2002:a00:1::]",
    ],
)
def test_no_spelling_of_a_private_address_gets_through(host: str):
    assert refusal(f"http://{host}/latest/meta-data").code == "fetch_private"


@pytest.mark.usefixtures("allowed")
def test_a_redirect_into_a_private_network_is_refused(server: str):
    """The first address is allowed; where it leads is not."""
    assert refusal(f"{server}/to/http://10.0.0.1/feed.ics").code == "fetch_private"
    assert refusal(f"{server}/to/file:///etc/passwd").code == "fetch_scheme"


@pytest.mark.usefixtures("allowed")
def test_what_does_not_answer_as_a_feed_says_so(server: str, monkeypatch: pytest.MonkeyPatch):
    assert refusal(f"{server}/round").code == "fetch_redirects"
    assert "404" in refusal(f"{server}/nothing").message
    assert refusal("ftp://uni.example/feed.ics").code == "fetch_scheme"
    assert refusal("https://").code == "fetch_scheme"
    assert refusal("http://127.0.0.1:1/feed.ics").code == "fetch_unreachable"
    assert refusal("http://127.0.0.1:99999/feed.ics").code == "fetch_scheme"
    assert refusal("http://[").code == "fetch_scheme"
    assert refusal(f"{server}/nowhere").code == "fetch_scheme"
    monkeypatch.setattr(fetching, "MAX_FILE", 1000)
    assert refusal(f"{server}/big").code == "too_large"


@pytest.mark.usefixtures("allowed")
def test_a_server_without_a_certificate_is_not_believed(server: str):
    assert refusal(server.replace("http:", "https:") + "/feed.ics").code == "fetch_unreachable"

"""Some hundreds of requests that no browser of ours makes, the same ones each time: none is answered with 500. What they are
drawn from is in `tests.kit.fuzz`."""

from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.types import Message

from adsum.checkin.gate.http import HEADERS as EVERY
from adsum.checkin.gate.limits import Limit
from adsum.web import floods
from adsum.web.bodies import Bounded
from tests.kit.doors import GATE
from tests.kit.fuzz import HEADERS, PARTS, VALUES, Fuzz
from tests.kit.house import House
from tests.kit.open_class import FIVE_PAST, Room
from tests.kit.phones import Gates, Phone
from tests.kit.world import in_thread

SEED = 20261130
PAGES, TAPS = 250, 1500
FIELDS = ("code", "ticket", "next", "reason", "x")


@pytest.mark.once
@pytest.mark.django_db
def test_no_page_breaks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(floods, "writes", Limit(a_minute=60_000, at_once=60_000))
    assert [str(broken) for broken in Fuzz(House(), Random(SEED)).rounds(PAGES)] == []


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def request_of(random: Random, phone: Phone, code: str) -> tuple[dict[str, Any], bytes]:
    """One request to the gate, as a server hands it over: bytes, whatever they are."""
    door = random.choice([door for door in GATE if not door.name.startswith("/live")])
    path = random.choice((door.path, f"/{code}", f"/{code[:-1]}0", "/in/" + random.choice(PARTS), door.path + "/"))
    fields = [(random.choice(FIELDS), random.choice(VALUES)) for _ in range(random.randint(0, 3))]
    body = random.choice(
        (urlencode([(_bytes(name), _bytes(value)) for name, value in fields]).encode(), b"\xff\x00=", b"%zz&&=")
    )
    cookies = "; ".join(f"{name}={value}" for name, value in phone.cookies.items())
    headers = {"Host": "localhost:8000", "Origin": "http://localhost:8000", "Cookie": cookies}
    headers |= {name: random.choice(HEADERS[name]) for name in random.sample(sorted(HEADERS), random.randint(0, 3))}
    raw = [(name.lower().encode(), value.encode("utf-8", "surrogatepass")) for name, value in headers.items()]
    method = random.choice((door.method, door.method, "GET", "POST", "HEAD", "X"))
    peer = random.choice((("203.0.113.9", 1), ("::1", 1), ("", 0), None))
    return {"type": "http", "method": method, "path": path, "headers": raw, "client": peer, "query_string": body[:50]}, body


@pytest.mark.django_db(transaction=True)
async def test_no_door_of_the_gate_breaks():
    random, room = Random(SEED), await in_thread(Room)
    answers: list[Message] = []

    async def send(message: Message) -> None:
        answers.append(message)

    async with Gates.open(FIVE_PAST) as gates:
        gates.gate.taps = gates.gate.browsers = gates.gate.scanners = Limit(a_minute=60_000, at_once=60_000)
        phones = [gates.phone(), gates.phone(room.alice)]
        code = gates.code(room.opening)
        for _ in range(TAPS):
            scope, body = request_of(random, random.choice(phones), code)

            async def receive(body: bytes = body) -> Message:
                return {"type": "http.request", "body": body}

            await Bounded(gates.gate)(scope, receive, send)
    started = [message for message in answers if message["type"] == "http.response.start"]
    assert len(started) == TAPS
    assert {message["status"] for message in started} & {500, 503} == set()
    assert {200, 303, 403, 405} <= {message["status"] for message in started}, "it comes further than the first check"
    names = {name.lower().encode() for name in EVERY}
    assert all(names <= {name for name, _ in message["headers"]} for message in started)

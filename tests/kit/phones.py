"""Phones for tests: browsers that speak to the gate in process, each with cookies of its own."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

import httpx

from adsum.accounts.models import Person
from adsum.checkin.acknowledgements import account_name
from adsum.checkin.codes import Pass, make_code, make_typed, seal_pass
from adsum.checkin.gate.app import PASS_COOKIE, Gate
from adsum.checkin.gate.state import State
from adsum.checkin.models import Opening
from adsum.checkin.rules import milliseconds
from adsum.checkin.writer import DatabaseEngine, Engine, Writer
from adsum.core import keyring
from tests.kit.world import in_thread

ORIGIN = "http://localhost:8000"
HELD = re.compile(r'data-refusal="(\w+)"')


class ClockedState(State):
    """A gate whose clock stands where the test put it."""

    at: datetime

    def now_ms(self) -> int:
        return milliseconds(self.at)


@dataclass
class Gates:
    """One gate process, its clock in the test's hand."""

    state: ClockedState
    gate: Gate

    @classmethod
    @asynccontextmanager
    async def open(cls, at: datetime, engine: Engine | None = None) -> AsyncIterator[Self]:
        state = ClockedState()
        state.at = at
        writer = Writer(engine or DatabaseEngine())
        await state.refresh()
        try:
            yield cls(state, Gate(state, writer))
        finally:
            await writer.close()
            await state.stop()

    async def tell(self) -> None:
        """What a worker does twice a second."""
        await self.state.report()
        await self.state.refresh()

    def wait(self, **time: float) -> None:
        self.state.at += timedelta(**time)

    def code(self, opening: Opening, slot: int = 0, *, at: datetime | None = None) -> str:
        """What a display of this class shows now."""
        epoch = self.state.known.by_pk[opening.pk].epochs[0]
        now = milliseconds(at or self.state.at)
        return make_code(epoch, handle=opening.handle, slot=slot, counter=epoch.counter_at(now))

    def typed(self, opening: Opening) -> str:
        epoch = self.state.known.by_pk[opening.pk].epochs[0]
        return make_typed(epoch, epoch.counter_at(self.state.now_ms()))

    def phone(self, person: Person | None = None, headers: dict[str, str] | None = None) -> "Phone":
        """A new phone, signed in as someone or not."""
        phone = Phone(self, headers or {})
        if person is not None:
            phone.sign_in(person)
        return phone


@dataclass
class Phone:
    """One browser. `last` is the latest answer; `refusal` what its page says of itself."""

    gates: Gates
    headers: dict[str, str] = field(default_factory=dict)
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)

    def sign_in(self, person: Person, *, hours: float = 12) -> None:
        """What the university's sign-in leaves behind."""
        now = self.gates.state.now_ms()
        kid = keyring.current()
        pass_ = Pass(person.pk, person.pk.to_bytes(16, "big"), now, now + int(hours * 3_600_000))
        self.cookies.set(PASS_COOKIE, seal_pass(pass_, keyring.keys_for("pass/v1")[kid], kid), domain="localhost.local")

    async def _send(
        self, method: str, path: str, *, data: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.gates.gate, client=("203.0.113.9", 1234))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, cookies=self.cookies) as client:
            answer = await client.request(method, path, data=data, headers={**self.headers, **(headers or {})})
            self.cookies = client.cookies
        return answer

    async def get(self, path: str) -> httpx.Response:
        return await self._send("GET", path)

    async def head(self, path: str) -> httpx.Response:
        return await self._send("HEAD", path)

    async def post(self, path: str, data: dict[str, str] | None = None, *, origin: str = ORIGIN) -> httpx.Response:
        return await self._send("POST", path, data=data, headers={"Origin": origin} if origin else {})

    async def scan(self, opening: Opening, slot: int = 0) -> httpx.Response:
        return await self.get(f"/{self.gates.code(opening, slot)}")

    async def tap(self) -> httpx.Response:
        """Press "I'm here" on whatever page waits."""
        return await self.post("/in/confirm")


def account_of(person: Person) -> str:
    """By what pages know this account again."""
    return account_name(person.pk, keyring.keys_for("account/v1")[keyring.current()])


def refusal(answer: httpx.Response) -> str:
    """The refusal a page is about; '' when it is about none."""
    found = HELD.search(answer.text)
    return found.group(1) if found else ""


def ticket(answer: httpx.Response) -> str:
    """The ticket in a page's form."""
    found = re.search(r'name="ticket" value="([^"]+)"', answer.text)
    assert found, answer.text
    return found.group(1)


__all__ = ["Gates", "Phone", "account_of", "in_thread", "refusal", "ticket"]

"""Requests that no browser of ours makes, drawn from a seed: every address, as everybody, with odd values in its path, query,
fields, headers and body. What each does is rolled back; an answer of 500 is kept, with the line of code that broke."""

import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

from django.core.signals import got_request_exception
from django.db import transaction
from django.test import Client

from tests.kit.door import WHO, Door
from tests.kit.doors import DOORS
from tests.kit.house import House

VALUES = (
    *("", " ", "\0", "a\0b", "a@b.c\0", "\ud800", "\ud83d", "\ufeff", "\u202e", "\r\n", "\x1b[0m", "' OR 1=1--", "[" * 2000),
    *("é" * 300, "x" * 5000, "🎓" * 200, "9" * 19, "9" * 40, "9" * 5000, '{"a":', '{"id":"x","rawId":"x","response":{}}'),
    *"0 1 -1 2 on true 9223372036854775808 1e999 NaN ٣ 1_0 0x10 %00 %ED%A0%80 [] {} null a@b x@[ @ CS plain".split(),
    *"2026-11-30 9999-12-31 10000-01-01 0001-01-01 1000-01-01 2026-02-30 9999-12-31T23:59 0001-01-01T00:00".split(),
    *"2026-11-30T09:00 09:00 24:00 99:99 23:59:59.999999 2026-W53 9999-12 0001-01 -0001-01-01".split(),
    *"http://[ https://[::1 //[ http://uni.example:x/ webcal:// javascript:alert(1) /\\evil //evil.example".split(),
    *"00000000-0000-0000-0000-000000000000 g0000000-0000-0000-0000-000000000000 ffffffffffffffffffffffffffffffff".split(),
    *"present absent other administrator student".split(),
)
"""For any field, any parameter and any part of a path."""
PARTS = (*"%00 %ED%A0%80 %FF %E2%80%AE .. %2e%2e -1 %F0%9F%8E%93 0 ;a // %0a".split(), "9" * 18, "9" * 40, "x" * 300)
HEADERS: dict[str, tuple[str, ...]] = {
    "Host": ("", " ", "evil.example", "[", "[::1", "localhost:99999", "localhost:x", "a b", "\xff", "localhost\x00", "x" * 300),
    "Origin": ("null", "http://[", "http://localhost:x", "https://evil.example", "\xff", "http://localhost:8000"),
    "Referer": (
        "http://[",
        "http://localhost:99999/",
        "http://testserver//evil",
        "\xff\xfe",
        "x" * 3000,
        "http://testserver/today/?a=%00",
    ),
    "Accept": ("", "*", "application/json", "text/html;q=x", "a/b;q=1e999", ";;;,,,", "\xff"),
    "Accept-Language": ("", "cy", "x" * 600, "*-*", "en-\x00", "cy;q=nan", "zh-Hant-😀".encode().decode("latin-1")),
    "Cookie": (
        "adsum_session=",
        "adsum_session=\xff",
        "adsum_language=%00",
        "=;;=",
        "adsum_pass=x",
        "messages=[",
        "adsum_csrf=\xff",
    ),
    "X-Forwarded-For": ("", "x", "[::1", "1.2.3.4, " * 50, "::ffff:1.2.3.4%eth0", "\xff"),
    "X-Forwarded-Proto": ("https", "\xff"),
    "If-None-Match": ('"', "*", "\xff", 'W/"x', "x" * 500),
    "If-Modified-Since": ("Mon, 30 Nov 99999 00:00:00 GMT", "x", "Mon, 30 Nov 0000 00:00:00 GMT"),
    "Range": ("bytes=9-1", "bytes=-", "x"),
    "User-Agent": ("", "\xff", "x" * 3000),
    "X-Request-ID": ("\n", "x" * 3000, "\xff"),
    "HX-Request": ("true", "x"),
    "HX-Current-URL": ("http://[", "\xff", "%00"),
    "HX-Prompt": ("\xff",),
}
BOUNDARY = "BoUnDaRy"
KINDS = (
    "",
    "x",
    "text/plain; charset=nonsense",
    "application/x-www-form-urlencoded; charset=nonsense",
    "application/x-www-form-urlencoded; charset=utf-16",
    "application/json",
    "multipart/form-data",
    f"multipart/form-data; boundary={'b' * 300}",
    "multipart/form-data; boundary=\xff",
    f"multipart/form-data; charset=nonsense; boundary={BOUNDARY}",
)
NAME = re.compile(r"""name=["']([\w.\-\[\]]+)["']""")
SELECTED = re.compile(r'<option value="([^"]{1,80})"')


@dataclass
class Broken:
    """A request that was answered with 500, or not at all."""

    who: str
    method: str
    path: str
    sent: str
    where: str

    def __str__(self) -> str:
        return f"{self.method} {self.path[:120]} as {self.who}, {self.sent[:200]}: {self.where}"


@dataclass
class Fuzz:
    """Everyone of the house, and what the pages' forms call their fields."""

    house: House
    random: Random
    browsers: dict[str, Client] = field(default_factory=dict)
    fields: dict[str, set[str]] = field(default_factory=dict)
    choices: set[str] = field(default_factory=set)
    asked: int = 0
    _why: str = ""

    def __post_init__(self) -> None:
        self.browsers = {who: self.house.browser(who) for who in WHO}
        for door in DOORS:
            names = self.fields.setdefault(door.path, set())
            names |= door.data.keys()
            self.choices |= {value.format(**self.house.names) for value in door.data.values()}
        self._read_the_forms()

    def _read_the_forms(self) -> None:
        """What the pages' own forms would send, by the page; and what they offer to choose from."""
        for door in DOORS:
            may = [who for who, got in zip(WHO, door.gets, strict=True) if got == 200]
            if door.method == "GET" and may:
                with transaction.atomic():
                    page = self.browsers[may[-1]].get(door.path.format(**self.house.names))
                    transaction.set_rollback(True)
                text = "" if page.streaming else page.content.decode(errors="replace")
                self.fields[door.path] |= set(NAME.findall(text)) - {"viewport", "theme-color", "csrfmiddlewaretoken"}
                self.choices |= set(SELECTED.findall(text)[:20])

    def _value(self) -> str:
        if self.random.random() < 0.45 and self.choices:
            return self.random.choice(sorted(self.choices))
        return self.random.choice(VALUES)

    def _pairs(self, door: Door) -> list[tuple[str, str]]:
        names = sorted(self.fields[door.path] | self.fields.get(door.path.rsplit("/", 2)[0] + "/", set()))
        if not names or self.random.random() < 0.1:
            names = sorted({name for some in self.fields.values() for name in some})
        some = self.random.sample(names, k=self.random.randint(1, min(len(names), 14))) if self.random.random() < 0.6 else names
        own = {name: value.format(**self.house.names) for name, value in door.data.items()}
        return [(name, own[name] if name in own and self.random.random() < 0.5 else self._value()) for name in some]

    def _path(self, door: Door) -> str:
        path = door.path.format(**self.house.names)
        if self.random.random() < 0.12:
            parts = path.split("/")
            parts[self.random.randrange(1, len(parts))] = self.random.choice(PARTS)
            path = "/".join(parts) or "/"
            path = path if path.startswith("/") and not path.startswith("//") else "/x"
        if self.random.random() < 0.5:
            pairs = self._pairs(door) if self.random.random() < 0.7 else [(self._value(), self._value())]
            path += (
                f"?{_encoded(pairs)}"
                if self.random.random() < 0.9
                else f"?{quote(self._value(), errors='surrogatepass')}&&=%zz"
            )
        return path

    def _body(self, door: Door) -> tuple[bytes, str]:
        pairs, chance = self._pairs(door), self.random.random()
        if chance < 0.6:
            return _encoded(pairs).encode(), "application/x-www-form-urlencoded"
        if chance < 0.85:
            whole = b"".join(_part(name, value, file=self.random.random() < 0.3) for name, value in pairs)
            whole += f"--{BOUNDARY}--\r\n".encode()
            cut = self.random.randrange(len(whole)) if self.random.random() < 0.3 else len(whole)
            return whole[:cut], f"multipart/form-data; boundary={BOUNDARY}"
        return self.random.choice((b"", b"\xff\xfe\x00", b"{", _encoded(pairs).encode())), self.random.choice(KINDS)

    def _headers(self) -> dict[str, str]:
        chosen = self.random.sample(sorted(HEADERS), k=self.random.choice((0, 0, 0, 1, 1, 2, 4)))
        return {name: self.random.choice(HEADERS[name]) for name in chosen}

    def rounds(self, number: int) -> Iterator[Broken]:
        """So many requests; each that broke."""
        got_request_exception.connect(self._note)
        try:
            for _ in range(number):
                if broken := self._round():
                    yield broken
        finally:
            got_request_exception.disconnect(self._note)

    def _note(self, **_: Any) -> None:
        self._why = traceback.format_exc()

    def _round(self) -> Broken | None:
        door = self.random.choice(DOORS)
        may = [who for who, got in zip(WHO, door.gets, strict=True) if got not in (404, 405)]
        who = self.random.choice(may if may and self.random.random() < 0.8 else list(WHO))
        method = door.method if self.random.random() < 0.95 else self.random.choice(("HEAD", "PUT", "OPTIONS", "DELETE", "X"))
        path, headers = self._path(door), self._headers()
        body, kind = self._body(door) if method not in {"GET", "HEAD"} else (b"", "")
        meta: dict[str, Any] = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
        browser = self.browsers[who]
        kept = browser.cookies.output(header="")
        self._why = ""
        self.asked += 1
        try:
            with transaction.atomic():
                status = browser.generic(method, path, body, content_type=kind, **meta).status_code
                transaction.set_rollback(True)
        except Exception:  # noqa: BLE001 - whatever it is, it is what we look for
            status, self._why = 500, traceback.format_exc()
        browser.cookies.clear()
        browser.cookies.load(kept)
        if status < 500 or (status == 503 and not self._why):
            return None
        frames = [line.strip() for line in self._why.splitlines() if line.strip().startswith('File "')]
        ours = [frame for frame in frames if "/adsum/" in frame]
        last = self._why.strip().splitlines()[-1] if self._why else str(status)
        return Broken(who, method, path, f"{body[:300]!r} {headers}", f"{last[:200]} at {(ours or frames or ['?'])[-1]}")


def _encoded(pairs: list[tuple[str, str]]) -> str:
    return urlencode([(name.encode(errors="surrogatepass"), value.encode(errors="surrogatepass")) for name, value in pairs])


def _part(name: str, value: str, *, file: bool) -> bytes:
    content = value.encode(errors="surrogatepass")
    named = f'; filename="{value[:20]}.csv"' if file else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
    return head.encode(errors="surrogatepass") + content + b"\r\n"

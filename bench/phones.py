"""The phones of a Monday morning: each scans, signs in where it must, taps, reads the receipt and opens *Today*.

A phone does what its pages say: it follows redirects, links and forms, keeps cookies, and signs in at whichever provider it is
led to. So it walks today's way in and every later one, and the number of steps is a finding, not an assumption.

Run as a process of its own: `python -m bench.phones`, its wishes as JSON on standard input, what it found on standard output.
"""

import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Generator
from html import unescape
from typing import Any, NamedTuple
from urllib.parse import urlencode, urljoin, urlsplit

from bench.client import percentile
from bench.crowd import Answer, Ask, Browser, Crowd, Step
from bench.servers import cpu as used

ORIGIN = "http://localhost:8000"
MOST_STEPS = 25
TICKET, TODAY = b'name="ticket" value', b"<title>Today"
"""What shows that it is the page to confirm, or *Today*."""
COMES_AS = {"adsum_pass": "signed in", "adsum_known": "remembered"}
AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)"
LOOKS_EVERY = 5.0
"""Seconds between two looks of a lecturer at a register, and of a screen that asks for its code."""


class Student(NamedTuple):
    """What one phone starts with."""

    code: str
    username: str
    cookies: dict[str, str]
    """What an earlier visit left: a pass, or a browser that is remembered."""


class Found:
    """What the phones, registers and screens found."""

    def __init__(self) -> None:
        self.took: defaultdict[str, list[float]] = defaultdict(list)
        self.wrong: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.phones = self.receipts = self.ran_out = self.sign_ins = self.waited = 0


class Lost(Exception):
    """A phone that cannot go on."""


class Phone:
    """One browser, from the scan to *Today*."""

    def __init__(self, student: Student, port: int, found: Found) -> None:
        self.student, self.port, self.found = student, port, found
        self.cookies = dict(student.cookies)
        self.step = Step.SCAN

    def walk(self) -> Browser:
        """The whole morning."""
        self.found.phones += 1
        started = time.perf_counter()
        who = next((who for cookie, who in COMES_AS.items() if cookie in self.cookies), "first of the day")
        try:
            page = yield from self._ask(f"{ORIGIN}/{self.student.code}")
            self._took(Step.SCAN, started)
            yield Step.SIGN_IN
            self.step, began = Step.SIGN_IN, time.perf_counter()
            if TICKET not in page.body:
                page = yield from self._sign_in(page)
                self.found.sign_ins += 1
                self._took(Step.SIGN_IN, began)
            yield Step.CONFIRM
            self.step, began = Step.CONFIRM, time.perf_counter()
            page = yield from self._submit(page, f"{ORIGIN}/in/confirm", TICKET.decode())
            self._expect(page, b"sheet-receipt")
            self._took(Step.CONFIRM, began)
            self.found.receipts += 1
            self.found.took[f"scan to receipt, {who}"].append(time.perf_counter() - started)
            yield Step.TODAY
            self.step, began = Step.TODAY, time.perf_counter()
            page = yield from self._ask(f"{ORIGIN}/today/")
            if "adsum_pass" in self.cookies:  # somebody remembered has what they have
                page = yield from self._sign_in(page, TODAY)
            self._expect(page, TODAY)
            self._took(Step.TODAY, began)
        except Lost as why:
            self.found.wrong[f"{self.step}: {why}"] += 1
        yield Step.DONE

    def _took(self, step: Step, since: float) -> None:
        self.found.took[step].append(time.perf_counter() - since)

    def _expect(self, page: Answer, sign: bytes) -> None:
        if sign not in page.body:
            raise Lost(self._said(page))

    def _said(self, page: Answer) -> str:
        """In a few words, what stands in the way."""
        refusal = _between(page.body, b'data-refusal="', b'"').decode()
        self.found.ran_out += refusal == "ticket_expired"
        title = _between(page.body, b"<title>", b"</title>").decode()
        return f"{page.status} {refusal or title or page.headers(b'location')}"

    def _sign_in(self, page: Answer, wanted: bytes = TICKET) -> Generator[Any, Any, Answer]:
        """Do what the pages say until one shows what is wanted."""
        for _ in range(MOST_STEPS):
            if wanted in page.body:
                return page
            if b'name="email"' in page.body:
                page = yield from self._submit(page, self.at, 'name="email"', email=self.student.username)
            elif not self.at.startswith(ORIGIN):
                page = yield from self._at_provider(page)
            elif b'http-equiv="refresh"' in page.body:
                address = unescape(_between(page.body, b'http-equiv="refresh" content="0;url=', b'"').decode())
                page = yield from self._ask(urljoin(self.at, address))
            elif way := _between(page.body, b'btn-block" href="', b'"'):
                page = yield from self._ask(urljoin(self.at, unescape(way.decode())))
            else:
                raise Lost(self._said(page))
        raise Lost("the way in has no end")

    def _at_provider(self, page: Answer) -> Generator[Any, Any, Answer]:
        """Give one's name there, or carry its answer on."""
        if b"SAMLResponse" in page.body:
            return (yield from self._submit(page, self.at, 'name="SAMLResponse"'))
        form = {"sub": self.student.username, "subject": self.student.username}
        return (yield from self._ask(self.at, form))

    def _submit(self, page: Answer, otherwise: str, holding: str, **typed: str) -> Generator[Any, Any, Answer]:
        """Send the form that has this field: to its own address, with its hidden fields."""
        text = page.body.decode()
        at = text.find(holding)
        opened = text.rfind("<form", 0, at)
        form = text[opened : text.find("</form>", at)]
        action = form.partition('action="')[2].partition('"')[0]
        fields = {}
        for part in form.split("<input")[1:]:
            name, value = (part.partition(f'{what}="')[2].partition('"')[0] for what in ("name", "value"))
            if 'type="hidden"' in part.partition(">")[0]:
                fields[name] = unescape(value)
        return (yield from self._ask(urljoin(otherwise, unescape(action)), fields | typed))

    def _ask(self, address: str, form: dict[str, str] | None = None) -> Generator[Any, Any, Answer]:
        """Ask, and follow where the answer leads; a page that says "in a moment" is asked again in a moment."""
        origin = getattr(self, "at", ORIGIN)
        for _ in range(MOST_STEPS):
            ours = address.startswith(ORIGIN)
            crossed = form is not None and not origin.startswith(ORIGIN)
            parts = urlsplit(address)
            port = self.port if ours else parts.port or 0
            cookies = self.cookies if ours and not crossed else {}
            answer: Answer = yield Ask(port, _request(parts.netloc, address, cookies, form, origin))
            self.found.asked[f"{self.step}, {'ours' if ours else 'theirs'}"] += 1
            if ours:
                self._keep(answer)
            self.at = address
            if answer.status in (429, 503) and (after := answer.headers(b"retry-after")):
                self.found.waited += 1
                yield float(after[0])
            elif answer.status in (301, 302, 303):
                origin, address, form = address, urljoin(address, answer.headers(b"location")[0]), None
            else:
                return answer
        raise Lost("a redirect without an end")

    def _keep(self, answer: Answer) -> None:
        for line in answer.headers(b"set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            if "max-age=0" in line.lower():
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value


def _between(text: bytes, before: bytes, after: bytes) -> bytes:
    at = text.find(before)
    return text[at + len(before) : text.find(after, at + len(before))] if at >= 0 else b""


def _request(host: str, address: str, cookies: dict[str, str], form: dict[str, str] | None, origin: str) -> bytes:
    parts = urlsplit(address)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"{'GET' if form is None else 'POST'} {path} HTTP/1.1", f"Host: {host}", f"User-Agent: {AGENT}"]
    if cookies:
        lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in cookies.items()))
    body = urlencode(form).encode() if form is not None else b""
    if form is not None:
        from_ = urlsplit(origin)
        lines += [f"Origin: {from_.scheme}://{from_.netloc}", f"Content-Length: {len(body)}"]
        lines.append("Content-Type: application/x-www-form-urlencoded")
    return "\r\n".join([*lines, "", ""]).encode() + body


def looks(port: int, path: str, cookies: dict[str, str], found: Found, what: str) -> Browser:
    """Somebody who opens the same page again and again: a lecturer a register, a screen its code."""
    request = _request("localhost:8000", f"{ORIGIN}{path}", cookies, None, ORIGIN)
    while True:
        began = time.perf_counter()
        answer = yield Ask(port, request)
        if answer is None or answer.status != 200:
            found.wrong[f"{what}: {answer.status if answer else 'nothing'}"] += 1
        found.took[what].append(time.perf_counter() - began)
        yield LOOKS_EVERY


class Costs:
    """What each step cost in processor time, by whom: read while all phones stand still between two steps."""

    def __init__(self, pids: dict[str, int]) -> None:
        self._pids = pids
        self.spent: defaultdict[Step, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
        self.restart()

    def restart(self) -> None:
        """A new group of phones sets out."""
        self._step, self._before = Step.SCAN, self._read()

    def __call__(self, step: Step) -> None:
        """All have come to this step."""
        now = self._read()
        for whose, seconds in now.items():
            self.spent[self._step][whose] += seconds - self._before[whose]
        self._step, self._before = step, now

    def _read(self) -> dict[str, float]:
        return {whose: used(root) for whose, root in self._pids.items()}

    def each(self, phones: int) -> dict[str, dict[str, float]]:
        """Milliseconds for each phone."""
        return {
            step: {whose: round(seconds / phones * 1000, 1) for whose, seconds in spent.items()}
            for step, spent in self.spent.items()
        }


def play(wish: dict[str, Any]) -> dict[str, Any]:
    """A morning as wished for: `rate` phones a second, or so many `at_once`."""
    found, crowd = Found(), Crowd()
    for what, path, cookies in wish["beside"]:
        crowd.beside(looks(wish["port"], path, cookies, found, what))
    cpu = time.process_time()
    seconds = crowd.run(_phones(wish, found), rate=wish["rate"], at_once=wish["at_once"])
    unanswered = {"ours": crowd.unanswered.pop(wish["port"], 0), "theirs": crowd.unanswered.total()}
    return _result(found, seconds) | {"client CPU s": round(time.process_time() - cpu, 2), "unanswered": unanswered}


def play_in_step(wish: dict[str, Any]) -> dict[str, Any]:
    """The same in groups of so many that wait for each other at each step, with what each step cost."""
    found, costs = Found(), Costs(wish["pids"])
    seconds = 0.0
    crowd, phones = Crowd(costs), _phones(wish, found)
    for first in range(0, len(phones), wish["in_step"]):
        costs.restart()
        seconds += crowd.run(phones[first : first + wish["in_step"]])
    return _result(found, seconds) | {"CPU ms each": costs.each(len(phones))}


def _phones(wish: dict[str, Any], found: Found) -> list[Browser]:
    return [Phone(Student(*one), wish["port"], found).walk() for one in wish["students"]]


def _result(found: Found, seconds: float) -> dict[str, Any]:
    return {
        "phones": found.phones,
        "seconds": round(seconds, 1),
        "receipts": found.receipts,
        "sign-ins": found.sign_ins,
        "ran out": found.ran_out,
        "told to wait": found.waited,
        "wrong": dict(found.wrong),
        "requests": dict(found.asked),
        "ms": {what: [percentile(took, share) for share in (0.5, 0.99, 1)] for what, took in found.took.items()},
    }


if __name__ == "__main__":
    wish = json.load(sys.stdin)
    print(json.dumps(play_in_step(wish) if wish["in_step"] else play(wish)))

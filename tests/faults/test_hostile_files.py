"""Files made to be dear are brought in while students check in, by a page of the very server and from the command line."""

import asyncio
import time
from collections import Counter
from contextlib import suppress
from itertools import cycle
from pathlib import Path

from tests.faults.checker import violations
from tests.faults.conftest import Campus
from tests.faults.phones import Line, Phone, heard
from tests.kit.commands import adsum

STUDENTS = 50
APART = 0.3
"""Seconds between two students: all of them come while files are brought in."""
WAITS = 3.0
"""Seconds that no student may wait for a receipt: a tenth of it on a machine of its own, and tests share theirs."""
EVERY = {name: ",".join(map(str, range(most))) for name, most in {"BYHOUR": 24, "BYMINUTE": 60, "BYSECOND": 60}.items()}
RULES = {
    "never-ends": "FREQ=DAILY;INTERVAL=0",
    "every-second": "FREQ=YEARLY;" + ";".join(f"{name}={values}" for name, values in EVERY.items()),
    "never-comes": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
}
"""Each keeps a reader busy for ever that believes it."""


def calendar(folder: Path, name: str) -> Path:
    """A calendar of one series that repeats by that rule."""
    file = folder / f"{name}.ics"
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Test//EN", "BEGIN:VEVENT", f"UID:{name}", "DTSTAMP:20261101T000000Z"]
    lines += ["DTSTART:20261201T100000Z", "DTEND:20261201T110000Z", "SUMMARY:HX101 Patience", f"RRULE:{RULES[name]}"]
    file.write_text("\r\n".join([*lines, "END:VEVENT", "END:VCALENDAR", ""]))
    return file


async def upload(port: int, cookie: str, name: str, text: str) -> int:
    """What the page of imports answers to a file of this name."""
    token, line = "t" * 32, "between-two-fields"
    fields = {"csrfmiddlewaretoken": token, "mapping": "preset:plain", "source": "hostile"}
    parts = [
        f'--{line}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n' for field, value in fields.items()
    ]
    parts.append(f'--{line}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n{text}\r\n')
    async with Line([port]) as office:
        body, kind = "".join([*parts, f"--{line}--\r\n"]), f"multipart/form-data; boundary={line}"
        return (await office.ask("POST", "/imports/", f"{cookie}; adsum_csrf={token}", body, kind)).status


async def test_everybody_checks_in_while_hostile_files_are_read(campus: Campus, tmp_path: Path) -> None:
    """None is lost and none waits long; every file is read, or refused, and answered."""
    files = [calendar(tmp_path, name) for name in RULES]
    texts = {file.name: file.read_text() for file in files}
    phones = campus.phones[:STUDENTS]
    waits: list[float] = []
    answers: Counter[int] = Counter()
    codes: set[int] = set()

    async def student(number: int, phone: Phone, port: int) -> None:
        await asyncio.sleep(number * APART)
        began = time.monotonic()
        async with Line([port]) as line:
            await phone.check_in(line, began + 60)
        waits.append(time.monotonic() - began)

    async def by_page(port: int) -> None:
        for name, text in cycle(texts.items()):
            answers[await upload(port, campus.office, name, text)] += 1

    def by_command() -> None:
        for file in files:
            words = ["import", str(file), "--yes", "--mapping", "plain", "--source", "typed"]
            codes.add(adsum(campus.data, *words, ADSUM_DATABASE_URL=campus.url).returncode)

    with campus.served(workers=1) as server:
        page = asyncio.create_task(by_page(server.port))
        command = asyncio.create_task(asyncio.to_thread(by_command))
        await asyncio.gather(*(student(number, phone, server.port) for number, phone in enumerate(phones)))
        page.cancel()
        with suppress(asyncio.CancelledError):
            await page
        await command
    print(f"\nslowest {max(waits):.2f} s beside {answers.total()} files by the page, {codes} typed {heard(phones)}")
    assert answers.total() >= len(files)
    assert answers.keys() == {302}, "each is taken, and says on its page what became of it"
    assert codes <= {0, 3}, "read, but for the rows to put right"
    assert violations(phones, campus.stored()) == []
    assert max(waits) < WAITS

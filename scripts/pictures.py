"""Take the pictures of docs/pictures/ again: a demo university is started, used by a lecturer, a student and the office as
they would use it, and each page is photographed on the way.

python -m scripts.pictures                 all of them, in a few minutes: make pictures
python -m scripts.pictures office study    only these scenes
"""

import csv
import io
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import numpy
import zxingcpp
from playwright.sync_api import Browser, Page, sync_playwright

from scripts import officers, scenes
from scripts.camera import DESK, ENGLISH, ORIGIN, PHONE, PICTURES, ROOT, SCREEN, ZONE, enter, take

WAIT_SECONDS = 300
HERE = 0.62
"""The share of the class that has scanned when the picture is taken."""


@contextmanager
def demo(data: str) -> Iterator[int]:
    """A new demo university, until the end of the block; its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    os.environ |= {"ADSUM_DATA": data, "ADSUM_DEMO": "1", "ADSUM_ORIGIN": ORIGIN, "ADSUM_TIME_ZONE": ZONE}
    os.environ |= {"ADSUM_DATABASE_URL": "", "ADSUM_HOSTS": ""}
    program = [str(Path(sys.executable).parent / "adsum"), "demo", "--host", "127.0.0.1", "--port", str(port)]
    running = subprocess.Popen(program, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < until and running.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        yield port
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(30)


def scans(many: float, *, held: bool = False) -> None:
    """Students of the class that runs now scan the code, most of them; and, with `held`, some whose scans have to wait."""
    from adsum.attendance.models import Mark
    from adsum.checkin.models import Opening
    from adsum.checkin.rules import Attempt, Refusal
    from adsum.checkin.writer import record_scans
    from adsum.ops.demo.guide import personas
    from adsum.timetable.models import Place
    from adsum.timetable.reports import expected_students

    chance = random.Random(7)
    opening = Opening.objects.select_related("session").latest("opened_at")
    known = {personas()["student"].pk, *Mark.objects.filter(session=opening.session).values_list("student", flat=True)}
    expected = set(expected_students(opening.session))
    waiting = sorted(expected - known)
    now = datetime.now(UTC)

    def attempt(student: int, device: str = "", verdict: Refusal | None = None) -> Attempt:
        seen = now - timedelta(seconds=chance.uniform(1, 160))
        return Attempt(
            ref=uuid4(),
            opening=opening.pk,
            session=opening.session_id,
            student=student,
            ticket=uuid4(),
            verdict=verdict,
            late=False,
            minutes_late=0,
            first_seen_at=seen,
            finished_at=now,
            typed=chance.random() < 0.05,
            slot=0,
            age_ms=chance.randrange(2_000, 58_000),
            device=device or uuid4().hex,
            new_device=False,
            network="campus",
            network_changed=False,
            signed_in_after=chance.random() < 0.3,
            agent="ios",
        )

    record_scans([attempt(student) for student in chance.sample(waiting, round(many * len(expected)))])
    if held:
        stranger = Place.objects.exclude(person__in=expected).latest("pk").person_id
        left = sorted(expected - set(Mark.objects.filter(session=opening.session).values_list("student", flat=True)) - known)
        record_scans([attempt(stranger, verdict=Refusal.NOT_EXPECTED), *(attempt(one, device="shared") for one in left[:2])])


def timetable(changed: bool) -> bytes:
    """The demo's own timetable from today on as a CSV; `changed`: as the timetabling system might send it a day later."""
    from adsum.timetable.models import ClassSession

    classes = ClassSession.objects.filter(starts_on__gte=datetime.now(UTC).date(), source="demo", status="scheduled")
    classes = classes.select_related("module").prefetch_related("groups", "staff", "rooms").order_by("starts_at", "pk")
    rows = [
        {
            "event_id": one.source_id,
            "occurrence": one.occurrence,
            "source_system": one.source,
            "title": one.title,
            "module_code": one.module.code,
            "event_type": one.kind,
            "delivery_mode": one.delivery,
            "timezone": "Europe/London",
            "mandatory": str(one.mandatory).lower(),
            "start": one.starts_at.isoformat(),
            "end": one.ends_at.isoformat(),
            "location": ";".join(sorted(room.name for room in one.rooms.all())),
            "status": "scheduled",
            "staff_ids": ";".join(sorted(person.source_id for person in one.staff.all())),
            "group_ids": ";".join(sorted(group.source_id for group in one.groups.all())),
        }
        for one in classes
    ]
    if changed:
        for row in rows[3:40:12]:
            row["location"] = "Bevan Lecture Theatre"
        for row in rows[8:30:16]:
            row["status"] = "cancelled"
        later = datetime.fromisoformat(rows[14]["start"]) + timedelta(hours=6)
        rows[14] |= {"start": later.isoformat(), "end": (later + timedelta(hours=1)).isoformat()}
        rows[50]["end"] = "25 o'clock"
        rows[60]["group_ids"] = "CMP999/L1"
        del rows[20]
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def ask() -> None:
    """A student asks the lecturer about a mark."""
    from adsum.attendance.models import Mark, Query
    from adsum.attendance.queries import raise_query
    from adsum.attendance.rules import Status
    from adsum.ops.demo.guide import personas

    missed = Mark.objects.filter(session__staff=personas()["lecturer"], status=Status.ABSENT)
    missed = missed.exclude(student__in=Query.objects.values("student"))
    mark = missed.select_related("session", "student").latest("session__starts_at", "-pk")
    raise_query(mark.session, mark.student, at=datetime.now(UTC), text="My phone had no battery. I told you at the end.")


def teach(browser: Browser) -> None:
    """A class: code, scans, register; on the way the student's phone."""
    ask()
    lecturer = enter(browser, "lecturer", DESK)
    take(lecturer, "lecturer-today")
    screen = lecturer.context.browser.new_context(  # type: ignore[union-attr]
        **SCREEN, **ENGLISH, storage_state=lecturer.context.storage_state()
    ).new_page()
    screen.goto(f"{ORIGIN}/teaching/")
    screen.get_by_role("button", name=re.compile("Show code")).first.click()
    screen.wait_for_url(re.compile("/display/"))
    scans(HERE)
    screen.wait_for_timeout(4_000)  # the buttons hide, the count follows
    seen = take(screen, "screen")
    address = zxingcpp.read_barcodes(numpy.asarray(seen))[0].text

    phone = browser.new_context(**PHONE, **ENGLISH).new_page()
    phone.goto(ORIGIN + address[len(ORIGIN) :])
    take(phone, "phone-scanned")
    phone.get_by_role("link", name="Sign in to finish").click()
    take(phone, "phone-sign-in")
    phone.locator("button[value=student]").click()
    phone.get_by_role("button", name="I’m here").wait_for()
    take(phone, "phone-confirm")
    phone.get_by_role("button", name="I’m here").click()
    take(phone, "phone-receipt")
    scans(0.1, held=True)

    lecturer.get_by_role("link", name=re.compile("Register")).first.click()
    lecturer.locator("[data-live][data-state=live]").wait_for()
    take(lecturer, "register", height=1000)
    lecturer.locator(".checkin-panel summary").click()
    take(lecturer, "lecturer-checkin", height=900)
    lecturer.goto(f"{ORIGIN}/teaching/")
    lecturer.get_by_role("link", name=re.compile("asks about a mark")).first.click()
    take(lecturer, "lecturer-query", height=1100)

    # A code that got out is killed, and a phone meets it.
    screen.goto(f"{ORIGIN}/teaching/")
    screen.get_by_role("link", name=re.compile("Register")).first.click()
    screen.locator(".checkin-panel summary").click()
    screen.once("dialog", lambda dialog: dialog.accept())
    screen.get_by_role("button", name="New codes now").click()
    screen.wait_for_load_state()
    screen.wait_for_timeout(1_500)
    phone.goto(ORIGIN + address[len(ORIGIN) :])
    take(phone, "phone-changed")
    phone.goto(f"{ORIGIN}/in")
    take(phone, "phone-typed")
    phone.goto(f"{ORIGIN}/today/")
    take(phone, "student-today")
    phone.goto(f"{ORIGIN}/record/")
    take(phone, "student-record")
    asked(phone)


def asked(phone: Page) -> None:
    """The module with a mark the student has asked about, and that class."""
    modules = phone.locator("a[href*='/record/modules/']").evaluate_all("links => links.map(link => link.href)")
    for module in modules:
        phone.goto(module)
        query = phone.locator("li.row-item", has_text="Under query").get_by_role("link")
        if query.count():
            take(phone, "student-module")
            query.first.click()
            take(phone, "student-class", height=1100)
            return


def manage(browser: Browser) -> None:
    """The office: every class, an import, check-in of the whole university, an account."""
    team = enter(browser, "attendance_team", DESK)
    team.get_by_label("Module, room or lecturer").fill("theatre")
    team.get_by_role("button", name="Find").click()
    team.get_by_text("Check-in open").first.wait_for()
    take(team, "team-classes")
    planner = enter(browser, "timetabling", DESK)
    for name, changed in (("timetable-monday.csv", False), ("timetable-tuesday.csv", True)):
        planner.goto(f"{ORIGIN}/imports/")
        planner.locator("input[type=file]").set_input_files(
            {"name": name, "mimeType": "text/csv", "buffer": timetable(changed)}
        )
        planner.get_by_role("button", name="Check it").click()
        planner.locator(".diff-sum, .table.diff").first.wait_for(timeout=60_000)
    take(planner, "import", height=1250)
    planner.goto(f"{ORIGIN}/imports/")
    take(planner, "imports")
    administrator = enter(browser, "administrator", DESK)
    administrator.goto(f"{ORIGIN}/office/check-in/")
    take(administrator, "check-in", height=1000)


SCENES: dict[str, Callable[[Browser], None]] = {
    "teach": teach,
    "manage": manage,
    "study": scenes.study,
    "look_after": scenes.look_after,
    "follow_up": scenes.follow_up,
    "protect": scenes.protect,
    "rights": scenes.rights,
    "end": scenes.end,
    "office": scenes.office,
    "set_up": scenes.set_up,
    "room": scenes.room,
    "report": scenes.report,
    "comply": officers.comply,
}
"""In this order: later ones find what earlier ones left behind."""


def main(wanted: list[str]) -> int:
    """The scenes `wanted`, or all of them."""
    from tests.browser.conftest import chromium, launch_options

    with tempfile.TemporaryDirectory(prefix="adsum-pictures-") as data, demo(data) as port:
        os.environ |= {"DJANGO_SETTINGS_MODULE": "adsum.settings", "DJANGO_ALLOW_ASYNC_UNSAFE": "true"}
        import django

        django.setup()
        names = f"--host-resolver-rules=MAP uni.example 127.0.0.1:{port}"
        secure = f"--unsafely-treat-insecure-origin-as-secure={ORIGIN}"
        with sync_playwright() as playwright:
            options = launch_options(names, secure, "--disable-features=HttpsUpgrades", "--lang=en-GB")
            browser = playwright.chromium.launch(**options, env={**os.environ, "LANGUAGE": "en_GB"})
            try:
                for name in wanted or SCENES:
                    SCENES[name](browser)
            finally:
                browser.close()
    total = sum(path.stat().st_size for path in PICTURES.glob("*.png"))
    print(f"{total // 1024} kB in all, with {chromium() or 'the browser of Playwright'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""An absence, end to end in a browser: the student tells on a phone, the team decides, and the mark follows."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from adsum.accounts.rules import Role
from adsum.attendance.closing import close_registers
from adsum.attendance.models import Mark
from adsum.attendance.rules import Status
from adsum.core.university import civil_date
from tests.browser.serving import accessible, served, sign_in
from tests.browser.test_story import PHONE
from tests.kit.marking import mark_students
from tests.kit.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def origin(transactional_db: None, tmp_path: Path, settings: object) -> Iterator[str]:
    from django.core.management import call_command

    call_command("createcachetable", verbosity=0)
    with served(tmp_path / "collected") as address:
        yield address


def test_a_student_tells_the_team_decides_and_the_mark_follows(browser: Browser, origin: str, tmp_path: Path) -> None:
    world = World()
    group = world.group(world.module("Algorithms", "CS201"))
    alice, bob = (world.student(name, groups=[group]) for name in ("Alice Ashe", "Bob Baker"))
    lecturer, team = world.lecturer(), world.person(Role.ATTENDANCE_TEAM)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    session = world.session(group, starts_at=yesterday, staff=[lecturer])
    mark_students(session, [bob], Status.PRESENT, by=lecturer, at=yesterday)
    close_registers([session], at=yesterday + timedelta(hours=2))
    letter = tmp_path / "summons.jpg"
    Image.new("RGB", (300, 200), "white").save(letter)
    with browser.new_context(**PHONE) as pocket, browser.new_context() as office:
        sign_in(pocket, origin, alice)
        phone = pocket.new_page()
        phone.goto(f"{origin}/absences/")
        accessible(phone)
        phone.get_by_role("link", name="Tell us of an absence").click()
        phone.get_by_label("First day").fill(civil_date(session.starts_at).isoformat())
        phone.get_by_label("Reason", exact=True).select_option(label="Jury service")
        accessible(phone)
        phone.get_by_role("button", name="Show the classes").click()
        expect(phone.get_by_text("It will be under decision")).to_be_visible()
        phone.locator("#files").set_input_files(letter)
        accessible(phone)
        phone.get_by_role("button", name="Tell the university").click()
        expect(phone.get_by_text("Under decision", exact=True).first).to_be_visible()
        accessible(phone)
        assert Mark.objects.get(student=alice).status == Status.PENDING

        sign_in(office, origin, team)
        desk = office.new_page()
        desk.goto(f"{origin}/office/absences/")
        accessible(desk)
        desk.get_by_role("link", name="Alice Ashe").click()
        accessible(desk)
        with desk.expect_download() as sent:
            desk.get_by_role("button", name="Download").click()
        assert sent.value.suggested_filename.startswith("evidence-")
        desk.get_by_label("Authorised", exact=True).check()
        desk.get_by_role("button", name="Decide").click()
        expect(desk.get_by_text("the marks follow")).to_be_visible()
        assert Mark.objects.get(student=alice).status == Status.AUTHORISED

        phone.goto(f"{origin}/record/classes/{session.ref}/")
        expect(phone.get_by_text("Authorised").first).to_be_visible()

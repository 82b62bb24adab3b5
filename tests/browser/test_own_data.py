"""One's own data, end to end in a browser: a student gets it on a phone, complains, and the officer answers."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from adsum.accounts.rules import Role
from adsum.attendance.rules import Status
from adsum.integrations.files.own_data import build_file
from adsum.privacy.models import AccessFile
from tests.browser.serving import accessible, served, sign_in
from tests.browser.test_story import PHONE
from tests.kit.marking import mark_students
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def origin(transactional_db: None, tmp_path: Path, settings: object) -> Iterator[str]:
    from django.core.management import call_command

    call_command("createcachetable", verbosity=0)
    with served(tmp_path / "collected") as address:
        yield address


def test_a_student_has_their_data_complains_and_is_answered(browser: Browser, origin: str, tmp_path: Path) -> None:
    world = World()
    group = world.group(world.module("Algorithms", "CS201"))
    alice, lecturer = world.student("Alice Ashe", groups=[group]), world.lecturer()
    officer = world.person(Role.DATA_PROTECTION)
    session = world.session(group, staff=[lecturer])
    mark_students(session, [alice], Status.PRESENT, by=lecturer, at=NINE)
    with browser.new_context(**PHONE) as pocket, browser.new_context() as office:
        sign_in(pocket, origin, alice)
        phone = pocket.new_page()
        phone.goto(f"{origin}/record/")
        phone.get_by_role("contentinfo").get_by_role("link", name="Your data").click()
        accessible(phone)
        phone.get_by_role("button", name="Get my data").click()
        expect(phone.get_by_text("It begins in a moment")).to_be_visible()
        accessible(phone)
        build_file(pk=AccessFile.objects.get().pk)
        with phone.expect_download() as sent:  # the page has found out by itself
            phone.get_by_role("button", name="Download", exact=True).click()
        accessible(phone)
        sent.value.save_as(tmp_path / "mine.zip")
        with zipfile.ZipFile(tmp_path / "mine.zip") as packed:
            packed.extractall(tmp_path)
        page = pocket.new_page()
        page.goto(f"file://{tmp_path / 'your-data.html'}")
        expect(page.get_by_role("cell", name="CS201 Algorithms", exact=True)).to_be_visible()
        accessible(page)

        phone.goto(f"{origin}/your-data/ask/")
        accessible(phone)
        phone.get_by_label("In your own words").fill("My telephone number was read out in class.")
        phone.get_by_role("button", name="Send").click()
        expect(phone.get_by_text("You have an answer by")).to_be_visible()
        accessible(phone)

        sign_in(office, origin, officer)
        desk = office.new_page()
        desk.goto(f"{origin}/privacy/requests/")
        accessible(desk)
        desk.get_by_role("link", name="Alice Ashe").click()
        accessible(desk)
        desk.get_by_label("In full").check()
        desk.get_by_label("The answer").fill("It was, and it will not happen again.")
        desk.get_by_role("button", name="Answer", exact=True).click()
        expect(desk.get_by_text("Done.")).to_be_visible()
        desk.goto(f"{origin}/privacy/particulars/")
        accessible(desk)

        phone.reload()
        expect(phone.get_by_text("It was, and it will not happen again.")).to_be_visible()

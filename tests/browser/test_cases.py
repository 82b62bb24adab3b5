"""Three missed weeks, as a case: opened from the record, a time offered and picked, the meeting held, the case closed."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from adsum.accounts.rules import Role
from adsum.engagement.case_rules import MeetingState, Outcome, State
from adsum.engagement.models import Case, Meeting
from tests.browser.serving import DESK, fits, served, sign_in
from tests.kit.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def origin(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    with served(tmp_path / "static") as address:
        yield address


def test_from_three_missed_weeks_to_a_closed_case(browser: Browser, origin: str) -> None:
    world = World()
    tutor = world.person(Role.TUTOR, name="Marguerite Osei")
    group = world.group(world.module("Algorithms", "CS201"))
    student = world.student("Angharad Gŵyneth Llŷr-Cholmondeley", groups=[group])
    world.enrol(student, tutor=tutor)
    with browser.new_context(viewport=DESK) as office, browser.new_context(viewport=DESK) as pocket:
        sign_in(office, origin, tutor)
        sign_in(pocket, origin, student)
        desk, phone = office.new_page(), pocket.new_page()
        desk.goto(f"{origin}/people/{student.ref}/")
        desk.get_by_role("button", name="Case").click()
        expect(desk.get_by_text("Get in touch with the student")).to_be_visible()
        desk.locator("summary", has_text="Call").click()
        desk.get_by_role("button", name=re.compile("No answer")).first.click()
        expect(desk.get_by_text("Call: No answer").first).to_be_visible()
        desk.get_by_role("link", name="Offer a meeting").click()
        desk.get_by_label("What is it about?").fill("How you are getting on")
        desk.get_by_label("Where?").fill("C2.10")
        for slot in desk.locator('input[name="slot"]').all()[:2]:
            slot.check()
        fits(desk, "offer")
        desk.get_by_role("button", name="Offer these times").click()
        fits(desk, "case")

        phone.goto(f"{origin}/support/")
        phone.locator('input[name="slot"]').first.check()
        fits(phone, "support-offered")
        phone.get_by_role("button", name="Pick this time").click()
        with phone.expect_download() as calendar:
            phone.get_by_role("link", name=re.compile("calendar")).click()
        assert "Marguerite Osei" in Path(calendar.value.path()).read_text()
        fits(phone, "support-agreed")

        begun = datetime.now(UTC) - timedelta(hours=1)
        Meeting.objects.update(starts_at=begun, ends_at=begun + timedelta(minutes=30))
        desk.reload()
        desk.get_by_role("button", name="Came").click()
        desk.locator("summary", has_text="Close the case").click()
        desk.get_by_label("Outcome").select_option("warned")
        desk.locator("#close_words").fill("We agreed on two classes a day.")
        desk.get_by_role("button", name="Close the case").click()
        expect(desk.get_by_text("Formal warning").first).to_be_visible()
        fits(desk, "case-closed")
        phone.goto(f"{origin}/support/")
        phone.locator("summary", has_text="Appeal").click()
        fits(phone, "support-outcome")
        for path, name in (
            ("/cases/?show=closed", "cases"),
            ("/concerns/", "concerns"),
            (f"/people/{student.ref}/concern/", "concern"),
        ):
            desk.goto(f"{origin}{path}")
            fits(desk, name)
    case = Case.objects.get()
    assert (case.state, case.outcome, Meeting.objects.get().state) == (State.CLOSED, Outcome.WARNED, MeetingState.CAME)

"""A student leaves: an officer proposes a report, the student is heard, another officer agrees, it is reported and told."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from adsum.accounts.rules import Role
from adsum.attendance.weighing import Act
from adsum.compliance.duties import open_duty
from adsum.compliance.duty_life import Kind, State
from adsum.compliance.models import Duty
from adsum.core.university import civil_date
from adsum.messages import services
from adsum.messages.models import Message
from adsum.messages.telling import tell
from adsum.messages.topics.registry import TOPICS
from tests.browser.serving import DESK, fits, served, sign_in
from tests.kit.guidance import in_force
from tests.kit.sponsoring import sponsor
from tests.kit.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def origin(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    with served(tmp_path / "static") as address:
        yield address


def test_from_what_happened_to_told(browser: Browser, origin: str) -> None:
    world, at = World(), datetime.now(UTC)
    first, second = (world.person(Role.COMPLIANCE_UKVI, name=name) for name in ("Iris Okafor", "Bryn Vaughan"))
    student = world.student("Angharad Gŵyneth Llŷr-Cholmondeley")
    in_force(first)
    sponsor(student, act=Act(first, at))
    open_duty(student, Kind.WITHDRAWAL, civil_date(at), because="The enrolment ended.", act=at)
    with (
        browser.new_context(viewport=DESK) as one,
        browser.new_context(viewport=DESK) as two,
        browser.new_context(viewport=DESK) as pocket,
    ):
        for context, person in ((one, first), (two, second), (pocket, student)):
            sign_in(context, origin, person)
        officer, other, phone = one.new_page(), two.new_page(), pocket.new_page()

        officer.goto(f"{origin}/")
        expect(officer.get_by_role("heading", name="Today’s work")).to_be_visible()
        fits(officer, "board")
        officer.get_by_role("link", name=str(student)).first.click()
        officer.get_by_label("Outcome, and why").select_option("report:as_recorded")
        officer.get_by_label("What does this rest on?").fill("The registry’s notice of today")
        fits(officer, "duty")
        officer.get_by_role("button", name="Propose an outcome").click()
        expect(officer.get_by_text("Another officer is asked")).to_be_visible()

        tell(TOPICS["decisions"], at=at)
        phone.goto(f"{origin}/decisions/")
        fits(phone, "decisions")
        phone.get_by_role("link", name="A report to UK Visas").click()
        phone.get_by_role("button", name="Open it").click()
        fits(phone, "decision")
        phone.get_by_label("I agree").check()
        phone.get_by_role("button", name="Send my answer").click()
        expect(phone.get_by_text("Your answer is on record")).to_be_visible()

        other.goto(f"{origin}/compliance/")
        other.get_by_role("link", name=str(student)).first.click()
        other.get_by_label("What did you make of the answer?").fill("Agreed with the student.")
        other.get_by_role("button", name="Weigh the answer").click()
        other.get_by_role("button", name="Agree").click()
        expect(other.get_by_text("Agreed.", exact=True)).to_be_visible()

        other.get_by_role("link", name="Case file").click()
        fits(other, "case file")
        other.go_back()
        other.get_by_label("Its reference there").fill("SMS-4711")
        other.get_by_label("What was reported?").fill("Withdrawn by the student")
        other.get_by_role("button", name="It is entered in the sponsor system").click()
        expect(other.get_by_text("not tried yet")).to_be_visible()

        tell(TOPICS["decisions"], at=at)
        services.sent(Message.objects.get(person=student, kind="decision_done"), at=at)
        other.reload()
        expect(other.get_by_text("Closed: the student was told")).to_be_visible()
        fits(other, "closed")
        other.goto(f"{origin}/compliance/on-campus/?span=week")
        fits(other, "campus")
    assert Duty.objects.get().state == State.CLOSED

"""Reminders, end to end in a browser. One that rested on a mistake: looked at, let go, answered, put right, taken back. One
that was right: three weeks missed, a case, a meeting, and a record that closes itself."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from playwright.sync_api import Browser, BrowserContext, Page, expect

from adsum.accounts.models import Person
from adsum.engagement.alert_life import State
from adsum.engagement.case_rules import MeetingState, Outcome
from adsum.engagement.case_rules import State as CaseState
from adsum.engagement.models import Case, Meeting
from adsum.engagement.rules import Trigger
from tests.browser.serving import DESK, accessible, served, sign_in
from tests.browser.test_story import PHONE
from tests.kit.alerted import DAY, NIGHT, Missing, minute, night, rules_in_force
from tests.kit.marking import mark_students
from tests.kit.world import NINE

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)
Clock = time_machine.Traveller


@pytest.fixture
def clock() -> Iterator[Clock]:
    """A clock that runs, set to a morning in term."""
    with time_machine.travel(NINE, tick=True) as traveller:
        yield traveller


@pytest.fixture
def origin(clock: Clock, transactional_db: None, tmp_path: Path) -> Iterator[str]:
    with served(tmp_path / "static") as address:
        yield address


def page_of(context: BrowserContext, origin: str, person: Person) -> Page:
    context.clear_cookies()
    sign_in(context, origin, person, proved=True)
    return context.new_page()


def let_go(desk: Page, origin: str, missing: Missing) -> None:
    """The team looks at what was not checked of each class, ticks it and lets the alert go."""
    desk.goto(f"{origin}/office/alerts/{missing.alert(2).ref}/")
    accessible(desk)
    for box in desk.get_by_label(re.compile("Looked at")).all():
        box.check()
    desk.get_by_role("button", name="I have looked at those ticked").click()
    expect(desk.get_by_text("Looked at by Tia Team").first).to_be_visible()
    desk.get_by_role("button", name="Let it go").click()
    expect(desk.get_by_text("Let go.")).to_be_visible()


def test_a_reminder_that_rested_on_a_mistake_is_taken_back(browser: Browser, origin: str, clock: Clock) -> None:
    missing = Missing()
    meeting = {"code": "2a", "stage": 2, "trigger": Trigger.MISSED_IN_A_ROW, "number": 2}
    rules_in_force(missing, at=NINE - 90 * DAY, rules=[meeting])
    tuesday = missing.week("PAA")[1]
    night(NINE + 2 * DAY + NIGHT)
    friday = NINE + 4 * DAY + HOUR
    clock.move_to(friday)
    with browser.new_context(**PHONE) as pocket, browser.new_context(viewport=DESK) as office:
        let_go(page_of(office, origin, missing.team), origin, missing)
        minute(friday + timedelta(minutes=5))
        clock.move_to(friday + HOUR)
        phone = page_of(pocket, origin, missing.alice)
        phone.goto(f"{origin}/record/")
        expect(phone.get_by_role("heading", name="We would like to meet you")).to_be_visible()
        accessible(phone)
        phone.get_by_role("link", name="Choose the class where I scanned").click()
        phone.get_by_role("link", name=re.compile("My mark is wrong · .* Tue 24 Nov")).click()
        phone.get_by_label(re.compile("What happened")).fill("I scanned, and the page never loaded.")
        phone.get_by_role("button", name="I was there").click()
        expect(phone.get_by_text("You asked about this mark")).to_be_visible()

        desk = page_of(office, origin, missing.ada)
        desk.goto(f"{origin}/classes/{tuesday.ref}/students/{missing.alice.ref}/")
        desk.locator("input[name=status][value=present]").check()
        desk.locator("[name=reason]").fill("I remember your question about graphs.")
        accessible(desk)
        desk.get_by_role("button", name="Send the answer").click()
        expect(desk.get_by_text("Answered. The student sees it on their record.")).to_be_visible()

        minute(friday + 2 * HOUR)
        assert missing.states() == [(2, State.WITHDRAWN)]
        clock.move_to(friday + 2 * HOUR)
        phone.goto(f"{origin}/messages/")
        expect(phone.get_by_role("heading", name="Our reminder about your attendance was wrong: we are sorry")).to_be_visible()
        phone.goto(f"{origin}/record/")
        expect(phone.get_by_role("heading", name="We would like to meet you")).to_have_count(0)


def test_three_missed_weeks_a_meeting_and_back_again(browser: Browser, origin: str, clock: Clock) -> None:
    missing = Missing()
    weeks = {"code": "2a", "stage": 2, "trigger": Trigger.WEEKS_WITHOUT, "number": 3, "notice_days": 5}
    rules_in_force(missing, at=NINE - 90 * DAY, rules=[weeks])
    for week in range(3):
        missing.week("AAAAA", monday=NINE + 7 * week * DAY)
    coming = missing.week("+++++", monday=NINE + 28 * DAY)
    night(NINE + 21 * DAY - timedelta(hours=7))
    tuesday = NINE + 22 * DAY + HOUR
    clock.move_to(tuesday)
    with browser.new_context(**PHONE) as pocket, browser.new_context(viewport=DESK) as office:
        let_go(page_of(office, origin, missing.team), origin, missing)
        minute(tuesday + timedelta(minutes=5))
        missing.read(at=tuesday + HOUR)
        clock.move_to(tuesday + HOUR)
        desk, phone = page_of(office, origin, missing.tutor), page_of(pocket, origin, missing.alice)
        desk.goto(f"{origin}/cases/")
        desk.get_by_role("link", name="Alice Abel").first.click()
        desk.get_by_role("link", name="Offer a meeting").click()
        desk.get_by_label("What is it about?").fill("How you are getting on")
        desk.get_by_label("Where?").fill("C2.10")
        desk.locator('input[name="slot"]').first.check()
        desk.get_by_role("button", name="Offer these times").click()
        phone.goto(f"{origin}/support/")
        phone.locator('input[name="slot"]').first.check()
        phone.get_by_role("button", name="Pick this time").click()
        expect(phone.get_by_text("C2.10").first).to_be_visible()

        met = Meeting.objects.get()
        assert met.starts_at is not None
        clock.move_to(met.starts_at + HOUR)
        desk = page_of(office, origin, missing.tutor)
        desk.goto(f"{origin}/cases/{met.case.ref}/")
        desk.get_by_role("button", name="Came").click()
        for session in coming[:3]:
            at = session.starts_at + timedelta(minutes=5)
            mark_students(session, [missing.alice], "present", by=missing.ada, at=at)  # type: ignore[arg-type]
        back: datetime = coming[2].starts_at + DAY
        night(back)
        minute(back)
        assert missing.states() == [(2, State.RECOVERED)]
        clock.move_to(max(back, met.starts_at + HOUR))
        phone = page_of(pocket, origin, missing.alice)
        phone.goto(f"{origin}/messages/")
        expect(phone.get_by_role("heading", name="Thank you for coming: the reminder is closed")).to_be_visible()
        desk = page_of(office, origin, missing.tutor)
        desk.goto(f"{origin}/cases/{met.case.ref}/")
        desk.locator("summary", has_text="Close the case").click()
        desk.get_by_label("Outcome").select_option("support_agreed")
        desk.locator("#close_words").fill("She has changed her job, and comes again.")
        desk.get_by_role("button", name="Close the case").click()
        expect(desk.get_by_text("Closed on").first).to_be_visible()
    case = Case.objects.get()
    assert (case.state, case.outcome) == (CaseState.CLOSED, Outcome.SUPPORT_AGREED)
    assert Meeting.objects.get().state == MeetingState.CAME

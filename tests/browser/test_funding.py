"""The SLC officer's morning, end to end in a browser: the deadline, A together, a code that stops money, and their file given
back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.closing import close_registers
from adsum.attendance.rules import Status
from adsum.attendance.weighing import Act
from adsum.compliance.funding import Profile, keep_profiles, register
from adsum.compliance.liability import enter_points
from adsum.compliance.models import Confirmation, Funding, LiabilityPoint
from adsum.compliance.slc_codes import RegistrationCode
from adsum.compliance.suggestions import suggest_at
from adsum.compliance.worklists import make_layout
from adsum.core.university import civil_date
from tests.browser.serving import accessible, served, sign_in
from tests.kit.funded import PRODUCT, SMALL, YEAR, points, small_file
from tests.kit.guidance import in_force
from tests.kit.marking import mark_students
from tests.kit.world import World

DAY = timedelta(days=1)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def origin(transactional_db: None, tmp_path: Path, settings: object) -> Iterator[str]:
    from django.core.management import call_command

    call_command("createcachetable", verbosity=0)
    with served(tmp_path / "collected") as address:
        yield address


def funded(at: datetime) -> Person:
    """Alice attends, Cleo never came; the deadline is in a week. Returns the officer."""
    world = World()
    officer, lecturer = world.person(Role.COMPLIANCE_SLC, name="Olga Officer"), world.lecturer()
    in_force(officer)
    act, today = Act(officer, at), civil_date(at)
    enter_points(points(days=[(today - 3 * DAY, today + 7 * DAY, today + 14 * DAY, "100")]), act=act)
    group = world.group(world.module("Algorithms", "CS201"))
    alice, cleo = (world.student(name, groups=[group]) for name in ("Alice Abel", "Cleo Cook"))
    for n in range(1, 6):
        session = world.session(group, starts_at=at - n * DAY, staff=[lecturer])
        mark_students(session, [alice], Status.PRESENT, by=lecturer, at=session.starts_at)
        close_registers([session], at=session.ends_at + timedelta(hours=1))
    for n, student in enumerate((alice, cleo), 1):
        profile = {
            "product": PRODUCT,
            "ssn": f"S{n}",
            "starts_on": today - 20 * DAY,
            "fee": Decimal(9535),
            "slc_course_code": "C1",
        }
        keep_profiles([Profile(student.pk, world.enrol(student).course_id, None, YEAR, profile)], by=officer, at=at)
    for funding in Funding.objects.all():
        register(funding, RegistrationCode.REGISTERED, act=act)
    suggest_at(LiabilityPoint.objects.get(), at=at)
    make_layout(SMALL, act=act)
    return officer


def test_the_officer_confirms_proposes_and_gives_their_file_back(browser: Browser, origin: str, tmp_path: Path) -> None:
    officer = funded(datetime.now(UTC))
    theirs = tmp_path / "worklist.txt"
    theirs.write_bytes(small_file(("S1", "C1", "9535.00"), ("S9", "C1", "9535.00")))
    with browser.new_context() as office:
        sign_in(office, origin, officer, proved=True)
        page = office.new_page()
        page.goto(f"{origin}/compliance/funding/")
        accessible(page)
        page.get_by_role("link", name="full time, point 1").click()
        accessible(page)
        page.get_by_role("link", name="Suggested A").click()
        page.get_by_label("Select Alice Abel").check()
        page.get_by_role("button", name="Confirm A for those ticked").click()
        expect(page.get_by_text("A confirmed for 1 student.")).to_be_visible()

        page.get_by_role("link", name="To look at").click()
        page.get_by_role("link", name="Cleo Cook").click()
        accessible(page)
        page.get_by_text("Say a code", exact=True).click()
        page.get_by_label("Why?").first.fill("Never seen, no answer to two letters.")
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_text("This is the money at stake")).to_be_visible()
        accessible(page)
        page.get_by_role("button", name="Propose it and tell the student").click()
        expect(page.get_by_text("Proposed. The student is told")).to_be_visible()

        page.goto(f"{origin}/compliance/funding/files/")
        page.get_by_label("For which liability point?").select_option(index=1)
        page.get_by_label("File").set_input_files(theirs)
        page.get_by_role("button", name="Bring it in").click()
        expect(page.get_by_text("2 rows read.")).to_be_visible()
        accessible(page)
        page.on("dialog", lambda dialog: dialog.accept())
        with page.expect_download() as sent:
            page.get_by_role("button", name="Give it back with our codes").click()
        given = Path(sent.value.path()).read_bytes()
    assert given == theirs.read_bytes().replace(b"S1,C1,9535.00,,", b"S1,C1,9535.00,A,")
    assert sorted(Confirmation.objects.values_list("code", "state")) == [("A", "locked"), ("D", "proposed")]

"""What the pictures show beyond a class: students at home, those who look after them, the office, and what is set up once.

Each scene is used as its people would use it; what no visitor of a demo can bring about in a minute (queries that share a
cause, a timetable that is asked by itself, a university's sign-in) is put there first.
"""

import io
import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import typst
from PIL import Image
from playwright.sync_api import Browser

from scripts.camera import DESK, ORIGIN, PHONE, enter, keep, take

SETTLED = timedelta(minutes=6)
"""After this long without another one, changes of a timetable are told."""
COMPARED_WITHIN = 180
"""Seconds after which the worker of a new demo has sealed and verified its log, and compared the record with it."""
ALIKE = 4
"""Students who ask about the same."""


def room(browser: Browser) -> None:
    """What the lecturer does from the phone: a class that moved, a kiosk; and the paper register."""
    phone = enter(browser, "lecturer", PHONE)
    phone.goto(f"{ORIGIN}/teaching/")
    phone.locator("section", has_text="The coming week").get_by_role("link", name=re.compile("Register")).first.click()
    phone.get_by_role("link", name=re.compile("This class is")).first.click()
    phone.get_by_label("Room", exact=False).first.fill("Bevan Lecture Theatre")
    take(phone, "phone-change", height=1180)
    phone.get_by_role("button", name="It has moved").click()
    phone.wait_for_load_state()
    if phone.get_by_label("Move it all the same").count():
        phone.get_by_label("Move it all the same").check()
        phone.get_by_role("button", name="It has moved").click()
    tell()
    student = enter(browser, "student", PHONE)
    student.goto(f"{ORIGIN}/messages/")
    take(student, "phone-messages")
    planner = enter(browser, "timetabling", DESK)
    planner.goto(f"{ORIGIN}/imports/reports/")
    take(planner, "reported", height=620)

    lectern = enter(browser, "lecturer", DESK)
    lectern.goto(f"{ORIGIN}/teaching/")
    lectern.get_by_role("link", name=re.compile("Register")).first.click()
    lectern.locator(".checkin-panel summary").click()
    lectern.once("dialog", lambda dialog: dialog.accept())
    lectern.get_by_role("button", name="Make this browser a kiosk").click()
    lectern.wait_for_url(re.compile("/kiosk/"))
    take(lectern, "kiosk", height=640)
    paper()


def tell() -> None:
    """What changed is told now rather than some minutes later."""
    from adsum.messages import telling
    from adsum.messages.topics import classes, marks, queries

    for one in (classes, marks, queries):
        telling.tell(one.TOPIC, at=datetime.now(UTC) + SETTLED)


def paper() -> None:
    """The first page of the sheet of the class that runs now, drawn by the program that prints it."""
    from adsum.checkin.models import Opening
    from adsum.integrations.files import sheets

    session = Opening.objects.select_related("session__module").latest("opened_at").session
    inputs = {"data": json.dumps(sheets.sheet_data([session], at=datetime.now(UTC)))}
    pages: Any = typst.compile(sheets.TEMPLATE.read_bytes(), sys_inputs=inputs, format="png", ppi=96)
    first = pages[0] if isinstance(pages, list) else pages  # one page comes by itself
    keep(Image.open(io.BytesIO(first)).convert("RGB"), "sheet")


def study(browser: Browser) -> None:
    """The student at home: the calendar, who looked, the policy."""
    phone = enter(browser, "student", PHONE)
    phone.goto(f"{ORIGIN}/calendar/")
    phone.get_by_role("button", name="Make my address").click()
    phone.get_by_label("Paste it where").wait_for()
    take(phone, "phone-calendar")
    phone.goto(f"{ORIGIN}/record/access/")
    take(phone, "phone-who-looked")
    phone.goto(f"{ORIGIN}/policy/")
    take(phone, "phone-policy")


def look_after(browser: Browser) -> None:
    """Tutors and departments: tutees, a student's whole record, the modules week by week."""
    tutor = enter(browser, "tutor", DESK)
    tutor.goto(f"{ORIGIN}/tutees/")
    take(tutor, "tutees", height=760)
    tutor.locator("table a[href*='/people/']").first.click()
    take(tutor, "student-timeline", height=1250)
    department = enter(browser, "department", DESK)
    department.goto(f"{ORIGIN}/modules/")
    take(department, "modules", height=760)
    department.goto(f"{ORIGIN}/students/outside/")
    take(department, "outside", height=960)


def follow_up(browser: Browser) -> None:
    """What follows from absences: a student tells of one, a tutor has a case, the team has work and an alert."""
    phone = enter(browser, "student", PHONE)
    phone.goto(f"{ORIGIN}/absences/tell/")
    first = datetime.now(UTC).date() + timedelta(days=1)
    phone.get_by_label("First day").fill(first.isoformat())
    phone.get_by_label("Last day").fill((first + timedelta(days=3)).isoformat())
    phone.get_by_label("Reason", exact=True).select_option(label="Illness")
    phone.get_by_role("button", name="Show the classes").click()
    phone.get_by_role("heading", name=re.compile("classes?$")).wait_for()
    take(phone, "phone-absence", height=1400)
    tutor = enter(browser, "tutor", DESK)
    tutor.goto(f"{ORIGIN}/cases/")
    tutor.locator("table a[href*='/cases/']").first.click()
    tutor.wait_for_load_state()
    take(tutor, "case", height=900)
    team = enter(browser, "attendance_team", DESK)
    team.goto(f"{ORIGIN}/work/")
    take(team, "work", height=820)
    team.goto(f"{ORIGIN}/office/alerts/")
    waiting = team.get_by_role("row").filter(has_text="Meeting").filter(has_text="Waits for corrections")
    waiting.first.get_by_role("link").click()
    team.wait_for_load_state()
    take(team, "alert", height=900)


def protect(browser: Browser) -> None:
    """The data-protection officer."""
    officer = enter(browser, "data_protection", DESK)
    officer.goto(f"{ORIGIN}/privacy/access/")
    take(officer, "access", height=900)
    officer.goto(f"{ORIGIN}/audit/")
    for _second in range(COMPARED_WITHIN):
        if not officer.get_by_text("Never.").count():
            break
        officer.wait_for_timeout(1_000)
        officer.reload()
    take(officer, "audit", height=900)


def rights(browser: Browser) -> None:
    """A student has their data and sees what became of a complaint; the officer's list, and what the university has said."""
    student = enter(browser, "student", PHONE)
    student.goto(f"{ORIGIN}/your-data/")
    student.get_by_role("button", name="Get my data").click()
    student.get_by_role("button", name="Download", exact=True).wait_for(timeout=60_000)
    student.goto(f"{ORIGIN}/your-data/")
    take(student, "phone-your-data", height=1180)
    officer = enter(browser, "data_protection", DESK)
    officer.goto(f"{ORIGIN}/privacy/requests/")
    take(officer, "rights", height=640)
    officer.goto(f"{ORIGIN}/privacy/particulars/")
    take(officer, "particulars", height=1400)


def end(browser: Browser) -> None:
    """What is over: the officer reads what would end, and what erasing somebody who asked would do; then the certificate."""
    from adsum.attendance.weighing import Act
    from adsum.ops.demo.guide import personas
    from adsum.privacy import retention
    from adsum.privacy.models import RetentionRun

    officer = enter(browser, "data_protection", DESK)
    officer.goto(f"{ORIGIN}/privacy/retention/")
    take(officer, "retention", height=760)
    officer.goto(f"{ORIGIN}/privacy/erasure/")
    officer.locator("ul.rows a").first.click()
    officer.get_by_role("button", name="Approve").wait_for()
    take(officer, "erasure", height=760)
    at = datetime.now(UTC)
    run = retention.decide(RetentionRun.objects.get(state="waiting"), approve=True, act=Act(personas()["data_protection"], at))
    retention.carry_out(run, at=at)
    officer.goto(f"{ORIGIN}/privacy/retention/")
    officer.get_by_text("What was counted").first.click()
    take(officer, "certificate", height=760)


def office(browser: Browser) -> None:
    """The attendance team: queries that look alike, an outage, registers nobody took; and timetables fetched by themselves."""
    many_ask()
    team = enter(browser, "attendance_team", DESK)
    team.goto(f"{ORIGIN}/office/queries/")
    take(team, "queries", height=820)
    team.get_by_role("button", name=re.compile("Look at them together")).first.click()
    team.wait_for_load_state()
    take(team, "together", height=820)
    team.goto(f"{ORIGIN}/office/registers/")
    take(team, "to-complete", height=760)
    team.goto(f"{ORIGIN}/office/outages/")
    team.get_by_label("What happened?").fill("The network on the city campus was down")
    day = a_teaching_day().strftime("%Y-%m-%d")
    team.get_by_label("From").fill(f"{day}T10:00")
    team.get_by_label("Until").fill(f"{day}T13:00")
    team.get_by_role("button", name="See what it touches").click()
    team.get_by_text("This is what it touches").wait_for()
    take(team, "outage", height=900)
    feeds()
    planner = enter(browser, "timetabling", DESK)
    planner.goto(f"{ORIGIN}/imports/feeds/")
    take(planner, "feeds", height=560)


def report(browser: Browser) -> None:
    """What was reported is locked, a correction of it waits to be noted; a change waits for a second person; a module as it
    stood a week ago."""
    officer = enter(browser, "compliance", DESK)
    officer.goto(f"{ORIGIN}/office/amendments/periods/")
    day = a_teaching_day()
    officer.get_by_label("First day").fill((day - timedelta(days=27)).isoformat())
    officer.get_by_label("Last day").fill(day.isoformat())
    officer.get_by_label("Reference").fill("Autumn return")
    officer.get_by_role("button", name="See what it locks").click()
    officer.get_by_role("button", name="Lock these marks").click()
    officer.get_by_text("Autumn return").wait_for()
    module = put_right()
    officer.goto(f"{ORIGIN}/office/amendments/periods/")
    officer.get_by_label("First day").fill(day.isoformat())
    officer.get_by_label("Last day").fill(day.isoformat())
    officer.get_by_role("button", name="See what it locks").click()
    officer.get_by_text("This is what it locks").wait_for()
    take(officer, "periods", height=1100)
    team = enter(browser, "attendance_team", DESK)
    team.goto(f"{ORIGIN}/office/amendments/")
    take(team, "amendments", height=820)
    then = datetime.now(UTC) - timedelta(days=7)
    team.goto(f"{ORIGIN}/modules/{module}/as-of/?at={then:%Y-%m-%dT%H:%M}")
    take(team, "as-of", height=860)


def put_right() -> int:
    """The attendance team corrects a mark that was reported, and asks a colleague to confirm an old change; the module's id."""
    from adsum.attendance.models import Mark
    from adsum.attendance.rules import Reason, Status
    from adsum.attendance.services import mark
    from adsum.attendance.weighing import Act, Entry, Why
    from adsum.ops.demo.guide import personas

    by, at = personas()["attendance_team"], datetime.now(UTC)
    missed = Mark.objects.filter(status=Status.ABSENT, session__source="demo").select_related("session__module", "student")
    fresh = missed.filter(session__starts_on=a_teaching_day()).order_by("pk")[0]
    act, why = Act(by, at, proved_at=at), Why(Reason.SEEN_IN_CLASS, "On the paper list")
    mark(fresh.session, [Entry(fresh.student, Status.PRESENT)], act=act, why=why)
    old = missed.filter(session__ends_at__lt=at - timedelta(days=16)).order_by("-session__starts_at", "pk")[0]
    mark(old.session, [Entry(old.student, Status.LATE)], act=act, why=why)
    return fresh.session.module_id


def a_teaching_day() -> date:
    """The latest one that is over."""
    from adsum.timetable.models import ClassSession

    past = ClassSession.objects.filter(starts_on__lt=datetime.now(UTC).date(), source="demo").exclude(source_id="now")
    return past.latest("starts_on").starts_on


def many_ask() -> None:
    """The same trouble for several students of one class: their scans came when check-in had closed."""
    from adsum.attendance.models import Mark
    from adsum.attendance.queries import raise_query
    from adsum.attendance.rules import Status
    from adsum.checkin.rules import Refusal

    at = datetime.now(UTC)
    missed = Mark.objects.filter(status=Status.ABSENT, session__starts_at__gt=at - timedelta(days=4), session__kind="lecture")
    session = missed.order_by("-session__starts_at", "pk").select_related("session")[0].session
    said = ("The screen was dark until half past.", "", "Nobody could scan, the projector was off.", "I sat in the third row.")
    for mark, text in zip(missed.filter(session=session).select_related("student")[:ALIKE], said, strict=False):
        evidence = {"refusal": Refusal.CLOSED, "first_seen": (session.starts_at + timedelta(minutes=33)).isoformat()}
        raise_query(session, mark.student, at=at, text=text, evidence=evidence)


def feeds() -> None:
    """Two timetables that are fetched by themselves: one is well, one has not answered for a day."""
    from adsum.timetable.rules import PollOutcome
    from adsum.timetable.services import Polling, mark_stale, save_mapping, save_poll

    at = datetime.now(UTC)
    for name, well in (("Timetable of the faculties", True), ("Medical school", False)):
        url = f"https://timetable.uni.example/{'faculties' if well else 'medicine'}/events.csv"
        polling = Polling(format="events", every_minutes=15)
        feed = save_mapping(name=name, url=url, mapping={}, actor="system:pictures", at=at, polling=polling)
        soon = at + timedelta(minutes=15 if well else 240)
        save_poll(feed, PollOutcome.SAME, at=at - timedelta(minutes=2 if well else 1600), next_poll_at=soon)
        if not well:
            save_poll(feed, PollOutcome.FAILED, at=at, next_poll_at=soon, message="It answered with status 503.")
            mark_stale([feed], at=at)


def set_up(browser: Browser) -> None:
    """The administrator: the university's sign-in and its test, people, policies, mail."""
    from adsum.ops.demo.guide import personas
    from tests.kit import oidc

    administrator = enter(browser, "administrator", DESK)
    with oidc.honest() as provider:
        app = oidc.register(
            provider.issuer,
            domains=("uni.example", "student.uni.example"),
            match_claim="student_number",
            match_identifier="number",
            roles_claim="groups",
            roles=[{"value": "attendance-office", "role": "attendance_team", "department": ""}],
        )
        app.name = "University sign-in"
        app.save()
        administrator.goto(f"{ORIGIN}/office/sign-in/")
        take(administrator, "sign-in-providers", height=620)
        administrator.goto(f"{ORIGIN}/office/sign-in/{app.provider_id}/")
        administrator.get_by_role("button", name="Test the connection").click()
        administrator.get_by_role("button", name=re.compile("It is me")).click()
        administrator.get_by_label("What was found").wait_for()
        take(administrator, "sign-in-test", height=1150)
        app.delete()  # the demo's own people sign in without it
    administrator.goto(f"{ORIGIN}/office/people/{personas()['tutor'].ref}/")
    administrator.get_by_text("Give a role").click()
    take(administrator, "person", height=1150)
    administrator.goto(f"{ORIGIN}/office/mail/")
    take(administrator, "mail", height=760)
    draft(browser)


def draft(browser: Browser) -> None:
    """A policy that is stricter, and what it would have done to the last month."""
    team = enter(browser, "attendance_team", DESK)
    team.goto(f"{ORIGIN}/office/policies/new/")
    team.get_by_label("late until", exact=False).first.fill("20")
    team.get_by_label("present until", exact=False).first.fill("5")
    team.get_by_role("button", name="See what it would have done").click()
    team.get_by_role("button", name="Save this version").wait_for(timeout=60_000)
    take(team, "policy-preview", height=1000)

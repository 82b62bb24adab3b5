"""Every page, as the people who use it see it: axe finds nothing, nothing runs off a small phone, the policy holds."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from allauth.socialaccount.models import SocialApp
from django.core.management import call_command
from playwright.sync_api import Browser, ConsoleMessage, Page

from adsum.accounts.models import Person
from adsum.accounts.rules import Purpose, Role
from adsum.accounts.services import break_glass
from adsum.attendance.outages import declare_outage
from adsum.attendance.queries import raise_query
from adsum.attendance.rules import Reason, Status
from adsum.checkin import class_changes as changes
from adsum.checkin import services
from adsum.messages.services import write
from adsum.messages.topic import Draft, class_named
from adsum.messages.topics import queries, registers
from adsum.timetable.changes import Wanted
from adsum.timetable.models import ClassSession
from adsum.timetable.rules import PollOutcome
from adsum.timetable.services import Polling, mark_stale, renew_calendar, save_mapping, save_poll
from tests.browser.serving import AXE, RULES, served, sign_in
from tests.kit import oidc, saml
from tests.kit.marking import mark_students
from tests.kit.world import World

pytestmark = pytest.mark.django_db(transaction=True)
WIDE = """() => [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
  .slice(0, 5).map(e => e.outerHTML.slice(0, 120))"""
CSV = (
    "event_id,module_code,title,event_type,start,end,timezone,location,delivery_mode,mandatory,group_ids\n"
    "E1,CS201,Algorithms,lecture,2026-12-01T09:00:00,2026-12-01T10:00:00,Europe/London,C2.01,in_person,true,L1\n"
    "E2,CS201,Algorithms,lecture,not a time,2026-12-01T10:00:00,Europe/London,C2.01,in_person,true,L1\n"
)


def saml_provider() -> SocialApp:
    """One that no browser here goes to."""
    with saml.running() as idp:
        return idp.register(domains=("college.example",), roles_claim="isMemberOf", roles=[{"value": "t", "role": "tutor"}])


class Small:
    """A little of everything: a class now with check-in open, one cancelled, one last week with history and a query."""

    def __init__(self) -> None:
        world = World()
        now = datetime.now(UTC)
        self.group = world.group(world.module("Algorithms and Data Structures", "CS201"), "L1")
        self.lecturer = world.lecturer("Llywelyn ap Gruffudd-Featherstonehaugh")
        self.student = world.student("Angharad Gŵyneth Llŷr-Cholmondeley", groups=[self.group])
        others = [world.student(groups=[self.group]) for _ in range(7)]
        self.session: ClassSession = world.session(self.group, starts_at=now - timedelta(minutes=2), staff=[self.lecturer])
        self.old: ClassSession = world.session(
            self.group,
            starts_at=now - timedelta(days=3),
            staff=[self.lecturer],
            room="The Old Assembly Rooms, Lower Lecture Theatre",
        )
        world.session(self.group, starts_at=now + timedelta(hours=3), status="cancelled", staff=[self.lecturer])
        self.opening = services.open_checkin(self.session, by=self.lecturer, at=now)
        self.display = services.add_display(self.opening, by=self.lecturer, at=now).display
        for status, who in zip((Status.PRESENT, Status.LATE, Status.AUTHORISED), others, strict=False):
            mark_students(self.session, [who], status, by=self.lecturer, at=now)
        mark_students(self.old, [self.student], Status.ABSENT, by=self.lecturer, at=now - timedelta(days=3))
        mark_students(
            self.old,
            [self.student],
            Status.LATE,
            by=self.lecturer,
            at=now,
            reason_code=Reason.SEEN_IN_CLASS,
            reason="Came in late",
        )
        raise_query(self.old, self.student, at=now, text="I was there from the start.")
        world.lecturer("Cy Coverdale")
        moved = world.session(self.group, starts_at=now + timedelta(hours=5), staff=[self.lecturer])
        changes.change(moved, Wanted(rooms=[]), by=self.lecturer, at=now, reason="The heating is off")
        renew_calendar(self.student, at=now)
        polling = Polling(format="events", every_minutes=15)
        self.feed = save_mapping(
            name="CELCAT",
            url="https://timetable.uni.example/faculty-of-engineering/everything.csv?year=2026",
            mapping={},
            actor="system:test",
            at=now,
            polling=polling,
        )
        save_poll(self.feed, PollOutcome.FAILED, at=now, next_poll_at=now, message="It answered with status 503.")
        mark_stale([self.feed], at=now)
        asked = Draft(self.student, queries.ANSWERED, "answered", class_named(self.old), now + timedelta(days=9))
        asked.facts.update(outcome="upheld", mark=Status.LATE)
        write(
            [asked, Draft(self.lecturer, registers.NO_CODE, "no code", class_named(self.session), self.session.ends_at)], at=now
        )
        self.team = world.person(Role.ATTENDANCE_TEAM, name="Rohan Whitlock")
        self.outage = declare_outage(
            by=self.team, at=now, starts_at=now + timedelta(days=30), ends_at=None, reason="The network is renewed"
        )
        self.timetabling = world.person(Role.TIMETABLING, name="Soraya Lindqvist")
        self.administrator = world.person(Role.ADMINISTRATOR, name="Gwil Thackeray")
        providers = [oidc.register("http://localhost:9"), saml_provider()]
        self.sign_in_pages = ["/office/sign-in/", *(f"/office/sign-in/{one.provider_id}/" for one in providers)]
        self.tutor = world.person(Role.TUTOR, name="Marguerite Osei")
        world.enrol(self.student, world.department(), tutor=self.tutor)
        self.officer = world.person(Role.DATA_PROTECTION, name="Philippa Nwosu")
        break_glass(
            self.student,
            viewer=self.timetabling,
            access=self.timetabling.access(now),
            purpose=Purpose.COMPLAINT,
            reason="An appeal names this class and its room.",
            at=now,
        )
        self.auditor = world.person(Role.AUDITOR, name="Audra Lindgren")
        self.compliance = world.person(Role.COMPLIANCE_UKVI, name="Elspeth Nakamura")


@pytest.fixture(scope="session")
def static_root(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return tmp_path_factory.mktemp("static") / "collected"


def note(problems: list[str], line: ConsoleMessage) -> None:
    """Keep what the browser says of our policy."""
    if "Content Security Policy" in line.text:
        problems.append(line.text)


def look(page: Page, address: str, problems: list[str]) -> list[str]:
    """What is wrong with a page, in the light at 1440 px and in the dark at 320 px."""
    found: list[str] = []
    for scheme, width in (("light", 1440), ("dark", 320)):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        answer = page.goto(address)
        if answer is None or answer.status >= 400:
            return [f"{address}: {answer.status if answer else 'no answer'}"]
        # Not wait_for_function: what it asks again it evaluates in the page, where our policy forbids it.
        while not page.evaluate("document.fonts.status == 'loaded' && !document.getAnimations().length"):
            page.wait_for_timeout(50)
        page.evaluate(AXE)
        result = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
        found += [
            f"{address} {scheme} {rule['id']}: {[node['html'][:160] for node in rule['nodes'][:3]]}"
            for rule in result["violations"]
        ]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"{address}: runs off {width} px: {page.evaluate(WIDE)}")
    return found + [f"{address}: {problem}" for problem in problems]


@pytest.mark.parametrize("language", ["en-gb", "cy"])
def test_every_page_can_be_used_by_everyone(browser: Browser, transactional_db: None, static_root: Any, language: str) -> None:
    call_command("createcachetable", verbosity=0)
    with served(static_root) as origin:
        small = Small()
        register = f"/classes/{small.session.ref}/"
        places: list[tuple[Person | None, list[str]]] = [
            (small.administrator, small.sign_in_pages),
            (None, ["/checkpoints/", "/receipt/", "/help/", "/help/check-in/"]),
            (small.lecturer, ["/search/?q=algorithms"]),
            (small.auditor, ["/audit/"]),
            (None, ["/sign-in/", "/policy/", "/display/", "/signed-out/", f"/{'0' * 36}"]),
            (
                small.student,
                [
                    "/today/",
                    f"/today/?week={datetime.now(UTC).date()}",
                    "/calendar/",
                    "/record/",
                    "/account/sign-ins/",
                    "/account/confirm/",
                    f"/record/modules/{small.group.module_id}/",
                    f"/record/classes/{small.old.ref}/",
                    "/in",
                    "/messages/",
                ],
            ),
            (
                small.lecturer,
                [
                    "/teaching/",
                    register,
                    f"{register}change/?who=Cy&group=L1",
                    f"/classes/new/?module={small.group.module_id}",
                    "/classes/new/",
                    f"/classes/{small.old.ref}/students/{small.student.ref}/",
                    f"{register}amend/?student={small.student.ref}&status=late",
                    f"{register}checks/",
                    "/messages/",
                    f"/classes/{small.old.ref}/sheet/",
                    "/design/",
                ],
            ),
            (small.team, ["/office/policies/", "/office/policies/new/", "/office/amendments/"]),
            (small.team, ["/office/classes/", "/office/registers/?who=all", f"{register}explain/", register]),
            (small.team, ["/office/outages/", f"/office/outages/{small.outage.ref}/withdraw/", "/office/queries/"]),
            (
                small.timetabling,
                [
                    "/imports/",
                    "/imports/missing/",
                    "/imports/calendars/new/",
                    "/imports/feeds/",
                    f"/imports/feeds/{small.feed.pk}/",
                    "/imports/reports/",
                ],
            ),
            (small.administrator, ["/", "/office/check-in/", "/imports/"]),
            (small.compliance, ["/office/amendments/periods/", "/office/amendments/"]),
            (small.student, ["/record/access/"]),
            (small.tutor, ["/tutees/", f"/people/{small.student.ref}/", "/students/"]),
            (small.team, ["/students/", "/modules/", f"/modules/{small.group.module_id}/", f"/people/{small.student.ref}/"]),
            (small.officer, ["/privacy/access/"]),
            (small.administrator, ["/office/people/", f"/office/people/{small.student.ref}/"]),
            (small.compliance, ["/", "/students/", "/students/outside/"]),
            (small.timetabling, ["/imports/", "/imports/missing/", "/imports/calendars/new/"]),
            (small.administrator, ["/", "/office/check-in/", "/imports/", "/office/mail/"]),
            (small.compliance, ["/"]),
        ]
        wrong: list[str] = []
        for person, paths in places:
            with browser.new_context() as context:
                context.add_cookies([{"name": "adsum_language", "value": language, "url": origin}])
                if person is not None:
                    sign_in(context, origin, person)
                page = context.new_page()
                problems: list[str] = []
                page.on("console", partial(note, problems))
                if person is not None:
                    page.goto(f"{origin}/")  # the gate learns who this is
                for path in paths:
                    wrong += look(page, origin + path, problems)
                if person == small.timetabling:
                    page.goto(f"{origin}/imports/")
                    page.locator('input[type="file"]').first.set_input_files(
                        {"name": "events.csv", "mimeType": "text/csv", "buffer": CSV.encode()}
                    )
                    page.locator('form:has(input[type="file"]) button').first.click()
                    page.wait_for_url("**/imports/*-*/**")
                    wrong += look(page, page.url, problems)
        if language == "en-gb":
            with browser.new_context() as context:
                sign_in(context, origin, small.lecturer)
                wrong += keys(context.new_page(), origin + register)
        assert wrong == [], "\n".join(wrong)


def keys(page: Page, register: str) -> list[str]:
    """What is wrong with the keys: they open what they say, rest in fields, and can be switched off."""
    find, sheet, wrong = page.locator("#find"), page.locator("#keys"), []
    page.goto(register)
    page.keyboard.press("?")
    if not sheet.is_visible():
        wrong.append("? opens nothing")
    page.keyboard.press("Escape")
    page.locator("[data-search]").fill("a/b?")
    if find.is_visible() or sheet.is_visible():
        wrong.append("a key works in a field")
    page.locator("h1").click()
    page.keyboard.press("/")
    page.keyboard.type("algorithms")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=algorithms")
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("?")
    page.locator("[data-keys-on]").uncheck()
    page.reload()
    page.locator("h1").click()
    page.keyboard.press("/")
    if find.is_visible():
        wrong.append("switched off, they still work")
    return wrong

"""The page's half of live updates, in a real browser: what the stream says appears, and silence is never hidden."""

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import segno
from django.template.loader import render_to_string
from playwright.sync_api import Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from adsum.web.design import display_sample, register_sample

CHOLMONDELEY = "00000000-0000-0000-0000-000000000001"
GWILYM = "00000000-0000-0000-0000-000000000003"


def events(*named: tuple[str, dict[str, Any]], first: int = 1) -> str:
    return "".join(
        f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n" for number, (name, data) in enumerate(named, first)
    )


def code(typed: str, *, left: int, grace: int = 300) -> dict[str, Any]:
    svg = segno.make("https://uni.ac.uk/" + typed.replace(" ", ""), error="m").svg_inline(border=4, omitsize=True)
    return {
        "svg": svg,
        "typed": typed,
        "address": "uni.ac.uk/in",
        "left_ms": left,
        "period_ms": 60_000,
        "grace_ms": grace,
        "here": 144,
        "expected": 210,
        "note": "Open until 10:15",
        "phase": "open",
        "ends_in_ms": 900_000,
    }


@pytest.fixture
def show(page: Page, live_server: LiveServer):
    """Serve one page and what its stream says on each connection; None refuses the connection."""

    def show(template: str, context: dict[str, Any], stream: Iterator[str | None]) -> list[str]:
        asked: list[str] = []

        def live(route: Route) -> None:
            asked.append(route.request.url)
            said = next(stream)
            if said is None:
                route.abort()
            else:
                route.fulfill(body=said, content_type="text/event-stream")

        page.route("**/live/stream*", live)
        html = render_to_string(template, context)
        page.route("**/screen", lambda route: route.fulfill(body=html, content_type="text/html"))
        page.goto(f"{live_server.url}/screen")
        return asked

    return show


def test_a_new_code_replaces_the_old_and_the_count_follows(page: Page, show: Any):
    said = events(("code", code("1111 2222", left=60_000)), ("count", {"here": 150, "expected": 210}))
    show("adsum/design_display.html", {"d": display_sample(stream_url="/live/stream")}, itertools.repeat(said))
    expect(page.locator("[data-typed]")).to_have_text("11112222")
    expect(page.locator("[data-here]")).to_have_text("150")
    expect(page.locator("[data-note]")).to_have_text("Open until 10:15")
    expect(page.locator("[data-qr] svg")).to_have_count(1)
    expect(page.locator("[data-display]")).to_have_attribute("data-state", "live")


def test_a_code_that_has_died_never_looks_alive(page: Page, show: Any):
    """Pitfall 8: a dead code that looks alive on the projector."""
    once = itertools.chain([events(("code", code("1111 2222", left=400)))], itertools.repeat(None))
    show("adsum/design_display.html", {"d": display_sample(stream_url="/live/stream")}, once)
    display = page.locator("[data-display]")
    expect(display).to_have_attribute("data-state", "stale", timeout=5_000)
    expect(page.get_by_text("Waiting for the network")).to_be_visible()
    expect(page.locator("[data-typed]")).to_be_hidden()
    expect(page.locator("[data-qr] svg")).to_have_css("opacity", "0")


def test_it_comes_back_by_itself_and_says_where_it_left_off(page: Page, show: Any):
    """Pitfall 8: a screen that lost the network and needs somebody to reload it."""
    dead, alive = code("1111 2222", left=100, grace=0), code("3333 4444", left=60_000)
    stream = itertools.chain(
        [events(("code", dead), first=41), None, None], itertools.repeat(events(("code", alive), first=42))
    )
    asked = show("adsum/design_display.html", {"d": display_sample(stream_url="/live/stream")}, stream)
    expect(page.locator("[data-typed]")).to_have_text("33334444", timeout=15_000)
    expect(page.locator("[data-display]")).to_have_attribute("data-state", "live")
    assert asked[1].endswith("last_event_id=41")


@pytest.mark.parametrize("hours", [-1, 1])
def test_the_clock_of_the_screen_does_not_matter(page: Page, show: Any, hours: int):
    """Pitfall 3: a projector whose clock is an hour wrong."""
    page.add_init_script(f"const right = Date.now; Date.now = () => right() + {hours} * 3_600_000;")
    said = events(("code", code("1111 2222", left=60_000)))
    show("adsum/design_display.html", {"d": display_sample(stream_url="/live/stream")}, itertools.repeat(said))
    expect(page.locator("[data-typed]")).to_have_text("11112222")
    expect(page.locator("[data-seconds]")).to_have_text(re.compile("5[5-9]|60"))
    expect(page.locator("[data-display]")).to_have_attribute("data-state", "live")


def test_polling_helps_where_streams_do_not_pass(page: Page, show: Any):
    page.route("**/now", lambda route: route.fulfill(json=code("5555 6666", left=60_000)))
    sample = display_sample(stream_url="/live/stream", poll_url="/now", left_ms=0)
    show("adsum/design_display.html", {"d": sample}, itertools.repeat(None))
    expect(page.locator("[data-typed]")).to_have_text("55556666", timeout=15_000)


def test_the_end_takes_the_code_away_for_good(page: Page, show: Any):
    page.clock.install()
    said = events(("end", {"title": "Check-in has closed", "text": "Ask your lecturer."}), ("count", {"here": 1}))
    asked = show("adsum/design_display.html", {"d": display_sample(stream_url="/live/stream")}, itertools.repeat(said))
    expect(page.locator("[data-display]")).to_have_attribute("data-state", "ended")
    expect(page.get_by_text("Ask your lecturer.")).to_be_visible()
    expect(page.locator("[data-typed]")).to_be_hidden()
    page.clock.run_for(60_000)  # a page that would connect again has done so
    page.evaluate("fetch('/screen').then((answer) => answer.text())")  # and whatever it asked for has been heard
    assert len(asked) == 1


def test_a_drawing_cannot_run(page: Page, show: Any):
    bad = code("1111 2222", left=60_000) | {
        "svg": '<svg xmlns="http://www.w3.org/2000/svg"><script>document.title = "ran"</script></svg>',
        "note": "<img src=x onerror=\"document.title = 'ran'\">",
    }
    said = itertools.repeat(events(("code", bad)))
    show("adsum/design_display.html", {"d": display_sample(stream_url="/live/stream")}, said)
    expect(page.locator("[data-note]")).to_contain_text("<img")
    assert "ran" not in page.title()


def register(show: Any, *named: tuple[str, dict[str, Any]]) -> None:
    context = register_sample() | {"stream": "/live/stream"}
    show("adsum/design_register.html", context, itertools.repeat(events(*named)))


@pytest.mark.parametrize(("status", "loads"), [(403, 2), (503, 1)])
def test_no_name_stays_on_a_register_that_was_signed_out(page: Page, show: Any, status: int, loads: int):
    """Sent away where it was welcome, the page asks the server for itself, which says why; a database that is away does not."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    register(show, ("counts", {"present": 144, "late": 6, "absent": 0, "expected": 59, "held": 2}))
    expect(page.locator('[data-count="expected"]')).to_have_text("59")  # it was welcome
    page.unroute("**/live/stream*")
    page.route("**/live/stream*", lambda route: route.fulfill(status=status, body="no"))
    tried = itertools.count(1)  # it comes back, is sent away, asks why, and comes back again
    page.wait_for_event("request", lambda request: "/live/stream" in request.url and next(tried) == 5)
    assert sum(url.endswith("/screen") for url in asked) == loads


def test_a_mark_arrives_in_its_seat(page: Page, show: Any):
    mark = {"student": GWILYM, "status": "late", "label": "Late", "at": "10:17", "minutes_late": 17, "note": "typed"}
    register(show, ("mark", mark), ("counts", {"present": 144, "late": 6, "absent": 0, "expected": 60, "held": 2}))
    seat = page.locator(f'[data-student="{GWILYM}"]')
    expect(seat).to_have_attribute("data-status", "late")
    expect(seat).to_contain_text("Late 10:17")
    expect(page.locator('[data-count="expected"]')).to_have_text("60")


def test_held_scans_come_and_go(page: Page, show: Any):
    new = {"id": "9", "student": GWILYM, "name": "Nia Rees", "number": "s9", "at": "10:05", "why": "Lab B", "url": "/h/9"}
    gone = {"id": "1", "url": ""}
    register(show, ("held", new), ("held", gone))
    expect(page.locator("[data-held] li")).to_have_count(1)
    expect(page.locator("[data-held] li")).to_contain_text("Nia Rees")


def test_a_letter_marks_whoever_has_the_focus(page: Page, show: Any):
    sent: list[str] = []

    def save(route: Route) -> None:
        sent.append(route.request.post_data or "")
        mark = {"student": CHOLMONDELEY, "status": "absent_unauthorised", "label": "Absent", "at": "", "note": ""}
        route.fulfill(json={"marks": [mark], "message": "Saved."})

    page.route("**/marks", save)
    register(show)
    page.locator(f"#seat-{CHOLMONDELEY}").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("a")
    expect(page.locator(f'[data-student="{CHOLMONDELEY}"]')).to_have_attribute("data-status", "absent_unauthorised")
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert len(sent) == 1
    assert sent[0].count('name="student"') == 1
    assert CHOLMONDELEY in sent[0]
    assert "absent_unauthorised" in sent[0]


def test_finding_and_filtering_people(page: Page, show: Any):
    register(show)
    page.get_by_role("searchbox").fill("gwilym daf")
    expect(page.locator(".seat:visible")).to_have_count(1)
    page.get_by_role("searchbox").fill("")
    page.get_by_role("button", name="Not yet").click()
    expect(page.locator(".seat:visible")).to_have_count(page.locator('.seat[data-status="expected"]').count())

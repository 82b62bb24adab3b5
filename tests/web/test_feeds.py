"""The pages on which a feed is set up, watched and read."""

from datetime import timedelta

import pytest
from django.test import Client

from adsum.accounts.rules import Role
from adsum.integrations.imports.mapping import RULES
from adsum.timetable import services
from adsum.timetable.rules import PollOutcome
from adsum.timetable.services import Polling
from adsum.timetable.sources import FeedMapping, Import
from tests.kit.feeds import AT
from tests.kit.world import World

pytestmark = pytest.mark.django_db
TABLE = {
    "name": "CELCAT",
    "format": "events",
    "url": "https://uni.example/t.csv",
    "every_minutes": "15",
    "apply_below": "10",
    "alarm_hours": "6",
    "create": "on",
    **{f"{rule}_field": "SUMMARY" for rule in RULES},
}


@pytest.fixture
def office(world: World, client: Client) -> Client:
    client.force_login(world.person(Role.TIMETABLING))
    return client


def feed(name: str = "CELCAT") -> FeedMapping:
    how = Polling(format="events", every_minutes=15)
    return services.save_mapping(
        name=name, url="https://uni.example/t.csv", mapping={}, actor="system:test", at=AT, polling=how
    )


def test_a_table_is_set_up_to_be_asked(office: Client):
    answer = office.post("/imports/calendars/new/", TABLE, follow=True)
    assert answer.status_code == 200, answer.context["form"].errors
    saved = FeedMapping.objects.get()
    assert (saved.format, saved.every_minutes, saved.apply_below, saved.alarm_hours) == ("events", 15, 10, 6)
    assert saved.next_poll_at == saved.watched_since is not None
    page = answer.content.decode()
    assert "CELCAT is asked within a minute" in page
    assert "It has not been asked yet" in page
    assert 'value="10"' in office.get(f"/imports/calendars/{saved.pk}/").content.decode()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"format": "icalendar"}, "this pattern is needed"),
        ({"url": ""}, "Give the address that is to be asked"),
        ({"apply_below": "101"}, "less than or equal to 100"),
    ],
)
def test_what_is_missing_is_said(office: Client, data: dict[str, str], told: str):
    answer = office.post("/imports/calendars/new/", TABLE | data)
    assert answer.status_code == 422
    assert told in answer.content.decode()


def test_how_feeds_are_with_the_worst_first(office: Client):
    well, failing, silent = feed("well"), feed("failing"), feed("silent")
    services.save_poll(well, PollOutcome.SAME, at=AT, next_poll_at=AT)
    services.save_poll(failing, PollOutcome.FAILED, at=AT, next_poll_at=AT, message="It answered with status 500.")
    services.mark_stale([silent], at=AT)
    page = office.get("/imports/feeds/").content.decode()
    assert page.index("silent</a>") < page.index("failing</a>") < page.index("well</a>")
    for told in ("No answer for too long", "Last poll failed", "status 500", "every 15 minutes"):
        assert told in page
    assert "1 feed has not answered for too long" in office.get("/imports/").content.decode()
    assert "It has never answered" in office.get(f"/imports/feeds/{silent.pk}/").content.decode()


def waits(of: FeedMapping) -> Import:
    run = services.start_import(kind="events", filename="t.csv", content=b"x", options={}, actor="system:feeds", at=AT)
    services.save_diff(run, source=of.name, lines=[], troubles=[], counts={"class": {"cancelled": 30}}, stop="", digest="")
    services.save_poll(of, PollOutcome.WAITS, at=AT, next_poll_at=AT, message="More than 20 %", run=run)
    return run


def test_what_waits_leads_to_its_diff(office: Client):
    one = feed()
    run = waits(one)
    for address in ("/imports/feeds/", f"/imports/feeds/{one.pk}/"):
        assert f"/imports/{run.ref}/" in office.get(address).content.decode()
    page = office.get(f"/imports/feeds/{one.pk}/").content.decode()
    assert "30 cancelled" in page
    assert "More than 20 %" in page


def test_asked_now(office: Client):
    one = feed()
    answer = office.post(f"/imports/feeds/{one.pk}/ask/", follow=True)
    assert "asked within a few seconds" in answer.content.decode()


@pytest.mark.parametrize("rows", [1, 3])
def test_lists_cost_the_same_for_one_as_for_three(office: Client, rows: int, django_assert_num_queries):
    feeds = [feed(f"F{n}") for n in range(rows)]
    for n in range(rows):
        waits(feeds[0])
        services.save_poll(feeds[0], PollOutcome.SAME, at=AT + timedelta(minutes=n), next_poll_at=AT)
    with django_assert_num_queries(8):
        office.get("/imports/feeds/")
    with django_assert_num_queries(7):
        office.get(f"/imports/feeds/{feeds[0].pk}/")

"""What the timetabling team is told: each alarm of a feed once, reports from the room gathered until the next digest."""

from datetime import UTC, date, datetime, timedelta

import pytest

from adsum.accounts.models import RoleGrant
from adsum.accounts.rules import Role
from adsum.checkin import class_changes as changes
from adsum.checkin.class_changes import CANCELLED, ONLINE, TAKES_PLACE
from adsum.integrations.imports import feeds as polling
from adsum.messages.models import Message
from adsum.messages.telling import tell
from adsum.messages.topics import feeds
from adsum.messages.topics.registry import letter_of
from adsum.timetable.changes import Wanted
from adsum.timetable.models import ClassReport, Room
from adsum.timetable.rules import ImportState
from adsum.timetable.services import Polling, save_mapping, start_import
from adsum.timetable.sources import FeedMapping, Import
from tests.kit.told import FIVE, House, text, told
from tests.kit.world import NINE

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


class Office(House):
    """Tess of the timetabling team, and one who was of it until yesterday."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.tess, self.gone = self.person(Role.TIMETABLING), self.person(Role.TIMETABLING)
        RoleGrant.objects.filter(person=self.gone).update(ends_on=date(2026, 11, 22))


@pytest.fixture
def house(db: None) -> Office:
    return Office()


def feed(name: str, **columns: object) -> FeedMapping:
    url = f"https://timetable.example/{name}?token=secret"
    made = save_mapping(name=name, url=url, mapping={}, actor="system:test", at=NINE, polling=Polling(every_minutes=60))
    FeedMapping.objects.filter(pk=made.pk).update(**columns)
    return made


def test_an_alarm_of_a_feed_is_told_once_until_it_has_answered(house: Office):
    feed("CELCAT", last_error="Refused: https://timetable.example/?token=secret")
    polling.raise_alarms(NINE + DAY)
    for minutes in (0, 1, 60):
        tell(feeds.TOPIC, at=NINE + DAY + timedelta(minutes=minutes))
    assert told(house.tess) == ["The feed CELCAT is silent"]
    assert told(house.gone) == told(house.ada) == []
    said = text(Message.objects.get())
    assert "It has never answered." in said
    assert "secret" not in said + str(Message.objects.get().facts)
    FeedMapping.objects.update(stale_since=None, last_success_at=NINE + 2 * DAY)
    polling.raise_alarms(NINE + 3 * DAY)
    tell(feeds.TOPIC, at=NINE + 3 * DAY)
    assert len(told(house.tess)) == 2, "another alarm"
    assert "Last answer: Wednesday 25 November, 09:00." in text(Message.objects.latest("pk"))


def test_feeds_that_fall_silent_together_are_one_message_by_day(house: Office):
    feed("CELCAT")
    feed("CMIS")
    night = NINE + timedelta(hours=38)
    polling.raise_alarms(night)
    tell(feeds.TOPIC, at=night)
    assert told(house.tess) == ["2 feeds are silent"]
    assert Message.objects.get().due_at == datetime(2026, 11, 25, 7, tzinfo=UTC)


def said_by(name: str, at: datetime, state: ImportState = ImportState.CHECKED) -> Import:
    run = start_import(kind="events", filename="a", content=b"", options={"source": name}, actor="system:feeds", at=at)
    Import.objects.filter(pk=run.pk).update(state=state)
    return run


def test_a_feed_that_waits_is_told_once_until_it_is_decided(house: Office):
    for name in ("CELCAT", "CMIS"):
        feed(name)
    run, other = said_by("CELCAT", NINE), said_by("CMIS", NINE)
    assert tell(feeds.TOPIC, at=FIVE - timedelta(minutes=1)) == 0
    tell(feeds.TOPIC, at=FIVE)
    assert told(house.tess) == ["What 2 feeds say waits for you"]
    assert f"/imports/{run.ref}/" in [item.path for item in letter_of("feed_waits", Message.objects.get().facts).items]
    Import.objects.filter(pk=run.pk).update(state=ImportState.DISCARDED)
    said_by("CELCAT", FIVE + timedelta(hours=1))  # it has changed its mind, and still waits
    Import.objects.filter(pk=other.pk).update(state=ImportState.APPLIED)
    assert tell(feeds.TOPIC, at=FIVE + DAY) == 0
    said_by("CMIS", FIVE + DAY)
    tell(feeds.TOPIC, at=FIVE + 2 * DAY)
    assert told(house.tess)[1:] == ["What the feed CMIS says waits for you"]


@pytest.mark.parametrize(("by", "state"), [("system:feeds", ImportState.CHECKING), ("person:1", ImportState.CHECKED)])
def test_what_is_being_read_or_was_brought_by_a_person_waits_for_nobody_else(house: Office, by: str, state: ImportState):
    feed("CELCAT")
    Import.objects.filter(pk=said_by("CELCAT", NINE, state).pk).update(actor=by)
    assert tell(feeds.TOPIC, at=FIVE) == 0


def test_reports_of_a_day_are_one_message_at_the_digest(house: Office):
    other = house.session(house.l1, starts_at=NINE + 2 * DAY, staff=[house.ada])
    changes.change(house.coming, ONLINE, by=house.ada, at=NINE)
    changes.change(other, Wanted(rooms=[Room.objects.create(name="D9")]), by=house.ada, at=NINE + timedelta(hours=1))
    assert tell(feeds.TOPIC, at=FIVE - timedelta(minutes=1)) == 0
    for at in (FIVE, FIVE + timedelta(hours=1), FIVE + DAY):
        tell(feeds.TOPIC, at=at)
    assert told(house.tess) == ["2 reports from the room wait for you"]
    assert (told(house.gone), told(house.ada)) == ([], [])
    said = text(Message.objects.get(person=house.tess))
    assert "CS201 Algorithms, Monday 30 November, 09:00\nonline, or in the room" in said
    assert "its room" in said
    assert "Ada" not in said


@pytest.mark.parametrize("how", ["decided", "taken back", "final"])
def test_what_no_longer_waits_is_not_told(house: Office, how: str):
    changes.change(house.coming, CANCELLED, by=house.ada, at=NINE, final=how == "final")
    if how == "decided":
        changes.decide(ClassReport.objects.get(), confirmed=True, by=house.tess, at=NINE)
    elif how == "taken back":
        changes.change(house.coming, TAKES_PLACE, by=house.ada, at=NINE)
    assert tell(feeds.TOPIC, at=FIVE) == 0

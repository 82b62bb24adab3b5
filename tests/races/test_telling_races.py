"""Telling people: what there is to tell is found while others write, and two workers tell each person once."""

import threading
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from adsum.accounts.models import Department, Person
from adsum.accounts.rules import Role
from adsum.audit.following import Reader
from adsum.audit.models import Cursor, Event, Processed
from adsum.messages import telling
from adsum.messages.models import Message
from adsum.messages.telling import tell
from adsum.messages.topic import Draft, Pending, Reading, Topic
from adsum.messages.topics.feeds import SILENT
from adsum.messages.topics.registry import TOPICS
from tests.kit.meeting import at_once
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db(transaction=True)


def draft(person: Person, name: str = "race") -> Draft:
    facts = {"feeds": [{"feed": 1, "name": "CELCAT", "since": ""}]}
    return Draft(person, SILENT, f"{name}:{person.pk}", facts, NINE + timedelta(days=1))


def topic(find) -> Topic:
    return Topic(kinds=(), readings=(Reading("race", find),))


def test_nobody_waits_while_what_there_is_to_tell_is_found(world: World):
    team = world.person(Role.TIMETABLING)
    written = threading.Event()

    def find(_reader: Reader, _at: datetime, _zone: ZoneInfo) -> Pending:
        assert written.wait(20), "somebody else could not write meanwhile"
        return Pending([draft(team)], [7])

    def other() -> None:
        Department.objects.create(code="X", name="X")
        written.set()

    at_once(lambda: tell(topic(find), at=NINE), other)
    assert Message.objects.count() == 1
    assert list(Processed.objects.values_list("source", "row")) == [("race", 7)]


def test_two_workers_tell_each_person_once(world: World):
    team = [world.person(Role.TIMETABLING) for _ in range(3)]
    both, told = threading.Barrier(2), list[int]()

    def find(reader: Reader, _at: datetime, _zone: ZoneInfo) -> Pending:
        assert reader.known() == set()
        both.wait(20)  # both have looked before either writes
        return Pending([draft(one, f"by {threading.get_ident()}") for one in team], [1, 2])

    def worker() -> None:
        told.append(tell(topic(find), at=NINE))

    at_once(worker, worker)
    assert sorted(told) == [0, 3], "the slower one sees that another has read on"
    assert (Message.objects.count(), Processed.objects.count()) == (3, 2)


def test_many_messages_are_written_in_parts_and_done_with_at_the_end(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(telling, "PART", 2)
    team = [world.person(Role.TIMETABLING) for _ in range(5)]
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(telling, "let_others_write", lambda: seen.append((Message.objects.count(), Processed.objects.count())))
    find = partial(lambda pending, *_: pending, Pending([draft(one) for one in team], [3]))
    assert tell(topic(find), at=NINE) == 5
    assert seen == [(2, 0), (4, 0)]
    assert (Message.objects.count(), Event.objects.filter(verb="message.write").count()) == (5, 5)
    assert tell(topic(partial(lambda pending, *_: pending, Pending([draft(one) for one in team]))), at=NINE) == 0


def test_every_topic_is_found_on_a_snapshot_and_nothing_is_written_where_there_is_nothing_to_tell(world: World):
    for each in TOPICS.values():
        assert tell(each, at=NINE) == 0
    readings = [reading for each in TOPICS.values() for reading in each.readings]
    noted = {reading.source for reading in readings if reading.follows is not None or reading.moves}
    assert set(Cursor.objects.values_list("source", flat=True)) == noted, "these note how far they have read, or hold a lock"
    moved = dict(Cursor.objects.values_list("source", "seen_at"))
    for each in TOPICS.values():
        assert tell(each, at=NINE + timedelta(minutes=1)) == 0
    assert dict(Cursor.objects.values_list("source", "seen_at")) == moved

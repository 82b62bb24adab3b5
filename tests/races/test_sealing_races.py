"""Many write events, some change their minds, and several seal at once: each event has one place in the tree."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from random import Random

import pytest
from django.db import OperationalError, connection, transaction

from adsum.audit import services
from adsum.audit.models import Event, Leaf
from adsum.audit.tree import people_behind
from adsum.audit.verification import verify
from tests.kit.world import NINE

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS, TIMES = 4, 25


class Changed(Exception):
    """Rolls a transaction back: its numbers stay missing."""


def _write(seed: int) -> None:
    chance = Random(seed)
    for n in range(TIMES):
        with suppress(Changed), transaction.atomic():
            whose = [1 + (n + k) % 40 for k in range(chance.randint(1, 6))]
            entries = [services.Entry("race.event", f"thing:{seed}", {"student": pk}) for pk in whose]
            services.record_all(entries, actor=f"person:{seed}", at=NINE)
            if chance.random() < 0.2:
                raise Changed


def _seal(done: threading.Event) -> None:
    while not done.wait(0.005):
        try:
            services.seal(at=NINE)
        except OperationalError:  # SQLite: the other one has the database
            continue


def test_each_event_has_one_place():
    done = threading.Event()
    writers = [_thread(partial(_write, seed)) for seed in range(1, WRITERS + 1)]
    sealers = [_thread(lambda: _seal(done)) for _ in range(2)]
    for thread in [*writers, *sealers]:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in sealers:
        thread.join()
    services.seal(at=NINE + timedelta(minutes=1))
    events = set(Event.objects.values_list("pk", flat=True))
    places = list(Leaf.objects.order_by("index").values_list("index", "event_id"))
    assert len(events) > WRITERS * TIMES / 2
    assert sorted(event for _index, event in places) == sorted(events)
    assert [index for index, _event in places] == list(range(len(events)))
    assert verify().finding is None
    tokens = {actor.removeprefix("person:") for actor in Event.objects.values_list("actor", flat=True)}
    assert set(people_behind(tokens).values()) == set(range(1, WRITERS + 1))
    assert people_behind(tokens).keys() == tokens, "whoever made an alias, it says who it is"


def _thread(what: Callable[[], None]) -> threading.Thread:
    def run() -> None:
        try:
            what()
        finally:
            connection.close()

    return threading.Thread(target=run)

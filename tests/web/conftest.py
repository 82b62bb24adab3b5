"""What tests of pages start from: a class in progress, seen by its lecturer; the house with everything an address can name."""

from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client

from tests.kit.house import House
from tests.kit.room import FIVE_PAST, Room
from tests.kit.world import World


@pytest.fixture
def room(world: World, client: Client) -> Iterator[Room]:
    with time_machine.travel(FIVE_PAST, tick=False) as clock:
        yield Room(world, client, clock)


@pytest.fixture
def house(shared_house: House) -> House:
    return shared_house

"""A class whose check-in is open, and a gate at five past: what tests of the gate start from."""

from collections.abc import AsyncIterator

import pytest

from tests.kit.open_class import FIVE_PAST, Room
from tests.kit.phones import Gates
from tests.kit.world import in_thread


@pytest.fixture
async def room(transactional_db: None) -> Room:
    return await in_thread(Room)


@pytest.fixture
async def gates(room: Room) -> AsyncIterator[Gates]:
    async with Gates.open(FIVE_PAST) as gates:
        yield gates

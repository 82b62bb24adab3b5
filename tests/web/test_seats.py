"""How many live streams one account, class, screen and process may have: each gets its seat, and gives it back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.web.live.seats import Seat, Seats
from tests.kit.listening import Class, House
from tests.kit.world import World, in_thread

SMALL = {"process": 5, "class": 3, "account": 2}


@pytest.mark.parametrize(
    ("taken", "wanted", "free"),
    [
        ([], ("a", 1), True),
        ([("a", 1)], ("a", 1), True),
        ([("a", 1), ("a", 2)], ("a", 3), False),  # the account
        ([("a", 1), ("a", 2)], ("b", 3), True),
        ([("a", 1), ("b", 1), ("c", 1)], ("d", 1), False),  # the class
        ([("a", 1), ("b", 1), ("c", 1)], ("d", 2), True),
        ([("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5)], ("f", 6), False),  # the process
    ],
)
def test_where_there_is_room(taken: list[tuple[str, int]], wanted: tuple[str, int], free: bool):
    seats = Seats(SMALL)
    held = [seats.take(account=account, **{"class": session}) for account, session in taken]
    assert None not in held
    seat = seats.take(account=wanted[0], **{"class": wanted[1]})
    assert (seat is not None) == free
    assert len(seats) == len(taken) + free, "one that finds no room takes none"


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abc"), st.sampled_from([1, 2]))))
def test_what_is_given_back_is_free_again(steps: list[tuple[bool, str, int]]):
    seats, held = Seats(SMALL), list[Seat]()
    for comes, account, session in steps:
        if comes and (seat := seats.take(account=account, **{"class": session})):
            held.append(seat)
        elif held and not comes:
            held.pop().give_back()
        assert len(seats) == len(held) <= SMALL["process"]
    for seat in held:
        seat.give_back()
        seat.give_back()  # twice is once
    assert len(seats) == 0
    assert seats.take(account="a", **{"class": 1}) is not None


@pytest.mark.django_db(transaction=True)
async def test_a_browser_that_has_too_many_windows_is_told_so_until_it_closes_one() -> None:
    room = await in_thread(lambda: Class.begin(World()))
    async with House.open() as house:
        house.live.seats = Seats(SMALL)
        first, second = [await house.register(room.session.ref, room.lecturer) for _ in range(2)]
        third = await house.register(room.session.ref, room.lecturer)
        assert (first.status, second.status, third.status) == (200, 200, 429)
        assert third.headers["retry-after"] == "15"
        assert b"Close some of them" in third.raw
        assert second.open, "the others stay"
        await first.close()
        assert len(house.live.seats) == 1
        assert (await house.register(room.session.ref, room.lecturer)).status == 200

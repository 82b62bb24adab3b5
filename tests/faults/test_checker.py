"""The checker sees what must never be: each violation planted, in what was read and in a real database."""

from collections import Counter
from copy import deepcopy

import pytest

from tests.faults.campus import Stored, ask
from tests.faults.checker import receipt_of, violations
from tests.faults.conftest import Campus
from tests.faults.phones import Phone, burst

REF = "8f14e45fceea467fa8d5b1a1c2d3e4f5"
KEY = (7, 3)


def room() -> tuple[Phone, Stored]:
    """One student who is in, and everything that says so."""
    phone = Phone(*KEY, code="", cookie="", ticket="t", receipt=receipt_of(REF), scans=1, taps=1)
    return phone, Stored({KEY: [REF]}, Counter([KEY]), Counter([KEY]), Counter([KEY]))


def test_a_room_in_order_is_in_order() -> None:
    phone, stored = room()
    assert violations([phone], stored) == []


@pytest.mark.parametrize("what", ["marks", "changes", "events"])
@pytest.mark.parametrize("number", [0, 2])
def test_one_row_lost_or_doubled(what: str, number: int) -> None:
    phone, stored = room()
    getattr(stored, what)[KEY] = number
    assert violations([phone], stored) == [f"{KEY} has {number} {what}"]


def test_a_scan_lost_or_doubled() -> None:
    phone, stored = room()
    stored.scans[KEY].append("0" * 32)
    assert violations([phone], stored) == [f"{KEY} has 2 scans"]
    assert violations([phone], Stored({}, Counter(), Counter(), Counter()))[0] == f"{KEY} has 0 scans"


def test_what_nobody_asked_for() -> None:
    _phone, stored = room()
    assert violations([], stored) == [f"{KEY} is stored and unheard of"]
    never = Phone(*KEY, code="", cookie="", scans=1)
    assert f"{KEY} is stored and never tapped" in violations([never], stored)
    half = Stored({}, Counter([KEY]), Counter(), Counter())
    assert any("half a check-in" in one for one in violations([deepcopy(never)], half))


def test_what_a_phone_was_told_wrongly() -> None:
    phone, stored = room()
    phone.receipt = "0000-00"
    assert any("holds receipt 0000-00" in one for one in violations([phone], stored))
    phone.receipt, phone.refused = "", "closed"
    assert f"{KEY} was refused: closed" in violations([phone], stored)
    phone.refused = ""
    assert any("could not finish" in one for one in violations([phone], stored))
    phone, stored = room()
    phone.scans = 2
    assert violations([phone], stored) == [f"{KEY} needed 2 tickets"]


async def test_a_lost_mark_and_a_doubled_event_in_a_real_database(on_sqlite: Campus) -> None:
    phones = on_sqlite.phones[:50]
    with on_sqlite.served(workers=1) as server:
        await burst(phones, [server.port])
    assert violations(phones, on_sqlite.stored()) == []
    lost, doubled = phones[0], phones[1]
    (scan,) = on_sqlite.stored().scans[doubled.student, doubled.session]
    ask(on_sqlite.url, f"DELETE FROM adsum_mark WHERE student_id = {lost.student}")
    ask(
        on_sqlite.url,
        "INSERT INTO adsum_event (at, actor, verb, subject, detail) SELECT at, actor, verb, subject, detail"
        f" FROM adsum_event WHERE detail LIKE '%{scan}%'",
    )
    assert violations(phones, on_sqlite.stored()) == [
        f"{(lost.student, lost.session)} has 0 marks",
        f"{(doubled.student, doubled.session)} has 2 events",
    ]

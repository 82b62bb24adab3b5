"""What becomes of an attempt: the rules as tables."""

from dataclasses import replace
from uuid import UUID

import pytest

from adsum.checkin.rules import OUTAGE_TICKET_MS, OpeningFacts, Outcome, Refusal, Ticket, judge, needs_relief
from tests.kit.world import NINE

MINUTE = 60_000
STARTS = int(NINE.timestamp() * 1000)
FACTS = OpeningFacts(
    opens_ms=STARTS - 10 * MINUTE,
    late_until_ms=STARTS + 30 * MINUTE,
    stopped_ms=None,
    cancelled=False,
    frozen=False,
    expected=True,
)


def ticket(
    minute: float = 2, *, person: int = 0, refusal: Refusal | None = None, minutes: int = 10, bound: bool = False
) -> Ticket:
    seen = STARTS + int(minute * MINUTE)
    return Ticket(
        id=bytes(16),
        opening=1,
        epoch=1,
        slot=0,
        counter=0,
        first_seen_ms=seen,
        age_ms=0,
        network=0,
        typed=False,
        new_device=False,
        device=bytes(16),
        person=person,
        expires_ms=seen + 10 * MINUTE,
        refusal=refusal,
        bound=bound,
    )


UNPROVEN = replace(ticket(2, person=5), unproven=True, expires_ms=STARTS + OUTAGE_TICKET_MS)


def facts(**changed: object) -> OpeningFacts:
    return replace(FACTS, **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("scanned", "confirmed", "given", "verdict"),
    [
        pytest.param(ticket(2), 3, FACTS, None, id="in time"),
        pytest.param(ticket(-10), -9, FACTS, None, id="the moment it opens"),
        pytest.param(ticket(-11), -9, FACTS, Refusal.TOO_EARLY, id="a minute too early"),
        pytest.param(ticket(29), 38, FACTS, None, id="scanned in time, signed in after the end: counts"),
        pytest.param(ticket(30), 31, FACTS, Refusal.CLOSED, id="scanned at the end"),
        pytest.param(ticket(2), 13, FACTS, Refusal.TICKET_EXPIRED, id="sign-in outlasted the ticket, still open"),
        pytest.param(ticket(25), 36, FACTS, Refusal.CLOSED, id="sign-in outlasted the ticket and the class"),
        pytest.param(ticket(2), 3, facts(cancelled=True), Refusal.CANCELLED, id="cancelled"),
        pytest.param(ticket(2), 3, facts(frozen=True), Refusal.PAUSED, id="frozen"),
        pytest.param(ticket(2), 3, facts(expected=False), Refusal.NOT_EXPECTED, id="another group"),
        pytest.param(ticket(2, person=5), 3, FACTS, None, id="scanned while signed in"),
        pytest.param(ticket(2, person=6), 3, FACTS, Refusal.TICKET_USED, id="scanned by someone else, signed in"),
        pytest.param(
            ticket(2, person=6, refusal=Refusal.OFFLINE), 3, FACTS, Refusal.TICKET_USED, id="a refused scan of someone else"
        ),
        pytest.param(ticket(2, refusal=Refusal.STALE_CODE), 3, FACTS, Refusal.STALE_CODE, id="a refused scan stays refused"),
        pytest.param(ticket(2), 9, facts(stopped_ms=STARTS + 5 * MINUTE), None, id="scanned before it was stopped"),
        pytest.param(UNPROVEN, 300, FACTS, Refusal.OFFLINE, id="kept by a phone"),
        pytest.param(UNPROVEN, 300, facts(expected=False), Refusal.NOT_EXPECTED, id="kept by a phone, of another group"),
        pytest.param(UNPROVEN, 300, facts(cancelled=True), Refusal.CANCELLED, id="kept by a phone, cancelled"),
        pytest.param(ticket(6), 9, facts(stopped_ms=STARTS + 5 * MINUTE), Refusal.CLOSED, id="scanned after it was stopped"),
    ],
)
def test_whether_a_scan_counts(scanned: Ticket, confirmed: float, given: OpeningFacts, verdict: Refusal | None) -> None:
    assert judge(scanned, person=5, facts=given, now_ms=STARTS + int(confirmed * MINUTE)) == verdict


STOPPED = facts(stopped_ms=STARTS + 20 * MINUTE)
OUTAGE = facts(outage=True)
DAY = OUTAGE_TICKET_MS // MINUTE


@pytest.mark.parametrize(
    ("seen", "given", "ends", "before", "then"),
    [
        pytest.param(2, FACTS, 12, None, Refusal.TICKET_EXPIRED, id="a ticket"),
        pytest.param(2, OUTAGE, 2 + DAY, None, Refusal.CLOSED, id="a ticket in an outage"),
        pytest.param(2, FACTS, 30, Refusal.TICKET_EXPIRED, Refusal.CLOSED, id="the class of an expired ticket"),
        pytest.param(2, STOPPED, 20, Refusal.TICKET_EXPIRED, Refusal.CLOSED, id="its check-in, stopped by hand"),
    ],
)
def test_the_millisecond_in_which_a_confirmation_comes_too_late(
    seen: float, given: OpeningFacts, ends: int, before: Refusal | None, then: Refusal
) -> None:
    end = STARTS + ends * MINUTE
    assert [judge(ticket(seen), person=5, facts=given, now_ms=now) for now in (end - 1, end)] == [before, then]


@pytest.mark.parametrize(
    ("given", "ends", "before", "then"),
    [
        pytest.param(FACTS, -10, Refusal.TOO_EARLY, None, id="it opens"),
        pytest.param(FACTS, 30, None, Refusal.CLOSED, id="it closes"),
        pytest.param(STOPPED, 20, None, Refusal.CLOSED, id="it is stopped by hand"),
    ],
)
def test_the_millisecond_of_a_scan_decides(
    given: OpeningFacts, ends: int, before: Refusal | None, then: Refusal | None
) -> None:
    end = STARTS + ends * MINUTE
    scans = [replace(ticket(), first_seen_ms=seen, expires_ms=seen + MINUTE) for seen in (end - 1, end)]
    assert [judge(one, person=5, facts=given, now_ms=one.first_seen_ms) for one in scans] == [before, then]


@pytest.mark.parametrize(
    ("bound", "device", "verdict"),
    [
        (True, bytes(16), None),
        (True, bytes([1]) * 16, Refusal.OTHER_BROWSER),
        (True, None, Refusal.OTHER_BROWSER),
        (False, bytes([1]) * 16, None),
        (False, None, None),
    ],
)
def test_a_scan_made_before_signing_in_counts_in_its_own_browser(
    bound: bool, device: bytes | None, verdict: Refusal | None
) -> None:
    assert judge(ticket(bound=bound), person=5, facts=FACTS, now_ms=STARTS + 3 * MINUTE, device=device) == verdict


@pytest.mark.parametrize(
    ("late", "came", "relief"),
    [
        (10, 199, True),
        (10, 200, False),  # one in twenty, not more
        (11, 219, True),
        (11, 220, False),
        (9, 9, False),  # too few to tell, even where it is everybody
        (10, 10, True),
        (0, 0, False),
    ],
)
def test_a_class_is_relieved_when_ten_and_more_than_one_in_twenty_came_late(late: int, came: int, relief: bool) -> None:
    assert needs_relief(late=late, came=came) is relief


@pytest.mark.parametrize("refusal", [None, *Refusal])
def test_who_is_in_is_in_whether_just_now_or_before(refusal: Refusal | None) -> None:
    outcome = Outcome(UUID(int=1), refusal)
    assert outcome.counts is (refusal is None or refusal == Refusal.ALREADY_IN)

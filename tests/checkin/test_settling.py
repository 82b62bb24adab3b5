"""What the register already knows decides about an attempt: tables of one, and what a batch learns on the way. No database."""

from dataclasses import replace
from datetime import timedelta
from itertools import count
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.checkin.rules import HELD, Attempt, Before, KnownMark, Outcome, Refusal, Settled, settle
from tests.kit.world import NINE

GRACE, HENRY = 1, 2
CLASS, NEXT_CLASS = 70, 71
TICKET, OTHER_TICKET = UUID(int=500), UUID(int=501)
EARLIER = UUID(int=900)
"""The scan of an attempt that was written before."""
AGO = NINE - timedelta(minutes=1)
REFS = count(1)

AT_ONCE = Attempt(
    ref=UUID(int=0),
    opening=7,
    session=CLASS,
    student=GRACE,
    ticket=TICKET,
    verdict=None,
    late=False,
    minutes_late=0,
    first_seen_at=NINE,
    finished_at=NINE + timedelta(seconds=5),
    typed=False,
    slot=0,
    age_ms=100,
    device="phone",
    new_device=False,
    network="campus",
    network_changed=False,
    signed_in_after=False,
    agent="",
)
PRESENT = KnownMark("present", True, AGO, gives_way=True)
SAID_PRESENT = KnownMark("present", True, AGO, gives_way=False)
ABSENT = KnownMark("absent_unauthorised", False, AGO, gives_way=True)
SAID_ABSENT = KnownMark("absent_unauthorised", False, AGO, gives_way=False)


def attempt(**changed: object) -> Attempt:
    return replace(AT_ONCE, ref=UUID(int=next(REFS)), **changed)  # type: ignore[arg-type]


def known(
    mark: KnownMark | None = None, *, used_by: int = GRACE, earlier: Outcome | None = None, device_of: int | None = None
) -> Before:
    return Before(
        marks={(CLASS, GRACE): mark} if mark else {},
        tickets={TICKET: (used_by, earlier)} if earlier else {},
        devices={(CLASS, "phone"): device_of} if device_of else {},
    )


def decided(one: Attempt, before: Before) -> Settled:
    (settled,) = settle([one], before)
    assert settled.attempt is one
    return settled


@pytest.mark.parametrize(("late", "status"), [(False, "present"), (True, "late")])
@pytest.mark.parametrize("standing", [None, ABSENT], ids=["no mark", "a mark that gives way"])
def test_who_scans_in_time_is_in(late: bool, status: str, standing: KnownMark | None) -> None:
    one = attempt(late=late)
    assert decided(one, known(standing)) == Settled(
        one, Outcome(one.ref, None, status, NINE), kept=True, marks=True, replaces=standing
    )


ACCOUNT_2, IN, AWAY = Refusal.SAME_DEVICE, Refusal.ALREADY_IN, Refusal.OTHER_BROWSER


@pytest.mark.parametrize(
    ("verdict", "elsewhere", "standing", "device_of", "refusal"),
    [
        (None, False, PRESENT, None, IN),
        (None, False, SAID_PRESENT, None, IN),  # a person has marked them present: they are in all the same
        (None, False, SAID_ABSENT, None, Refusal.AMENDED),
        (None, False, None, HENRY, ACCOUNT_2),
        (None, False, ABSENT, HENRY, ACCOUNT_2),
        (None, False, PRESENT, HENRY, IN),
        (None, False, SAID_ABSENT, HENRY, Refusal.AMENDED),
        (None, True, PRESENT, None, AWAY),  # a second check answered in another browser says nothing
        (Refusal.NOT_EXPECTED, False, None, None, Refusal.NOT_EXPECTED),
        (Refusal.NOT_EXPECTED, False, PRESENT, None, IN),
        (Refusal.NOT_EXPECTED, False, SAID_ABSENT, None, Refusal.NOT_EXPECTED),
        (Refusal.NOT_EXPECTED, False, None, HENRY, Refusal.NOT_EXPECTED),
        (Refusal.CLOSED, False, ABSENT, None, Refusal.CLOSED),
        (Refusal.CLOSED, False, PRESENT, None, IN),
        (AWAY, False, PRESENT, None, IN),
        (AWAY, True, PRESENT, None, AWAY),
        (AWAY, False, None, None, AWAY),
        (Refusal.OFFLINE, False, PRESENT, None, IN),
        (Refusal.OFFLINE, True, PRESENT, None, Refusal.OFFLINE),  # nor does one whose time only the phone knows
        (Refusal.OFFLINE, False, None, HENRY, Refusal.OFFLINE),
        (Refusal.RECOVERED, False, PRESENT, None, IN),
        (Refusal.RECOVERED, False, SAID_ABSENT, None, Refusal.RECOVERED),
        (Refusal.STALE_CODE, False, PRESENT, None, Refusal.STALE_CODE),  # who is in is told that the code is old
        (Refusal.STALE_CODE, False, None, HENRY, Refusal.STALE_CODE),
    ],
)
def test_why_a_scan_makes_no_mark(
    verdict: Refusal | None, elsewhere: bool, standing: KnownMark | None, device_of: int | None, refusal: Refusal
) -> None:
    one = attempt(verdict=verdict, elsewhere=elsewhere)
    shown = ("present", AGO) if refusal == IN else ("", None)
    assert decided(one, known(standing, device_of=device_of)) == Settled(
        one, Outcome(one.ref, refusal, *shown), kept=True, marks=False
    )


def test_a_device_is_somebody_elses_only_in_the_same_class() -> None:
    before = known(device_of=HENRY)
    assert decided(attempt(session=NEXT_CLASS), before).marks
    assert decided(attempt(device="tablet", ticket=OTHER_TICKET), before).marks
    assert decided(attempt(), known(device_of=GRACE)).marks


WAS_IN = Outcome(EARLIER, None, "present", AGO)


@pytest.mark.parametrize(
    ("earlier", "verdict", "elsewhere", "standing", "outcome"),
    [
        (WAS_IN, None, False, PRESENT, WAS_IN),
        (WAS_IN, Refusal.CLOSED, False, None, WAS_IN),  # the same answer, however late the page asks again
        (Outcome(EARLIER, IN, "late", AGO), None, False, PRESENT, Outcome(EARLIER, IN, "late", AGO)),
        (Outcome(EARLIER, ACCOUNT_2), None, False, None, Outcome(EARLIER, ACCOUNT_2)),
        (Outcome(EARLIER, ACCOUNT_2), None, False, ABSENT, Outcome(EARLIER, ACCOUNT_2)),
        (Outcome(EARLIER, ACCOUNT_2), None, False, PRESENT, Outcome(EARLIER, IN, "present", AGO)),  # accepted since
        (Outcome(EARLIER, ACCOUNT_2), None, True, PRESENT, Outcome(EARLIER, ACCOUNT_2)),
        (Outcome(EARLIER, Refusal.CLOSED), Refusal.CLOSED, False, None, Outcome(EARLIER, Refusal.CLOSED)),
        (Outcome(EARLIER, Refusal.CLOSED), Refusal.CLOSED, False, PRESENT, Outcome(EARLIER, Refusal.CLOSED)),
    ],
)
def test_the_same_ticket_gets_the_same_answer(
    earlier: Outcome, verdict: Refusal | None, elsewhere: bool, standing: KnownMark | None, outcome: Outcome
) -> None:
    one = attempt(verdict=verdict, elsewhere=elsewhere)
    assert decided(one, known(standing, earlier=earlier)) == Settled(one, outcome, kept=False, marks=False)


@pytest.mark.parametrize(
    ("used_by", "earlier", "verdict", "refusal"),
    [
        (HENRY, WAS_IN, None, Refusal.TICKET_USED),
        (HENRY, WAS_IN, Refusal.CLOSED, Refusal.TICKET_USED),
        (HENRY, Outcome(EARLIER, IN, "present", AGO), None, Refusal.TICKET_USED),
        (HENRY, Outcome(EARLIER, ACCOUNT_2), None, None),  # it counted for no one yet
        (HENRY, Outcome(EARLIER, Refusal.CLOSED), Refusal.CLOSED, Refusal.CLOSED),
        (GRACE, Outcome(EARLIER, Refusal.CLOSED), None, None),  # the class was opened again
        (GRACE, Outcome(EARLIER, Refusal.PAUSED), Refusal.CLOSED, Refusal.CLOSED),
    ],
)
def test_a_ticket_counts_once(used_by: int, earlier: Outcome, verdict: Refusal | None, refusal: Refusal | None) -> None:
    one = attempt(verdict=verdict)
    settled = decided(one, known(used_by=used_by, earlier=earlier))
    assert (settled.outcome.scan, settled.outcome.refusal, settled.kept) == (one.ref, refusal, True)
    assert settled.marks is (refusal is None)


def test_a_batch_learns_on_the_way() -> None:
    first = attempt(late=True)
    again = attempt()
    second_ticket = attempt(ticket=OTHER_TICKET)
    friend = attempt(student=HENRY, ticket=UUID(int=502))
    borrowed = attempt(student=HENRY)
    before = known()
    settled = settle([first, again, second_ticket, friend, borrowed], before)
    assert [one.outcome.refusal for one in settled] == [None, None, IN, ACCOUNT_2, Refusal.TICKET_USED]
    assert [one.kept for one in settled] == [True, False, True, True, True]
    assert [one.marks for one in settled] == [True, False, False, False, False]
    assert settled[1].outcome == settled[0].outcome
    assert (settled[2].outcome.status, settled[2].outcome.at) == ("late", NINE)
    assert before.marks == {(CLASS, GRACE): KnownMark("late", True, NINE, gives_way=True)}
    assert before.devices == {(CLASS, "phone"): GRACE}
    assert before.tickets == {
        TICKET: (GRACE, settled[0].outcome),
        OTHER_TICKET: (GRACE, settled[2].outcome),
        UUID(int=502): (HENRY, settled[3].outcome),
    }


def test_a_batch_remembers_the_latest_of_a_ticket_that_has_not_counted() -> None:
    before = known()
    closed, stale, counts = attempt(verdict=Refusal.CLOSED), attempt(verdict=Refusal.STALE_CODE), attempt()
    for one in (closed, stale, counts):
        settled = decided(one, before)
        assert before.tickets == {TICKET: (GRACE, settled.outcome)}
        assert settled.outcome.scan == one.ref
    assert before.marks == {(CLASS, GRACE): KnownMark("present", True, NINE, gives_way=True)}


def test_attempts_without_a_device_are_not_one_device() -> None:
    before = known()
    settled = settle([attempt(device=""), attempt(device="", student=HENRY, ticket=OTHER_TICKET)], before)
    assert [one.outcome.refusal for one in settled] == [None, None]
    assert before.devices == {}


ATTEMPTS = st.builds(
    attempt,
    session=st.sampled_from([CLASS, NEXT_CLASS]),
    student=st.sampled_from([GRACE, HENRY]),
    ticket=st.sampled_from([TICKET, OTHER_TICKET]),
    verdict=st.sampled_from([None, *sorted(HELD), Refusal.CLOSED, Refusal.STALE_CODE]),
    device=st.sampled_from(["", "phone", "tablet"]),
    late=st.booleans(),
    elsewhere=st.booleans(),
)


@given(st.lists(ATTEMPTS, max_size=12))
def test_whatever_comes_a_ticket_a_student_and_a_device_count_once(attempts: list[Attempt]) -> None:
    made = [one.attempt for one in settle(attempts, known()) if one.marks]
    for alike in ([one.ticket for one in made], [(one.session, one.student) for one in made]):
        assert len(alike) == len(set(alike))
    owners = {(one.session, one.device, one.student) for one in made if one.device}
    assert len(owners) == len({(session, device) for session, device, _student in owners})


@given(st.lists(ATTEMPTS, max_size=8))
def test_two_batches_settle_as_one(attempts: list[Attempt]) -> None:
    half, before = len(attempts) // 2, known()
    apart = settle(attempts[:half], before) + settle(attempts[half:], before)
    assert apart == settle(attempts, known())

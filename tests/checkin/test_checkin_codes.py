"""Codes and tickets: what a screen shows is believed, what it did not show is not."""

import string
from dataclasses import replace

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from adsum.checkin.codes import (
    COUNTER_BITS,
    EARLY_MS,
    Code,
    EpochKey,
    Pass,
    clean_typed,
    epoch_keys,
    make_code,
    make_typed,
    parse_code,
    read_code,
    read_typed,
    seal_pass,
    seal_ticket,
    unseal_pass,
    unseal_ticket,
)
from adsum.checkin.rules import Refusal, Ticket
from adsum.core.ids import ALPHABET
from adsum.core.signing import seal, tag, unseal

MASTER = bytes(range(32))
BEGAN = 1_792_830_600_000
HANDLE = 123_456_789


def epoch(opening: int = 7, number: int = 1, *, period: int = 60_000, grace: int = 15_000, began: int = BEGAN) -> EpochKey:
    key, typed_key = epoch_keys(MASTER, opening=opening, epoch=number)
    return EpochKey(opening, number, key, typed_key, period, grace, began)


def shown(one: EpochKey, at_ms: int, slot: int = 0) -> str:
    """What a display of this class shows at that moment."""
    return make_code(one, handle=HANDLE, slot=slot, counter=one.counter_at(at_ms))


def read(text: str, one: EpochKey, at_ms: int) -> Refusal | None:
    code = parse_code(text)
    return read_code(code, [one], now_ms=at_ms).refusal if code else Refusal.UNKNOWN_CODE


def test_a_code_is_36_characters_of_the_qr_alphabet() -> None:
    text = shown(epoch(), BEGAN)
    assert len(text) == 36
    assert set(text) <= set(string.digits + string.ascii_uppercase)


@pytest.mark.parametrize(
    ("after", "counter", "left"),
    [
        (0, 0, 60_000),
        (1, 0, 59_999),
        (59_999, 0, 1),
        (60_000, 1, 60_000),
        (200_500, 3, 39_500),
        (-500, 0, 60_500),  # a clock that is behind shows the first code a little longer
    ],
)
def test_when_the_code_changes(after: int, counter: int, left: int) -> None:
    assert (epoch().counter_at(BEGAN + after), epoch().left_ms(BEGAN + after)) == (counter, left)


def test_the_parts_of_a_code_are_where_they_are_read() -> None:
    """A code of one slot or moment carries no other, and its tag fills what is left."""
    one = epoch()
    code = parse_code(make_code(one, handle=HANDLE, slot=17, counter=3 + (1 << COUNTER_BITS)))
    assert code is not None
    assert (code.handle, code.slot, code.counter, len(code.tag)) == (HANDLE, 17, 3, 16)
    assert read_code(code, [one], now_ms=BEGAN + 3 * 60_000).refusal is None


@pytest.mark.parametrize(("ahead", "future"), [(EARLY_MS - 1, False), (EARLY_MS, False), (EARLY_MS + 1, True)])
def test_half_a_second_ahead_is_still_believed(ahead: int, future: bool) -> None:
    one = epoch()
    code = parse_code(shown(one, BEGAN + 60_000))
    assert code is not None
    reading = read_code(code, [one], now_ms=BEGAN + 60_000 - ahead)
    assert (reading.age_ms, reading.from_the_future) == (-ahead, future)
    assert reading.refusal == (Refusal.STALE_CODE if future else None)


HALF = 1 << (COUNTER_BITS - 1)


@pytest.mark.parametrize(
    ("shown_in", "read_in", "age_ms"),
    [
        (HALF + 9, 10, (HALF - 1) * -5_000),  # less than half a turn ahead of the clock
        (HALF + 10, 10, HALF * 5_000),  # as far ahead as behind: it is taken for an old one
        (10, HALF + 9, (HALF - 1) * 5_000),
        (0, 2 * HALF, 0),
        (2, 2 * HALF, -10_000),
    ],
)
def test_the_interval_meant_is_the_nearest(shown_in: int, read_in: int, age_ms: int) -> None:
    one = epoch(period=5_000, grace=10_000)
    code = parse_code(make_code(one, handle=HANDLE, slot=0, counter=shown_in))
    assert code is not None
    assert read_code(code, [one], now_ms=BEGAN + read_in * 5_000).age_ms == age_ms


paces = st.tuples(st.integers(1_000, 120_000), st.integers(0, 240_000))
moments = st.integers(0, 40 * 3600 * 1000)


@given(pace=paces, since=moments, held=st.integers(0, 400_000), slot=st.integers(0, 31))
@example(pace=(60_000, 15_000), since=0, held=74_999, slot=0)
@example(pace=(60_000, 15_000), since=0, held=75_000, slot=0)
@example(pace=(5_000, 120_000), since=3, held=0, slot=1)
def test_any_code_on_any_screen_counts_from_when_it_is_shown_until_grace_after_it_changes(
    pace: tuple[int, int], since: int, held: int, slot: int
) -> None:
    """Pitfalls 4 and 5: two screens, reloads and a grace larger than the period never refuse a good code."""
    one = epoch(period=pace[0], grace=pace[1])
    at = BEGAN + since
    text = shown(one, at, slot)
    interval_began = BEGAN + one.counter_at(at) * one.period_ms
    good = at + held < interval_began + pace[0] + pace[1]
    assert read(text, one, at + held) == (None if good else Refusal.STALE_CODE)


@given(since=st.integers(60_000, 10_000_000), ahead=st.integers(0, 5_000))
def test_a_screen_served_by_a_node_whose_clock_is_ahead_is_believed_for_half_a_second(since: int, ahead: int) -> None:
    """Pitfall 3: clocks. The node that shows is `ahead` of the node that reads."""
    one = epoch()
    now = BEGAN + since
    code = parse_code(shown(one, now + ahead))
    assert code is not None
    reading = read_code(code, [one], now_ms=now)
    early = -reading.age_ms
    assert (reading.refusal is None) == (early <= EARLY_MS)
    assert reading.from_the_future == (early > EARLY_MS)


@given(since=moments, later=st.integers(0, 20 * 3600 * 1000))
def test_two_displays_of_one_class_never_refuse_each_others_codes(since: int, later: int) -> None:
    one = epoch()
    first, second = shown(one, BEGAN + since, slot=0), shown(one, BEGAN + since, slot=1)
    assert first != second
    assert read(first, one, BEGAN + since + later) == read(second, one, BEGAN + since + later)


@given(turns=st.integers(0, 3), since=st.integers(0, 60_000))
def test_the_counter_may_wrap_around(turns: int, since: int) -> None:
    one = epoch(period=5_000, grace=10_000)
    at = BEGAN + turns * (1 << COUNTER_BITS) * 5_000 + since
    assert read(shown(one, at), one, at) is None
    assert read(shown(one, at), one, at + 15_000) == Refusal.STALE_CODE


@given(text=st.text(ALPHABET, min_size=36, max_size=36))
def test_a_code_nobody_showed_is_unknown(text: str) -> None:
    """Pitfall 15: a forged code."""
    assert read(text, epoch(), BEGAN) == Refusal.UNKNOWN_CODE


@given(at=moments, position=st.integers(6, 35), char=st.sampled_from(ALPHABET))
def test_a_code_with_one_other_character_is_unknown(at: int, position: int, char: str) -> None:
    """Pitfall 15: a forged code."""
    one = epoch()
    text = shown(one, BEGAN + at)
    assume(text[position] != char)
    assert read(text[:position] + char + text[position + 1 :], one, BEGAN + at) == Refusal.UNKNOWN_CODE


@pytest.mark.parametrize("other", [epoch(opening=8), epoch(number=2)], ids=["another class", "another epoch"])
def test_a_code_of_something_else_is_unknown(other: EpochKey) -> None:
    assert read(shown(other, BEGAN), epoch(), BEGAN) == Refusal.UNKNOWN_CODE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A" * 35,
        "A" * 37,
        "a" * 36,
        "I" * 36,
        "O" * 36,
        "L" * 36,
        "U" * 36,
        " " * 36,
        "٣" * 36,
        "Ａ" * 36,
        "A" * 35 + "\n",
        "/" + "A" * 35,
        "%41" * 12,
        "A" * 10 + "Z" * 26,
    ],
)
def test_only_the_one_spelling_of_a_code_is_read(text: str) -> None:
    assert parse_code(text) is None


def test_after_a_new_pace_old_codes_stay_good_for_their_grace() -> None:
    old, new = epoch(), epoch(number=2, period=10_000, grace=10_000, began=BEGAN + 30_000)
    ended = replace(old, ended_ms=BEGAN + 30_000)
    code = parse_code(shown(old, BEGAN))
    assert code is not None
    assert read_code(code, [new, ended], now_ms=BEGAN + 44_999).refusal is None
    assert read_code(code, [new, ended], now_ms=BEGAN + 45_000).refusal == Refusal.STALE_CODE


def test_a_killed_epoch_is_dead_at_once() -> None:
    """Pitfall 15: an old code that still counts."""
    one = epoch()
    assert read(shown(one, BEGAN), replace(one, killed=True), BEGAN) == Refusal.STALE_CODE


def test_an_unknown_opening_costs_one_hmac_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from adsum.checkin import codes

    tags: list[bytes] = []

    def counted(key: bytes, message: bytes) -> bytes:
        tags.append(key)
        return tag(key, message)

    monkeypatch.setattr(codes, "tag", counted)
    assert read_code(Code(1, 0, 0, bytes(16)), [], now_ms=BEGAN).refusal == Refusal.UNKNOWN_CODE
    assert len(tags) == 1


# The typed twin


@given(pace=paces, since=moments, held=st.integers(0, 400_000))
def test_the_typed_code_lives_exactly_as_long_as_the_qr(pace: tuple[int, int], since: int, held: int) -> None:
    one = epoch(period=pace[0], grace=pace[1])
    at = BEGAN + since
    digits = make_typed(one, one.counter_at(at))
    assume(digits not in {make_typed(one, one.counter_at(at) + n) for n in range(1, 4)})
    reading, counter = read_typed(digits, [one], now_ms=at + held)
    if read(shown(one, at), one, at + held) is None:
        assert (reading.refusal, counter) == (None, one.counter_at(at))
    else:
        assert reading.refusal is not None


TYPED = {
    "48210937": "as it is shown",
    "4821 0937": "in two groups",
    " 4821-0937 ": "with a hyphen",
    "48 21 09 37": "in pairs",
    "٤٨٢١ ٠٩٣٧": "Arabic",
    "۴۸۲۱۰۹۳۷": "Persian",
    "４８２１　０９３７": "full width, with an ideographic space",
    "४८२१०९३७": "Hindi",
    "48٢١0937": "two scripts",
    "4821\u20130937": "an en dash",
    "4821\u22120937": "a minus sign",
    "4821\u30fc0937": "the dash of a Japanese keyboard",
    "4821_0937": "an underscore",
    "4821\xa00937": "a space that does not break",
    "4821\u200b0937": "a space without width",
    "\u200f4821\u00ad0937\ufeff": "marks of direction, a soft hyphen, a byte order mark",
    "4821\u28000937": "a blank of braille",
    "4\ufe0f\u20e38210937": "a keycap",
    "4821\r\n0937\t": "lines and tabs",
}


@pytest.mark.parametrize("text", TYPED, ids=TYPED.values())
def test_spaces_and_dashes_are_forgiven(text: str) -> None:
    assert clean_typed(text) == "48210937"


@pytest.mark.parametrize("text", ["", "4821093", "482109377", "4821093x", "٤٨٢١٠٩٣", "4821.0937", "4821 0937" * 30])
def test_anything_else_is_not_a_code(text: str) -> None:
    assert clean_typed(text) is None


@pytest.mark.parametrize("padding", [192, 193])
def test_what_is_typed_is_read_as_far_as_two_hundred_signs(padding: int) -> None:
    assert clean_typed(" " * padding + "12345678") == ("12345678" if padding == 192 else None)


@pytest.mark.parametrize(
    ("shown_in", "read_in", "refusal"),
    [
        (0, 0, None),
        (0, 2, None),  # two intervals of grace
        (0, 3, Refusal.STALE_CODE),
        (0, 4, Refusal.UNKNOWN_CODE),  # so old that it is not looked for
        (5, 4, Refusal.STALE_CODE),  # a clock that is ahead
        (6, 4, Refusal.UNKNOWN_CODE),
        (7, 4, Refusal.UNKNOWN_CODE),
    ],
)
def test_which_typed_codes_are_known(shown_in: int, read_in: int, refusal: Refusal | None) -> None:
    """Every interval looked into is one more code that a guess can meet."""
    one = epoch(period=10_000, grace=20_000)
    reading, counter = read_typed(make_typed(one, shown_in), [one], now_ms=BEGAN + read_in * 10_000)
    assert reading.refusal == refusal
    assert counter == (0 if refusal == Refusal.UNKNOWN_CODE else shown_in)


def test_a_typed_code_that_two_epochs_share_is_believed_where_it_is_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight digits meet by chance now and then: the old meaning never hides the one that counts, nor another one after it."""
    from adsum.checkin import codes

    monkeypatch.setattr(codes, "make_typed", lambda _epoch, _counter: "12345678")
    old, new = replace(epoch(number=1), killed=True), epoch(number=2)
    for order in ([old, new], [new, old]):
        reading, counter = read_typed("12345678", order, now_ms=BEGAN + 80_000)
        assert (reading.refusal, reading.epoch, counter) == (None, 2, 1)


# Tickets and passes

KEY, OTHER = bytes(32), bytes([1]) * 32

tickets = st.builds(
    Ticket,
    id=st.binary(min_size=16, max_size=16),
    opening=st.integers(1, 2**60),
    epoch=st.integers(0, 2**16 - 1),
    slot=st.integers(0, 31),
    counter=st.integers(0, 2**15 - 1),
    first_seen_ms=st.integers(0, 2**50),
    age_ms=st.integers(-(2**30), 2**30),
    network=st.integers(0, 2),
    typed=st.booleans(),
    new_device=st.booleans(),
    device=st.binary(min_size=16, max_size=16),
    person=st.integers(0, 2**60),
    expires_ms=st.integers(0, 2**50),
    refusal=st.sampled_from([None, *Refusal]),
    bound=st.booleans(),
)


@given(ticket=tickets)
def test_a_ticket_comes_back_as_it_was(ticket: Ticket) -> None:
    assert unseal_ticket(seal_ticket(ticket, KEY, "k1"), {"k1": KEY}) == ticket


@given(ticket=tickets, data=st.data())
def test_a_ticket_with_one_other_character_is_refused(ticket: Ticket, data: st.DataObject) -> None:
    text = seal_ticket(ticket, KEY, "k1")
    position = data.draw(st.integers(3, len(text) - 1))
    char = data.draw(st.sampled_from(string.ascii_letters + string.digits + "-_="))
    assume(char != text[position])
    assert unseal_ticket(text[:position] + char + text[position + 1 :], {"k1": KEY}) is None


@given(text=st.text(max_size=200))
def test_any_other_text_is_no_ticket_and_no_pass(text: str) -> None:
    assert unseal_ticket(text, {"k1": KEY}) is None
    assert unseal_pass(f"k1.{text}", {"k1": KEY}) is None


@given(ticket=tickets)
def test_nothing_signed_for_one_purpose_or_with_a_retired_key_passes_for_another(ticket: Ticket) -> None:
    text = seal_ticket(ticket, KEY, "k1")
    assert unseal_ticket(text, {"k1": OTHER}) is None
    assert unseal_ticket(text, {"k2": KEY}) is None
    assert unseal_pass(text, {"k1": KEY}) is None


@given(person=st.integers(1, 2**60), sign_in=st.binary(min_size=16, max_size=16), at=st.integers(0, 2**50))
def test_a_pass_comes_back_as_it_was_and_is_no_ticket(person: int, sign_in: bytes, at: int) -> None:
    one = Pass(person, sign_in, at, at + 1)
    text = seal_pass(one, KEY, "k1")
    assert unseal_pass(text, {"k1": KEY}) == one
    assert unseal_pass(text, {"k1": OTHER}) is None
    assert unseal_pass(text, {"k2": KEY}) is None
    assert unseal_ticket(text, {"k1": KEY}) is None


def test_codes_are_what_they_always_were() -> None:
    """Servers of two versions stand behind one proxy during an update: each must read what the other shows."""
    key, typed_key = epoch_keys(b"m" * 32, opening=7, epoch=3)
    assert key.hex() == "80c8b7efe55a31a3d0fbcfdae65155663c5dca51eb10aa985cbabd720603d208"
    assert typed_key.hex() == "408af1272b90600bf910c75e4f41fe244ddc0cc4b65e8ef11f9e73b064f77b44"
    one = EpochKey(7, 3, key, typed_key, 60_000, 15_000, BEGAN)
    assert make_code(one, handle=1000, slot=1, counter=5) == "0000Z810057XVQKDQGTAX31HVQGMW2TE5NYC"
    assert make_typed(one, 5) == "15292973"


def test_tickets_and_passes_are_what_they_always_were() -> None:
    """One that was made before an update is read after it, and one made after it by a server that still waits for it."""
    ticket = Ticket(
        id=b"i" * 16, opening=7, epoch=3, slot=1, counter=5 + (1 << COUNTER_BITS), first_seen_ms=BEGAN, age_ms=-20, network=2,
        typed=False, new_device=True, device=b"d" * 16, person=9, expires_ms=BEGAN + 1, refusal=Refusal.CLOSED, bound=True,
    )  # fmt: skip
    assert seal_ticket(ticket, KEY, "k1") == (
        "k1.AWlpaWlpaWlpaWlpaWlpaWkAAAAAAAAABwADAQAFAAABoW0H80D____sAgYDZGRkZGR"
        "kZGRkZGRkZGRkZAAAAAAAAAAJAAABoW0H80GR6QldD1d-Wr_AvYZlTM6b"
    )
    assert seal_pass(Pass(9, b"s" * 16, BEGAN, BEGAN + 1), KEY, "k1") == (
        "k1.AQAAAAAAAAAJc3Nzc3Nzc3Nzc3Nzc3NzcwAAAaFtB_NAAAABoW0H80EdUn5vrw8Xkx0tFGuMjWYf"
    )


def test_a_ticket_of_another_version_is_none() -> None:
    ticket = unseal(KEY, seal_ticket(Ticket(bytes(16), 1, 1, 0, 0, 0, 0, 0, False, False, bytes(16), 0, 0), KEY, "k1")[3:])
    assert ticket is not None
    assert unseal_ticket(f"k1.{seal(KEY, ticket)}", {"k1": KEY}) is not None
    assert unseal_ticket(f"k1.{seal(KEY, bytes([2]) + ticket[1:])}", {"k1": KEY}) is None

"""The switches that stop check-in or a key on every worker, the next key while a class is running, and their page."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
import time_machine
from django.conf import settings
from django.test import Client, override_settings
from httpx import Cookies

from adsum.accounts.rules import Role
from adsum.attendance.models import Mark
from adsum.audit.models import Event
from adsum.audit.services import alias_of
from adsum.checkin import services
from adsum.checkin.codes import make_code
from adsum.checkin.gate import state as gate_state
from adsum.checkin.gate.app import PASS_COOKIE
from adsum.checkin.models import Alarm, Display, Epoch, GateState, RevokedPass, Scan
from adsum.checkin.reports import shown_on
from adsum.checkin.rules import AlarmKind
from adsum.core import keyring
from adsum.core.errors import AdsumError
from adsum.ops.cli import main
from tests.kit import migrated
from tests.kit.commands import adsum
from tests.kit.open_class import FIVE_PAST, Room
from tests.kit.phones import Gates, Phone, in_thread, refusal
from tests.kit.signing_in import prove
from tests.kit.world import NINE, World

BY = "system:test"
MASTERS = {"k1": settings.CHECKIN_KEYS["k1"], "k2": "2" * 64, "k3": "3" * 64}

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def keys(*kids: str) -> Iterator[None]:
    """As a process started with these keys, the first one signing."""

    def forget() -> None:
        keyring.masters.cache_clear()
        keyring.keys_for.cache_clear()

    with override_settings(CHECKIN_KEYS={kid: MASTERS[kid] for kid in kids}):
        forget()
        try:
            yield
        finally:
            forget()


@pytest.fixture
async def room(transactional_db: None) -> Room:
    return await in_thread(Room)


@asynccontextmanager
async def two_workers() -> AsyncIterator[tuple[Gates, Gates]]:
    async with Gates.open(FIVE_PAST) as one, Gates.open(FIVE_PAST) as other:
        yield one, other


def moved(phone: Phone, gates: Gates) -> Phone:
    """The same browser, answered by another worker."""
    phone.gates = gates
    return phone


def events(verb: str) -> list[tuple[str, str]]:
    return list(Event.objects.filter(verb=verb).values_list("actor", "subject"))


# Every switch, on every worker, after one look


async def test_new_codes_kill_the_old_ones_on_every_worker(room: Room) -> None:
    async with two_workers() as workers:
        old = workers[0].code(room.opening)
        await in_thread(services.begin_epoch, room.opening, by=room.lecturer, at=FIVE_PAST, pace="standard", kill=True)
        for gates in workers:
            await gates.tell()
            assert refusal(await gates.phone(room.alice).get(f"/{old}")) == "stale_code"
            assert "I’m here" in (await gates.phone(room.alice).scan(room.opening)).text
    assert await in_thread(events, "checkin.kill") == [
        (await in_thread(alias_of, room.lecturer.pk), f"session:{room.session.pk}")
    ]


async def test_a_stopped_screen_is_dead_on_every_worker_and_its_neighbour_is_not(room: Room) -> None:
    second: Display = (await in_thread(services.add_display, room.opening, by=room.lecturer, at=NINE)).display
    async with two_workers() as workers:
        await in_thread(services.revoke_display, second, by=room.lecturer, at=FIVE_PAST)
        for gates in workers:
            await gates.tell()
            assert refusal(await gates.phone(room.alice).scan(room.opening, slot=1)) == "stale_code"
            assert "I’m here" in (await gates.phone(room.alice).scan(room.opening, slot=0)).text
    assert await in_thread(events, "display.revoke") == [
        (await in_thread(alias_of, room.lecturer.pk), f"session:{room.session.pk}")
    ]


async def test_a_pause_holds_every_worker_and_the_ticket_finishes_on_any(room: Room) -> None:
    async with two_workers() as workers:
        phone = workers[0].phone(room.alice)
        await phone.scan(room.opening)
        await in_thread(services.freeze, by=BY, at=FIVE_PAST, reason="Fire alarm")
        for gates in workers:
            await gates.tell()
            assert refusal(await moved(phone, gates).tap()) == "paused"
        assert await in_thread(Mark.objects.count) == 0
        await in_thread(services.unfreeze, by=BY, at=FIVE_PAST)
        for gates in workers:
            await gates.tell()
            assert "You’re" in (await moved(phone, gates).tap()).text
    assert await in_thread(events, "gate.freeze") == [(BY, "gate:1")]
    assert await in_thread(events, "gate.unfreeze") == [(BY, "gate:1")]
    assert await in_thread(Scan.objects.count) == 1


async def test_a_retired_key_takes_its_codes_tickets_and_passes_with_it(room: Room) -> None:
    async with two_workers() as workers:
        code, typed = workers[0].code(room.opening), workers[0].typed(room.opening)
        phone = workers[0].phone(room.alice)
        await phone.scan(room.opening)  # a ticket and a pass of k1
        with keys("k2", "k1"):
            assert await in_thread(services.retire_key, "k1", by=BY, at=FIVE_PAST) == 1
            for gates in workers:
                await gates.tell()
                fresh = gates.phone(room.bob)  # a pass of k2
                assert refusal(await fresh.get(f"/{code}")) == "stale_code"
                assert refusal(await fresh.post("/in/code", {"code": typed})) == "stale_code"
                old = moved(phone, gates)
                assert (await old.tap()).headers["location"].startswith("/sign-in/"), "the pass"
                ticket_only = Phone(gates, cookies=Cookies(phone.cookies))
                ticket_only.sign_in(room.alice)
                assert refusal(await ticket_only.tap()) == "unknown_code", "the ticket"
                assert "I’m here" in (await gates.phone(room.alice).scan(room.opening)).text, "the screens go on"
    assert await in_thread(events, "gate.retire_key") == [(BY, "key:k1")]


async def test_workers_look_by_themselves_twice_a_second(room: Room) -> None:
    assert gate_state.REFRESH_SECONDS <= 0.5
    async with two_workers() as workers:
        for gates in workers:
            await gates.state.start()
        await in_thread(services.freeze, by=BY, at=FIVE_PAST, reason="Fire alarm")
        async with asyncio.timeout(20):  # a busy machine; half a second on an idle one
            while not all(gates.state.known.frozen for gates in workers):  # noqa: ASYNC110 - no event says it
                await asyncio.sleep(0.01)


async def test_the_key_that_signs_and_an_unknown_one_are_not_retired(room: Room) -> None:
    for kid, code in (("k1", "last_key"), ("k7", "unknown_key")):
        with pytest.raises(AdsumError) as refused:
            await in_thread(services.retire_key, kid, by=BY, at=FIVE_PAST)
        assert refused.value.code == code
    assert await in_thread(events, "gate.retire_key") == []


async def test_switching_twice_is_recorded_once(room: Room) -> None:
    def twice() -> None:
        with keys("k2", "k1"):
            services.retire_key("k1", by=BY, at=FIVE_PAST)
            assert services.retire_key("k1", by=BY, at=FIVE_PAST) == 0
        services.unfreeze(by=BY, at=FIVE_PAST)
        with pytest.raises(AdsumError):
            services.freeze(by=BY, at=FIVE_PAST, reason="  ")

    await in_thread(twice)
    assert await in_thread(events, "gate.retire_key") == [(BY, "key:k1")]
    assert await in_thread(events, "gate.unfreeze") == await in_thread(events, "gate.freeze") == []


# A new key while a class is running


async def test_what_the_old_key_signed_stays_good_after_a_rotation(room: Room) -> None:
    display, credential = await in_thread(services.add_display, room.opening, by=room.lecturer, at=NINE)
    async with Gates.open(FIVE_PAST) as before:
        code, typed = before.code(room.opening), before.typed(room.opening)
        alice = before.phone(room.alice)
        await alice.scan(room.opening)
        phone = before.phone(room.bob)
        await phone.scan(room.opening)
    with keys("k2", "k1"):
        async with Gates.open(FIVE_PAST + timedelta(seconds=3)) as after:
            assert "You’re in" in (await moved(alice, after).tap()).text, "ticket and pass"
            new = after.phone(room.bob)
            assert "I’m here" in (await new.get(f"/{code}")).text, "code"
            assert "I’m here" in (await new.post("/in/code", {"code": typed})).text, "typed code"
        assert services.display_fingerprint(credential) == display.credential, "the screen's secret"
        shown = await in_thread(lambda: shown_on(Display.objects.select_related("opening").get(pk=display.pk), FIVE_PAST))
        assert shown.typed == typed, "the screen goes on with its key until the next epoch"


async def test_new_epochs_use_the_new_key(room: Room) -> None:
    with keys("k2", "k1"):
        await in_thread(services.begin_epoch, room.opening, by=room.lecturer, at=FIVE_PAST, pace="brisk")
        assert await in_thread(lambda: [*Epoch.objects.order_by("number").values_list("kid", flat=True)]) == ["k1", "k2"]
        async with Gates.open(FIVE_PAST) as gates:
            assert "I’m here" in (await gates.phone(room.alice).scan(room.opening)).text


async def test_one_phone_stays_one_phone_across_a_rotation(room: Room) -> None:
    async with Gates.open(FIVE_PAST) as before:
        phone = before.phone(room.alice)
        await phone.scan(room.opening)
        await phone.tap()
    with keys("k2", "k1"):
        await in_thread(services.begin_epoch, room.opening, by=room.lecturer, at=FIVE_PAST, pace="standard")
        async with Gates.open(FIVE_PAST) as after:
            moved(phone, after).sign_in(room.bob)
            await phone.scan(room.opening)
            assert refusal(await phone.tap()) == "same_device"


async def test_a_pass_of_the_old_key_becomes_one_of_the_new_and_both_end_with_the_sign_out(room: Room) -> None:
    def story() -> tuple[str, str]:
        with time_machine.travel(FIVE_PAST, tick=False):
            browser = Client()
            browser.force_login(room.alice)
            browser.get("/today/")
            old = browser.cookies[PASS_COOKIE].value
            with keys("k2", "k1"):
                browser.get("/today/")
                new = browser.cookies[PASS_COOKIE].value
                assert RevokedPass.objects.count() == 0
                browser.get("/today/")
                assert browser.cookies[PASS_COOKIE].value == new
                browser.cookies[PASS_COOKIE] = old  # the sign-out comes before any page made a new one
                browser.post("/sign-out/")
            return old, new

    old, new = await in_thread(story)
    assert (old[:3], new[:3]) == ("k1.", "k2.")
    with keys("k2", "k1"):
        async with Gates.open(FIVE_PAST) as gates:
            assert gates.state.believe(old) is None
            assert gates.state.believe(new) is None


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_happens_around_a_rotation_refuses_nobody(room: Room, seed: int) -> None:
    """Two workers restarted one after the other, the new key first announced, then used; students come all the while."""
    random = Random(seed)
    students = [await in_thread(room.world.student, groups=[room.group]) for _ in range(12)]
    steps = [("k1",), ("k1", "k2"), ("k2", "k1")]
    order = [0, 1, 0, 1]  # both know the new key before either signs with it
    at = [0, 0]
    waiting: list[Phone] = []
    confirmed = 0
    async with two_workers() as workers:
        for turn in range(60):
            if turn % 12 == 11 and order:
                at[which := order.pop(0)] += 1
                with keys(*steps[at[which]]):
                    workers[which].state.known = gate_state.Known()  # it starts anew
                    await workers[which].tell()
            which = random.randrange(2)
            gates = workers[which]
            with keys(*steps[at[which]]):
                action = random.choice(["scan", "tap", "tap", "pace", "wait"])
                if action == "scan" and students:
                    phone = gates.phone(students.pop())
                    page = await phone.scan(room.opening)
                    assert "I’m here" in page.text, refusal(page)
                    waiting.append(phone)
                elif action == "tap" and waiting:
                    phone = waiting.pop(random.randrange(len(waiting)))
                    page = await moved(phone, gates).tap()
                    assert "You’re in" in page.text, refusal(page)
                    confirmed += 1
                elif action == "pace":
                    pace = random.choice(["standard", "brisk", "strict"])
                    await in_thread(services.begin_epoch, room.opening, by=room.lecturer, at=gates.state.at, pace=pace)
                elif action == "wait":
                    for one in workers:
                        one.wait(seconds=4)
            for n, one in enumerate(workers):
                with keys(*steps[at[n]]):
                    await one.tell()
    assert not order
    assert confirmed
    assert await in_thread(Mark.objects.count) == confirmed


# Alarms


async def test_a_genuine_code_from_the_future_raises_one_alarm(room: Room) -> None:
    async with two_workers() as workers:
        for gates in workers:
            epoch = gates.state.known.by_pk[room.opening.pk].epochs[0]
            for ahead in (2, 3):
                counter = epoch.counter_at(gates.state.now_ms()) + ahead
                code = make_code(epoch, handle=room.opening.handle, slot=2, counter=counter)
                assert refusal(await gates.phone().get(f"/{code}")) == "stale_code"
            await gates.tell()
    alarm = await in_thread(Alarm.objects.get)
    assert (alarm.kind, alarm.opening_id) == (AlarmKind.FUTURE_CODE, room.opening.pk)
    assert alarm.detail.startswith("screen 3, ")
    assert await in_thread(events, "gate.alarm_future_code") == [("system:gate", f"opening:{room.opening.pk}")]
    await in_thread(services.raise_alarm, AlarmKind.FUTURE_CODE, room.opening.pk, "again", at=FIVE_PAST + timedelta(hours=2))
    assert await in_thread(Alarm.objects.count) == 2


# The command


def test_the_command_pauses_and_lets_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-in", "freeze", "Fire alarm"]) == 0
    assert GateState.objects.get().frozen_reason == "Fire alarm"
    assert main(["check-in", "unfreeze"]) == 0
    assert GateState.objects.get().frozen_at is None
    assert main(["check-in", "freeze", ""]) == 1
    assert "Say why" in capsys.readouterr().err


def test_the_command_retires_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    with keys("k2", "k1"):
        assert main(["check-in", "retire-key", "k1"]) == 0
    assert main(["check-in", "retire-key", "k1"]) == 1
    assert "rotate-key" in capsys.readouterr().err
    assert events("gate.retire_key") == [("system:command", "key:k1")]


def test_the_next_key_is_printed_for_whoever_keeps_the_variable(capsys: pytest.CaptureFixture[str]) -> None:
    with keys("k2", "k1"):
        services.retire_key("k1", by=BY, at=NINE)
        with override_settings(CHECKIN_KEY_FILE=None):
            assert main(["check-in", "rotate-key"]) == 0
    said = capsys.readouterr()
    new, old = said.out.strip().split(",")
    assert (new[:3], len(new), old) == ("k3:", 67, f"k2:{MASTERS['k2']}"), "the retired one is left out, its id not used again"
    assert "k3 last first" in said.err
    assert events("gate.new_key") == [("system:command", "key:k3")]


def test_the_key_file_is_replaced_whole_and_read_at_the_next_start(tmp_path: Path) -> None:
    """In a folder of its own, as a person types it."""
    migrated.copy_to(tmp_path)
    assert adsum(tmp_path, "check", "--fix").returncode == 0
    first = (tmp_path / "checkin_key").read_text()
    answer = adsum(tmp_path, "check-in", "rotate-key")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "k2 signs from the next restart" in answer.stdout
    assert first not in answer.stdout
    kept = tmp_path / "checkin_key"
    new, old = kept.read_text().split(",")
    assert (new[:3], old) == ("k2:", f"k1:{first}")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.glob("checkin_key*")) == ["checkin_key"]
    retired = adsum(tmp_path, "check-in", "retire-key", "k1")
    assert (retired.returncode, retired.stderr) == (0, "")


# The page


PAGE = "/office/check-in/"


@pytest.fixture
def administrator() -> Iterator[Client]:
    with time_machine.travel(FIVE_PAST, tick=False):
        client = Client()
        client.force_login(World().person(Role.ADMINISTRATOR, name="Admin One"))
        yield prove(client)


def read(client: Client) -> str:
    answer = client.get(PAGE)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_counts_what_is_open(administrator: Client) -> None:
    assert "No class is open for check-in" in read(administrator)
    room = Room()
    later = room.world.session(room.group, starts_at=NINE + timedelta(hours=5), title="Tomorrow’s Algebra")
    services.open_checkin(later, by=room.lecturer, at=NINE + timedelta(hours=4))
    page = read(administrator)
    assert "Algorithms" in page
    assert "0 of 2" in page
    assert "Algebra" not in page, "not open yet"


def test_the_page_pauses_with_a_reason_and_lets_go_on(administrator: Client) -> None:
    assert "Say why" in administrator.post(f"{PAGE}pause/", {"reason": ""}, follow=True).content.decode()
    assert GateState.objects.filter(frozen_at__isnull=False).count() == 0
    page = administrator.post(f"{PAGE}pause/", {"reason": "Fire <alarm>"}, follow=True).content.decode()
    assert "Since 23 November, 09:05: Fire &lt;alarm&gt;" in page
    assert "Let check-in go on" in administrator.post(f"{PAGE}pause/", {"reason": "Fire"}, follow=True).content.decode()
    assert "Check-in goes on." in administrator.post(f"{PAGE}resume/", follow=True).content.decode()
    assert GateState.objects.get().frozen_at is None


def test_the_page_retires_a_key_but_not_the_one_that_signs(administrator: Client) -> None:
    Room()
    with keys("k2", "k1"):
        page = read(administrator)
        assert f"{PAGE}keys/k1/retire/" in page
        assert f"{PAGE}keys/k2/retire/" not in page
        assert "1 class shows its codes" in page
        page = administrator.post(f"{PAGE}keys/k1/retire/", follow=True).content.decode()
        assert "Nothing signed with k1 is believed any more." in page
        assert "since 23 November 2026, 09:05" in page
        page = administrator.post(f"{PAGE}keys/k2/retire/", follow=True).content.decode()
        assert "k2 signs now" in page
    with keys("k1"):
        page = read(administrator)
        assert "The key that signs is retired" in page
        assert "Classes show codes of k2" in page


def test_the_page_shows_alarms_for_a_week(administrator: Client) -> None:
    room = Room()
    services.raise_alarm(AlarmKind.FUTURE_CODE, room.opening.pk, "screen 1, 62.0 s early", at=FIVE_PAST)
    services.raise_alarm(AlarmKind.CLOCK, None, "node-2: +312 ms", at=FIVE_PAST - timedelta(days=8))
    page = read(administrator)
    assert "screen 1, 62.0 s early" in page
    assert "node-2" not in page

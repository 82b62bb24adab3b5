"""The evidence of a scan: everything docs/check-in.md lists is kept, each part for its own short life, and no longer."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.db.models import Model

from adsum.accounts.models import Person
from adsum.audit.models import Event
from adsum.checkin import disposal, services
from adsum.checkin.models import Alarm, LateCode, Opening, RevokedPass, Scan, TypedTries
from adsum.checkin.rules import AlarmKind, Refusal
from adsum.checkin.writer import record_scans
from tests.kit.scans import attempt
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db

SIGNS = {"network", "agent", "new_device", "network_changed", "signed_in_after", "remembered"}
CODES = {"device", "typed", "slot", "age_ms"}
DAYS_30, DAYS_90 = timedelta(days=30), timedelta(days=90)
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def opening(world: World) -> Opening:
    session = world.session(world.group(students=3), staff=[world.lecturer()])
    return services.open_checkin(session, by=world.lecturer(), at=NINE)


def scan(opening: Opening, at: datetime = NINE, verdict: Refusal | None = None) -> Scan:
    """One scan with every kind of evidence."""
    student = Person.objects.create(username=uuid4().hex)
    made = attempt(
        opening,
        student,
        first_seen_at=at,
        finished_at=at + timedelta(seconds=40),
        verdict=verdict,
        typed=True,
        slot=2,
        age_ms=1_500,
        device=uuid4().hex,
        new_device=True,
        network="mobile",
        network_changed=True,
        signed_in_after=True,
        remembered=True,
        agent="ios",
    )
    record_scans([made])
    return Scan.objects.get(ref=made.ref)


def known(scan: Scan) -> set[str]:
    """Which evidence is still there."""
    scan.refresh_from_db()
    return {name for name in SIGNS | CODES if getattr(scan, name) not in {"", None}}


def run(at: datetime) -> dict[str, int]:
    """The disposal, at that time; what it disposed of."""
    return {what: number for what, number in disposal.empty_evidence(at=at).items() if number}


def test_every_kind_is_kept_at_first(opening: Opening):
    kept = scan(opening)
    assert known(kept) == SIGNS | CODES
    assert kept.finished_at - kept.first_seen_at == timedelta(seconds=40), "how long the sign-in took"
    assert not {field.name for field in Scan._meta.fields} & {"address", "ip", "latitude", "longitude", "user_agent"}


def test_no_column_of_a_scan_is_forgotten():
    """A new column must be given a life: it is evidence, or it is the record."""
    record = {"id", "ref", "opening", "session", "student", "ticket", "refusal", "first_seen_at", "finished_at"}
    assert {field.name for field in Scan._meta.fields} == record | SIGNS | CODES


def test_signs_live_thirty_days_and_codes_ninety(opening: Opening):
    """Pitfall 27: what was kept about a scan is never deleted."""
    kept = scan(opening)
    assert run(NINE + DAYS_30 - MOMENT) == {}
    assert known(kept) == SIGNS | CODES
    assert run(NINE + DAYS_30) == {"signs": 1}
    assert known(kept) == CODES
    assert run(NINE + DAYS_90 - MOMENT) == {}
    assert run(NINE + DAYS_90) == {"codes": 1}
    assert known(kept) == set()


def test_the_record_itself_stays(opening: Opening):
    kept = scan(opening, verdict=Refusal.NOT_EXPECTED)
    before = (kept.ref, kept.student_id, kept.refusal, kept.first_seen_at, kept.finished_at)
    run(NINE + DAYS_90)
    kept.refresh_from_db()
    assert (kept.ref, kept.student_id, kept.refusal, kept.first_seen_at, kept.finished_at) == before


def test_twice_is_once_and_the_disposal_is_certified(opening: Opening):
    scan(opening)
    scan(opening, at=NINE + timedelta(days=5))
    at = NINE + DAYS_30
    assert run(at) == {"signs": 1}
    assert run(at) == {}
    event = Event.objects.get(verb="evidence.dispose")
    assert (event.actor, event.at) == ("system:retention", at)
    assert event.detail["counts"]["signs"] == 1
    assert event.detail["signs_before"] == NINE.isoformat()
    assert run(NINE + timedelta(days=35)) == {"signs": 1}
    assert Event.objects.filter(verb="evidence.dispose").count() == 2


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_batches_miss_nothing_and_touch_nothing_younger(opening: Opening, batch: int):
    old, young = NINE, NINE + timedelta(days=1)
    scans = [scan(opening, at=when) for when in (old, young, old, old, young, old, old)]
    counts = disposal.empty_evidence(at=NINE + DAYS_30, batch=batch)
    assert counts["signs"] == 5
    assert [known(one) == CODES for one in scans] == [True, False, True, True, False, True, True]


def test_what_else_the_gate_remembers_of_people_goes_too(opening: Opening, world: World):
    student = world.student()
    LateCode.objects.create(opening=opening, student=student)
    TypedTries.objects.create(session=opening.session, student=student, tries=3)
    services.revoke_passes(student.pk, at=NINE)
    services.raise_alarm(AlarmKind.CLOCK, None, "node: +300 ms", at=NINE)

    def left() -> set[type[Model]]:
        return {model for model in (LateCode, TypedTries, RevokedPass, Alarm) if model.objects.exists()}

    run(NINE + timedelta(hours=23))
    assert left() == {LateCode, TypedTries, RevokedPass, Alarm}
    run(NINE + timedelta(days=2))
    assert left() == {TypedTries, RevokedPass, Alarm}
    run(NINE + DAYS_30 + timedelta(hours=1))
    assert left() == {TypedTries, Alarm}
    run(NINE + DAYS_90 + timedelta(hours=2))
    assert left() == set()

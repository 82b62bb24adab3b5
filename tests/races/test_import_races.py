"""An import and whoever else writes at the same moment: what it planned holds when it is written, or it is planned again. Each
race is also run without what decides it, and then seen."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from functools import partial
from unittest.mock import patch

import pytest
from django.db import IntegrityError

from adsum.accounts.models import Person
from adsum.accounts.services import update_person
from adsum.attendance.models import Mark
from adsum.checkin import class_changes
from adsum.checkin.class_changes import ONLINE
from adsum.integrations.imports import carrying
from adsum.integrations.imports import runs as imports
from adsum.integrations.imports.carrying import Carrying
from adsum.timetable.models import ClassChange, ClassSession
from adsum.timetable.sources import Import
from tests.kit.feeds import ACTOR, AT, bring, check, event, events, oneroster, university, user
from tests.kit.meeting import at_once

pytestmark = pytest.mark.django_db(transaction=True)
OVER = datetime(2026, 9, 21, 12, tzinfo=AT.tzinfo)
"""After the class A-1, on its day."""


@pytest.fixture(autouse=True)
def _known(transactional_db: None) -> None:
    bring(oneroster(university()))
    bring(events(event()))


def session() -> ClassSession:
    return ClassSession.objects.get(source_id="A-1")


def meanwhile(what: Callable[[], object]) -> AbstractContextManager[object]:
    """Something happens once, after an import was planned and before it is written."""
    write, still = Carrying._write, [what]

    def overtaken(self: Carrying, *args: object) -> None:
        if still:
            still.pop()()
        write(self, *args)  # type: ignore[arg-type]

    return patch.object(Carrying, "_write", overtaken)


@contextmanager
def blind_to_the_generation() -> Iterator[None]:
    """It seems to stay."""
    with patch.object(carrying, "generation", lambda: 0), patch.object(carrying, "hold_generation", lambda: 0):
        yield


def applied(run: Import, at: datetime = AT) -> Import:
    return imports.apply(run, at=at, actor=ACTOR)


# Two imports at once


def both() -> list[Import]:
    """The same new class, brought in twice and applied at the same moment."""
    runs = [check(events(event(), event("B", "2026-09-22T09:00:00+01:00"))) for _ in range(2)]
    at_once(*(partial(applied, run) for run in runs))
    return [Import.objects.get(pk=run.pk) for run in runs]


def test_two_imports_of_the_same_at_once_bring_it_once():
    states = sorted(run.state for run in both())
    assert states == ["applied", "checked"]
    assert ClassSession.objects.filter(source_id="B").count() == 1


def test_without_the_generation_both_would_write():
    run, other = (check(events(event(), event("B", "2026-09-22T09:00:00+01:00"))) for _ in range(2))
    with blind_to_the_generation(), meanwhile(lambda: applied(other)), pytest.raises(IntegrityError):
        applied(run)


# An import and a lecturer


def goes_online() -> None:
    class_changes.change(session(), ONLINE, by=Person.objects.get(source_id="L1"), at=AT)


def test_what_a_lecturer_changes_meanwhile_stays_and_has_its_place_in_the_history():
    run = check(events(event(location="D1")))
    with meanwhile(goes_online):
        applied(run)
    assert (run.state, session().delivery, session().rooms.get().name) == ("applied", "remote", "D1")
    assert list(ClassChange.objects.filter(session=session()).order_by("version").values_list("version", "actor")) == [
        (1, ACTOR),
        (2, Person.objects.get(source_id="L1").actor),
        (3, ACTOR),
    ]


def test_without_the_generation_two_steps_would_be_the_second():
    run = check(events(event(location="D1")))
    with blind_to_the_generation(), meanwhile(goes_online), pytest.raises(IntegrityError):
        applied(run)


def test_somebody_whose_account_changes_meanwhile_is_compared_again():
    run = check(oneroster(university(users=[user(1, givenName="Addy"), *university()["users"][1:]])))
    with meanwhile(lambda: update_person(Person.objects.get(source_id="S1"), by=ACTOR, at=AT, given_name="Adeline")):
        applied(run)
    assert (run.state, Person.objects.get(source_id="S1").given_name) == ("checked", "Adeline"), "it is shown first"


# An import and the first scan


def is_scanned() -> None:
    student = Person.objects.get(source_id="S1")
    Mark.objects.create(session=session(), student=student, status="present", source="scan", at=OVER, changed_at=OVER)


@pytest.mark.parametrize(("careful", "groups"), [(True, ["K1"]), (False, ["K2"])])
def test_a_class_that_is_seen_to_be_held_meanwhile_keeps_whoever_was_expected(careful: bool, groups: list[str]):
    run = check(events(event(group_ids="K2")), at=OVER)
    careless = patch.object(Carrying, "_stands", lambda *_: True)
    with nullcontext() if careful else careless, meanwhile(is_scanned):
        applied(run, OVER)
    assert list(session().groups.values_list("source_id", flat=True)) == groups
    assert run.state == ("checked" if careful else "applied")


# Parts


def many(first: int = 0) -> list[dict[str, str]]:
    return [dict(event(f"E{n}", f"2026-10-{n + 1:02}T09:00:00+01:00")) for n in range(first, 20)]


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Parts of two classes; what is there after each."""
    monkeypatch.setattr(carrying, "PART", 10)
    counted: list[int] = []
    one = Carrying._one

    def count(self: Carrying, *args: object) -> None:
        counted.append(ClassSession.objects.count())
        one(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Carrying, "_one", count)
    return counted


def test_a_large_import_lets_others_in_between_its_parts(in_parts: list[int]):
    applied(check(events(event(), *many())))
    assert in_parts == list(range(1, 21, 2))
    assert ClassSession.objects.count() == 21


def test_one_that_is_overtaken_between_its_parts_goes_on(in_parts: list[int]):
    run = check(events(event(location="D1"), *many()))
    stands = Carrying._stands

    def changed_after_three(self: Carrying, *args: object) -> bool:
        if len(in_parts) == 3:
            in_parts.append(0)
            raise carrying.Overtaken
        return stands(self, *args)  # type: ignore[arg-type]

    with patch.object(Carrying, "_stands", changed_after_three):
        applied(run)
    assert (run.state, ClassSession.objects.count(), session().rooms.get().name) == ("applied", 21, "D1")


def test_one_that_breaks_between_its_parts_says_so_and_what_is_left_is_shown(in_parts: list[int]):
    run = check(events(event(), *many()))
    with patch.object(Carrying, "_finish", side_effect=RuntimeError("power cut")), pytest.raises(RuntimeError):
        applied(run)
    assert (run.state, run.stop_reason.split(".")[0]) == (
        "checked",
        "Applying was interrupted when only part of it had been written",
    )
    assert ClassSession.objects.count() == 19, "the part that broke was undone"
    applied(run)
    assert (run.state, run.counts["class"]) == ("checked", {"unchanged": 19, "new": 2}), "what is left is shown"
    imports.apply(run, at=AT, actor=ACTOR, confirm=True)
    assert (run.state, ClassSession.objects.count()) == ("applied", 21)


def test_one_that_is_always_overtaken_is_written_while_everybody_waits():
    run = check(events(event(location="D1")))
    with patch.object(Carrying, "_stands", lambda *_: False):
        applied(run)
    assert (run.state, session().rooms.get().name) == ("applied", "D1")

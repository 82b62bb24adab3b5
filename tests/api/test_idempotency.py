"""Idempotency keys: the same answer again, 409 while the first is under way, 422 for another call."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from adsum.api import marks as operations
from adsum.api.idempotency import KEPT_FOR, UNDER_WAY_FOR, forget_answers
from adsum.api.models import KeptAnswer
from adsum.attendance import services
from adsum.attendance.models import MarkChange
from adsum.attendance.services import mark
from tests.api.conftest import Place
from tests.kit.api import Tool, problem, tool
from tests.kit.world import World


def send(one: Tool, place: Place, key: str = "k1", status: str = "present") -> Any:
    body = {"marks": [{"student": str(place.students[0].ref), "status": status}]}
    return one.post(f"/classes/{place.session.ref}/marks", body, headers={"Idempotency-Key": key})


@pytest.mark.django_db
def test_sent_again_it_is_answered_as_before_and_not_done_again(world: World, place: Place):
    one = tool(world)
    first, second = send(one, place), send(one, place)
    assert first.json()["marks"] != []
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert second["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert MarkChange.objects.count() == 1
    assert send(one, place, key="k2").json()["marks"] == []  # the same call under another name is another call


@pytest.mark.django_db
def test_a_refusal_is_kept_too(world: World, place: Place):
    one = tool(world)
    assert problem(send(one, place, status="expected")) == (422, "no_status")
    again = send(one, place, status="expected")
    assert problem(again) == (422, "no_status")
    assert again["Idempotency-Replayed"] == "true"


@pytest.mark.django_db
def test_a_key_is_for_one_call_of_one_application(world: World, place: Place):
    one, other = tool(world), tool(world)
    assert send(one, place).status_code == 200
    assert problem(send(one, place, status="late")) == (422, "key_used")
    assert "Idempotency-Replayed" not in send(other, place)
    assert problem(send(one, place, key="x" * 129)) == (422, "bad_key")


@pytest.mark.django_db
def test_another_version_is_another_call(world: World, place: Place):
    one = tool(world)
    assert send(one, place).status_code == 200
    body = {"marks": [{"student": str(place.students[0].ref), "status": "present"}]}
    answer = one.post(f"/classes/{place.session.ref}/marks", body, headers={"Idempotency-Key": "k1", "If-Match": '"x"'})
    assert problem(answer) == (422, "key_used")


@pytest.mark.django_db
def test_what_was_begun_anew_meanwhile_changes_nothing(world: World, place: Place, monkeypatch: pytest.MonkeyPatch):
    one = tool(world)

    def overtaken(*args: Any, **kwargs: Any) -> Any:
        KeptAnswer.objects.all().delete()
        return mark(*args, **kwargs)

    monkeypatch.setattr(operations, "mark", overtaken)
    assert problem(send(one, place)) == (409, "under_way")
    assert not MarkChange.objects.exists()


@pytest.mark.django_db
def test_a_fault_of_ours_is_not_kept(world: World, place: Place, monkeypatch: pytest.MonkeyPatch):
    one = tool(world)
    with monkeypatch.context() as broken:
        broken.setattr(operations, "mark", lambda *_, **__: 1 / 0)
        assert problem(send(one, place)) == (500, "failed")
    assert not KeptAnswer.objects.exists()
    assert send(one, place).json()["marks"] != []


@pytest.mark.django_db
def test_what_died_on_its_way_may_be_sent_again(world: World, place: Place):
    one, at = tool(world), datetime.now(UTC)
    send(one, place)
    MarkChange.objects.all()
    kept = KeptAnswer.objects.filter(key="k1")
    kept.update(status=None)
    assert problem(send(one, place)) == (409, "under_way")
    assert send(one, place)["Retry-After"] == "1"
    kept.update(at=at - UNDER_WAY_FOR - timedelta(seconds=1))
    assert send(one, place).status_code == 200


@pytest.mark.django_db
def test_answers_are_forgotten(world: World, place: Place):
    send(tool(world), place)
    at = datetime.now(UTC)
    assert forget_answers(at=at) == 0
    assert forget_answers(at=at + KEPT_FOR + timedelta(seconds=1)) == 1


@pytest.mark.django_db(transaction=True)
def test_two_at_once_are_done_once(world: World, place: Place, monkeypatch: pytest.MonkeyPatch):
    """The second comes while the first is at work: it is told so, or waits and is given the first one's answer."""
    one = tool(world)
    under_way, go_on = threading.Event(), threading.Event()
    mark = services.mark

    def slow(*args: Any, **kwargs: Any) -> Any:
        under_way.set()
        go_on.wait(2)
        return mark(*args, **kwargs)

    monkeypatch.setattr(operations, "mark", slow)
    answers: list[Any] = []

    def first() -> None:
        try:
            answers.append(send(one, place))
        finally:
            connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    assert under_way.wait(10)
    if connection.vendor == "sqlite":
        go_on.set()  # one writes at a time there: the second waits for the first
    second = send(one, place)
    go_on.set()
    thread.join()
    assert answers[0].status_code == 200
    assert second.status_code == 200 or problem(second) == (409, "under_way")
    assert MarkChange.objects.count() == 1

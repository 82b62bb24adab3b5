"""The student's one page while a reminder is open: the sum, five steps, the promise, and marks that can still be queried."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from adsum.accounts.rules import Role
from adsum.attendance.models import Query
from adsum.attendance.rules import Status
from adsum.engagement.checklist import answer, checklist, may_query_until
from adsum.engagement.checklist_steps import Step
from adsum.engagement.models import Alert
from tests.kit.alerted import DAY, NIGHT, Missing, minute, night
from tests.kit.reading import words
from tests.kit.world import NINE

pytestmark = pytest.mark.django_db
FRIDAY = NINE + 4 * DAY
"""When Alice is told of the two classes she missed on Tuesday and Wednesday."""
RECORD = "/record/"
See = Callable[..., str]


@pytest.fixture
def missing(db: None) -> Missing:
    made = Missing()
    made.week("PAA")
    made.week("+++", monday=NINE + 7 * DAY)
    night(NINE + 2 * DAY + NIGHT)
    minute(FRIDAY)
    assert made.told() == ["reminder_word"]
    return made


@pytest.fixture
def see(client: Client, missing: Missing) -> Iterator[See]:
    with time_machine.travel(FRIDAY, tick=False) as clock:

        def seen(url: str = RECORD, *, days: float = 0, post: dict[str, str] | None = None) -> str:
            clock.move_to(FRIDAY + days * DAY)
            client.force_login(missing.alice)
            answered = client.get(url) if post is None else client.post(url, post, follow=True)
            assert answered.status_code == 200
            return words(answered.content.decode())

        yield seen


def test_it_says_why_offers_five_steps_and_what_closes_it(missing: Missing, see: See):
    page = see()
    assert "You attended 1 of 3 classes in the last four weeks." in page
    assert "We missed you: can we help? We wrote to you on 27 November." in page
    assert "Attend your next class, by 30 November, and this closes by itself." in page or "of your next" in page
    offered = [
        "Check your record",
        "Ask your lecturer",
        "I scanned, and it says absent",
        "Something makes it hard",
        "Come back",
    ]
    places = [page.index(step) for step in offered]
    assert places == sorted(places)
    assert page.count("My mark is wrong") == 2, "one for each class it rests on"


def test_a_step_is_ticked_once_and_says_so(missing: Missing, see: See):
    alert = missing.alert()
    assert not any(checklist(alert, FRIDAY).values())
    for _ in range(2):
        assert "Noted. Thank you for telling us." in see(reverse("student_reminder", args=[Step.RECORD]), post={})
    assert [step for step, done in checklist(alert, FRIDAY).items() if done] == [Step.RECORD]


def test_asking_and_having_scanned_are_one_query(missing: Missing, see: See):
    see(reverse("student_query", args=[missing.classes[1].ref]), post={"text": "I scanned"})
    assert Query.objects.count() == 1
    done = {step for step, ticked in checklist(missing.alert(), FRIDAY).items() if ticked}
    assert done == {Step.RECORD, Step.LECTURER, Step.SCANNED}
    assert see().count("My mark is wrong") == 1, "the other class"


def test_coming_back_ticks_the_last_step(missing: Missing):
    coming = missing.classes[3]
    missing.mark(coming, Status.PRESENT, at=coming.starts_at + timedelta(minutes=5))
    assert checklist(missing.alert(), coming.ends_at)[Step.RETURN]


@pytest.mark.parametrize(
    ("days", "may"),
    [
        (1, True),
        (6, True),  # the ordinary seven days after the class are over
        (14.5, True),  # Friday 11 December, the tenth working day
        (15.5, False),
    ],
)
def test_a_mark_it_rests_on_can_be_queried_for_ten_working_days(missing: Missing, see: See, days: float, may: bool):
    session = missing.classes[1]
    page = see(reverse("student_class", args=[session.ref]), days=days)
    assert ("I was there" in page) is may
    assert ("You could query this mark until 1 December 2026" in page) is not may
    see(reverse("student_query", args=[session.ref]), days=days, post={})
    assert Query.objects.filter(session=session).exists() is may


def test_the_help_desk_passes_it_on_as_long(missing: Missing, client: Client):
    session = missing.classes[1]
    with time_machine.travel(FRIDAY + 6 * DAY, tick=False):  # the ordinary seven days after the class are over
        client.force_login(missing.person(Role.HELP_DESK))
        client.post(reverse("desk_query", args=[missing.alice.ref, session.ref]), {"text": "She scanned"})
    assert Query.objects.filter(session=session, student=missing.alice).exists()


def test_only_its_own_student_and_only_while_it_is_open(missing: Missing, see: See, client: Client):
    assert set(may_query_until(missing.alice, FRIDAY)) == {missing.classes[n].pk for n in (1, 2)}
    assert may_query_until(missing.other, FRIDAY) == {}
    client.force_login(missing.other)
    assert client.post(reverse("student_reminder", args=[Step.RECORD])).status_code == 404
    client.force_login(missing.alice)
    for step in (Step.LECTURER, "nonsense"):
        assert client.post(reverse("student_reminder", args=[step])).status_code == 404
    Alert.objects.update(state="recovered", ended_at=FRIDAY)
    assert "Check your record" not in see()
    with pytest.raises(Exception, match="closed"):
        answer(missing.alert(), Step.RECORD, at=FRIDAY)

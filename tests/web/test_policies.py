"""The pages of policies: begin with a preset, see what it would have done, save what was tried; and what everyone reads."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from adsum.accounts.models import Department, Person
from adsum.accounts.rules import Role
from adsum.attendance.counting import Authorised, Counting, Terms, Weighting
from adsum.attendance.models import Mark
from adsum.attendance.policies import make_policy
from adsum.attendance.policy_table import Policy
from adsum.attendance.presets import PRESETS
from adsum.attendance.rules import Source, Status, Windows
from adsum.engagement.alert_life import State
from adsum.engagement.models import Alert
from adsum.timetable.rules import Kind
from adsum.web.policy_terms import duration, for_students, values
from adsum.web.templatetags.adsum_ui import signed
from tests.kit.world import NINE, World

TODAY = NINE.date()
LIST, NEW = "/office/policies/", "/office/policies/new/"


@pytest.fixture
def team(world: World, client: Client) -> Iterator[Person]:
    """The attendance team's browser, on a Monday in November."""
    person = world.person(Role.ATTENDANCE_TEAM, name="Rohan Whitlock")
    with time_machine.travel(NINE, tick=False):
        client.force_login(person)
        yield person


def words(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return said(answer)


def said(answer: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def filled(client: Client, url: str = NEW, **changes: Any) -> dict[str, Any]:
    """The form as the page begins it, with some values changed."""
    form = client.get(url).context["form"]
    data = {name: form[name].value() for name in form.fields}
    data = {name: value for name, value in data.items() if value is not None and value is not False}
    return {**data, "month": "2026-10", **changes}


def save(client: Client, data: dict[str, Any], url: str = NEW) -> Any:
    tried = client.post(url, {**data, "action": "try"})
    return client.post(url, {**data, "action": "save", "tried": tried.context["tried"]}, follow=True)


def make(team: Person, terms: Terms | None = None, *, days: int = 1, made: int = 0, **scope: Any) -> Policy:
    """A version that begins so many days from today, made the day before that or earlier."""
    begins = TODAY + timedelta(days=days)
    at = NINE + timedelta(days=min(days - 1, made))
    scope = {"department": None, "kind": "", **scope}
    return make_policy(terms or Terms(), valid_from=begins, today=at.date(), by=team, at=at, **scope)


def test_a_version_is_saved_only_after_its_effect_was_shown(team: Person, client: Client, world: World):
    group = world.group()
    student = world.student(groups=[group])
    october = world.session(group, starts_at=NINE - timedelta(days=35))
    seen = october.starts_at + timedelta(minutes=20)
    Mark.objects.create(session=october, student=student, status=Status.LATE, source=Source.SCAN, at=seen, changed_at=seen)
    start = f"{NEW}?from=de_montfort"
    data = filled(client, start)
    client.post(start, {**data, "action": "save"})
    assert not Policy.objects.exists()
    tried = client.post(start, {**data, "action": "try"})
    page = said(tried)
    assert "What it would have done to October 2026 1 Classes" not in page  # the number stands before its word on screens only
    assert "Lecture Late Absent 1" in page
    assert "100.0% (1 of 1 marks) 0.0% (0 of 1 marks)" in page
    client.post(start, {**data, "action": "save", "tried": tried.context["tried"], "late_until": "30"})
    assert not Policy.objects.exists(), "another value than was tried"
    page = said(save(client, {**data, "note": "Senate, 18 November"}, start))
    policy = Policy.objects.get()
    assert (policy.terms.windows, policy.valid_from) == (Windows(0, 15, 15), date(2026, 11, 30))
    assert (policy.made_by, policy.based_on, policy.note) == (team, "de_montfort", "Senate, 18 November")
    assert "Version 1 is saved." in page
    assert "De Montfort University: dmu.ac.uk" in page


@pytest.mark.parametrize("start", list(PRESETS))
def test_every_preset_fills_the_form(team: Person, client: Client, start: str):
    data = filled(client, f"{NEW}?from={start}")
    save(client, data, f"{NEW}?from={start}")
    assert Policy.objects.get().terms == PRESETS[start].terms


def test_the_next_version_begins_with_the_one_in_force(team: Person, client: Client):
    make(team, Terms(windows=Windows(5, 10, 20)), days=-7)
    assert filled(client)["opens_before"] == 5
    lab = make(team, Terms(windows=Windows(7, 10, 20)), kind="lab")
    assert filled(client, f"{NEW}?from={lab.ref}")["kind"] == "lab"
    assert client.get(f"{NEW}?from=nothing").status_code == 404
    assert client.get(f"{NEW}?from=00000000-0000-0000-0000-000000000000").status_code == 404


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"valid_from": "2026-11-23"}, "A policy begins tomorrow at the earliest"),
        ({"valid_from": "2036-11-23"}, "within three years"),
        ({"present_until": "30", "late_until": "20"}, "Late cannot end before present does."),
        ({"opens_before": "500"}, "less than or equal to 120"),
        ({"month": "2031-01"}, "Select a valid choice"),
        ({"kind": "party"}, "Select a valid choice"),
    ],
)
def test_what_does_not_fit_is_said_beside_its_field(team: Person, client: Client, changes: dict[str, str], sentence: str):
    answer = client.post(NEW, {**filled(client), **changes, "action": "try"})
    assert answer.status_code == 422
    assert sentence in said(answer)


def test_a_day_that_has_a_version_already_is_refused(team: Person, client: Client):
    make(team, days=7)
    page = said(save(client, filled(client)))
    assert "There is a version for these classes from that day on already." in page
    assert Policy.objects.count() == 1


def test_the_list_says_what_is_in_force_to_come_earlier_and_withdrawn(team: Person, client: Client, world: World):
    assert "Adsum’s defaults hold" in words(client, LIST)
    old, now, next_ = (make(team, days=days) for days in (-9, -2, 3))
    gone = make(team, days=5)
    client.post(reverse("policy_withdraw", args=[gone.ref]))
    context = client.get(LIST).context
    assert [row.policy for row in context["in_force"]] == [now]
    assert [row.policy for row in context["coming"]] == [next_]
    assert [row.policy for row in context["page"]] == [gone, old]
    assert context["defaults"] is None


def test_a_version_stands_beside_the_one_before(team: Person, client: Client):
    make(team, Terms(windows=Windows(10, 15, 30)), days=-9)
    now = make(team, Terms(windows=Windows(10, 10, 30)), days=-2)
    page = words(client, reverse("policy", args=[now.ref]))
    assert "Present until, minutes after the start 10 minutes 15 minutes" in page
    assert "Beside it, what version 1 said where it differs." in page


def test_an_exception_ends_and_one_in_force_is_not_withdrawn(team: Person, client: Client):
    lab = make(team, days=-2, kind="lab")
    client.post(reverse("policy_withdraw", args=[lab.ref]))
    assert Policy.objects.get(pk=lab.pk).withdrawn_at is None
    page = words(client, reverse("policy", args=[lab.ref]))
    assert "End this exception" in page
    client.post(reverse("policy_end", args=[lab.ref]))
    ending = Policy.objects.latest("number")
    assert (ending.inherits, ending.kind, ending.valid_from) == (True, "lab", TODAY + timedelta(days=1))
    university = make(team, days=-2)
    assert client.post(reverse("policy_end", args=[university.ref])).status_code == 404


def test_what_the_end_of_an_exception_would_have_done_is_shown_first(team: Person, client: Client, world: World):
    make(team, Terms(windows=Windows(10, 30, 30)), days=-9)
    lab = make(team, Terms(windows=Windows(10, 5, 30)), days=-2, kind="lab")
    october = NINE - timedelta(days=30)
    taught = world.session(world.group(), kind="lab", starts_at=october)
    Policy.objects.update(valid_from=october.date() - timedelta(days=1))
    for minutes in (1, 10):
        seen, student = october + timedelta(minutes=minutes), world.student()
        status = Status.LATE if minutes > 5 else Status.PRESENT
        Mark.objects.create(session=taught, student=student, status=status, source=Source.SCAN, at=seen, changed_at=seen)
    page = words(client, reverse("policy_end", args=[lab.ref]))
    assert "What it would have done to October 2026 Classes 1 Marks 2 Would differ 1" in page
    assert "Present until, minutes after the start 30 minutes 5 minutes" in page
    assert not Policy.objects.filter(inherits=True).exists()


@pytest.mark.parametrize(("value", "text"), [(-4.44, "−4.4"), (1234.56, "+1,234.6"), (0.0, "+0.0")])
def test_a_difference_has_a_real_minus(value: float, text: str):
    assert signed(value) == text


def test_who_is_team_of_a_department_makes_its_policies_and_no_others(world: World, client: Client, team: Person):
    computing, history = world.department("CS", "Computing"), world.department("HI", "History")
    own = world.person(Role.ATTENDANCE_TEAM, department=computing)
    theirs = make(team, department=history)
    client.force_login(own)
    choices = client.get(NEW).context["form"].fields["department"].queryset
    assert list(choices) == [computing]
    for department in ("", history.pk):
        assert client.post(NEW, {**filled(client), "department": department, "action": "try"}).status_code == 422
    assert client.post(reverse("policy_withdraw", args=[theirs.ref])).status_code == 404
    save(client, filled(client, department=computing.pk))
    assert Policy.objects.latest("number").department == computing


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_costs_the_same_for_one_as_for_three(team: Person, client: Client, rows: int, django_assert_num_queries):
    for days in range(rows):
        make(team, days=days + 1)
    client.get(LIST)
    with django_assert_num_queries(5):
        client.get(LIST)


# What everyone reads


def test_anyone_reads_the_policy_in_force_with_its_version_and_date(team: Person, world: World, client: Client):
    computing = world.department("CS", "Computing")
    make(team, Terms(windows=Windows(0, 15, 15), query_hours=48), days=-2)
    make(team, Terms(windows=Windows(0, 15, 15), query_hours=48, pace="strict"), days=-2, department=computing, kind="lab")
    make(team, days=3)
    page = words(Client(), "/policy/")
    for sentence in (
        "Version 1, in force since 21 November 2026",
        "Check-in opens when the class starts.",
        "A scan until 15 minutes after the start counts as present. After that check-in closes.",
        "You can say that a mark is wrong until 48 hours after the class.",
        "Computing · Lab Version 2, since 21 November 2026 How often the code changes at first: Strict: every 10 seconds",
        "From 26 November 2026: The whole university · Every kind of class Version 3",
    ):
        assert sentence in page
    assert "Earlier versions" not in page
    assert "A scan until 15 minutes after the start" in words(Client(), "/policy/1/")
    assert Client().get("/policy/9/").status_code == 404
    make(team, days=-1)
    assert "Earlier versions The whole university · Every kind of class Version 1" in words(Client(), "/policy/")


def test_without_a_policy_everyone_reads_the_defaults(db: None):
    page = words(Client(), "/policy/")
    assert "Adsum’s defaults" in page
    assert "Check-in opens 10 minutes before the class starts." in page


@pytest.mark.parametrize(
    ("told", "wrong", "said"),
    [
        (9, 9, None),
        (12, 0, "sent 12 reminders about attendance. None of them turned out to be wrong."),
        (40, 3, "Fewer than ten of them turned out to be wrong."),
        (40, 10, "10 of them (25.0%) turned out to be wrong."),
    ],
)
def test_the_share_of_reminders_that_were_wrong_is_published(told: int, wrong: int, said: str | None, world: World):
    student, month = world.student(), NINE - timedelta(days=31)
    common = {"student": student, "stage": 0, "rule": "0a", "version": 1, "found_at": month, "held_until": month}
    states = [State.WITHDRAWN] * wrong + [State.RECOVERED] * (told - wrong)
    Alert.objects.bulk_create([Alert(**common, told_at=month, state=state) for state in states])
    Alert.objects.create(**common, told_at=NINE, state=State.WITHDRAWN)  # of a month that is not over
    Alert.objects.create(**common, state=State.WITHDRAWN)  # nobody was told
    with time_machine.travel(NINE, tick=False):
        page = words(Client(), "/policy/")
    if said is None:
        assert "How often reminders were wrong" not in page
    else:
        assert said in page
        assert "From November 2025 to October 2026" in page


def test_a_students_record_leads_to_it(world: World, client: Client):
    group = world.group()
    world.session(group, starts_at=NINE - timedelta(days=1))
    student = world.student(groups=[group])
    with time_machine.travel(NINE, tick=False):
        client.force_login(student)
        assert 'href="/policy/"' in client.get("/record/").content.decode()


COUNTINGS = [
    Counting(authorised=authorised, late_percent=late, remote_counts=remote, weighting=weighting)
    for authorised in Authorised
    for late in (0, 50, 100)
    for remote in (True, False)
    for weighting in Weighting
]


def test_every_way_of_counting_has_its_own_words():
    told = {str(for_students(Terms(counting=counting))) for counting in COUNTINGS}
    assert len(told) == len(COUNTINGS)
    assert len({str(values(Terms(counting=counting))) for counting in COUNTINGS}) == len(COUNTINGS)


@pytest.mark.parametrize(
    ("hours", "text"), [(1, "1 hour"), (24, "24 hours"), (48, "48 hours"), (72, "3 days"), (168, "7 days"), (169, "169 hours")]
)
def test_durations_as_people_say_them(hours: int, text: str):
    assert duration(hours) == text


def test_every_kind_of_class_can_have_a_policy(team: Person, client: Client):
    choices = dict(client.get(NEW).context["form"].fields["kind"].choices)
    assert set(choices) == {"", *Kind}
    assert Department.objects.count() == 0

"""The pages of alert rules: begin with the preset, preview, save, try, rehearse, put in force; staff judge what it found."""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import pytest
import time_machine
from django.test import Client

from adsum.accounts.rules import Role
from adsum.attendance.counting import Period
from adsum.engagement.models import Alert, AlertRule, Judgement, RuleTrial, RuleVersion, WouldBe
from adsum.engagement.policies import rule_set_in_force
from adsum.engagement.presets import UK_TAUGHT
from adsum.engagement.recovery import Recovery
from adsum.engagement.rehearsals import rehearse
from adsum.engagement.rules import Recipient, Rule, RuleSet, Scope, Trigger
from adsum.engagement.trials import run_trial
from adsum.timetable.models import Term
from adsum.web.office.rule_labels import in_words
from tests.kit.alerted import DAY, NIGHT, Missing
from tests.kit.reading import text_of
from tests.kit.world import NINE

LIST, NEW = "/office/alert-rules/", "/office/alert-rules/new/"
AT = NINE + 20 * DAY


@pytest.fixture
def missing(db: None, client: Client) -> Iterator[Missing]:
    made = Missing()
    with time_machine.travel(AT, tick=False):
        client.force_login(made.team)
        yield made


def filled(client: Client, url: str = f"{NEW}?from=uk_taught", **changes: Any) -> dict[str, Any]:
    """The editor as the page begins it, with some values changed."""
    context = client.get(url).context
    data: dict[str, Any] = {}
    for form in (context["form"], context["rules"].management_form, context["words"].management_form):
        data |= {form[name].html_name: form[name].value() for name in form.fields}
    for form in (*context["rules"], *context["words"]):
        data |= {form[name].html_name: form[name].value() for name in form.fields}
    return {name: value for name, value in {**data, **changes}.items() if value is not None and value is not False}


def save(client: Client, **changes: Any) -> Any:
    return client.post(f"{NEW}?from=uk_taught", {**filled(client), **changes, "action": "save"}, follow=True)


def test_the_preset_is_saved_as_it_is_and_changes_nothing_yet(missing: Missing, client: Client) -> None:
    save(client)
    made = RuleVersion.objects.latest("number")
    assert made.rule_set == RuleSet(made.number, UK_TAUGHT)
    assert (made.made_by, made.name) == (missing.team, "UK taught")
    in_force = rule_set_in_force(AT)
    assert in_force is not None
    assert in_force.number == missing.version.number


def test_a_new_version_never_changes_an_old_one(missing: Missing, client: Client) -> None:
    save(client)
    old = RuleVersion.objects.latest("number")
    rows = list(AlertRule.objects.filter(version=old).values())
    url = f"{NEW}?from={old.ref}"
    changed = filled(client, url) | {"rule-0-number": "3", "rule-1-remove": "on", "action": "save"}
    assert client.post(url, changed).status_code == 302
    new = RuleVersion.objects.latest("number")
    assert (new.based_on, len(new.rule_set.rules), new.rule_set.rules[0].number) == (old, len(UK_TAUGHT) - 1, 3)
    assert list(AlertRule.objects.filter(version=old).values()) == rows


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rule-0-number": "0"}, "greater than or equal to 1"),
        ({"rule-2-period": ""}, "does not fit with the rest of the rule"),
        ({"rule-0-attend": "9"}, "does not fit with the rest of the rule"),
        ({"word-0-subject": "Hello"}, "Write both a subject and an opening"),
        ({"word-0-subject": "Hello", "word-0-body": "{grade}"}, "It knows {name}, {why}, {classes}"),
    ],
)
def test_what_does_not_fit_is_said_beside_its_field_and_nothing_is_lost(
    change: dict[str, str], said: str, missing: Missing, client: Client
) -> None:
    before = RuleVersion.objects.count()
    answer = save(client, **{**change, "note": "Agreed in Senate"})
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert "Agreed in Senate" in answer.content.decode()
    assert RuleVersion.objects.count() == before


def test_a_preview_says_what_a_student_would_read_today_and_keeps_nothing(missing: Missing, client: Client) -> None:
    missing.week("PPAAA")
    own = {"word-0-subject": "Hello {name}", "word-0-body": "{why}"}
    before = RuleVersion.objects.count(), Alert.objects.count()
    answer = client.post(NEW, {**filled(client), **own, "student": missing.alice.number, "action": "preview"})
    said = text_of(answer)
    assert "Today, for Alice Abel" in said
    assert "Hello Alice Abel" in said
    assert said.count("3 classes missed in a row, and the rule for a friendly word is: 2 classes missed in a row.") == 2
    stranger = client.post(NEW, {**filled(client), "student": "nobody", "action": "preview"})
    assert "no student with this number" in text_of(stranger)
    assert (RuleVersion.objects.count(), Alert.objects.count()) == before


def test_only_who_makes_policies_for_all_makes_alert_rules(missing: Missing, client: Client) -> None:
    client.force_login(missing.person(Role.ATTENDANCE_TEAM, department=missing.department()))
    assert client.get(LIST).status_code == 200
    assert client.get(NEW).status_code == 404
    assert client.post(f"{LIST}{missing.version.ref}/switch/", {"action": "off", "reason": "x"}).status_code == 404


def test_a_version_is_tried_and_its_sums_are_read(missing: Missing, client: Client) -> None:
    term = Term.objects.create(name="Autumn", starts_on=NINE.date(), ends_on=NINE.date() + 11 * DAY)
    missing.week("PAAAA")
    answer = client.post(f"{LIST}{missing.version.ref}/try/", {"term": term.pk})
    trial = RuleTrial.objects.get()
    assert answer.headers["Location"] == f"{LIST}trials/{trial.ref}/"
    assert "Waiting for a worker" in text_of(client.get(answer.headers["Location"]))
    run_trial(pk=trial.pk)
    assert "Small groups together" in text_of(client.get(answer.headers["Location"]))
    assert text_of(client.get(answer.headers["Location"])).count("few") > 1


def test_it_is_rehearsed_and_put_in_force_with_a_reason(missing: Missing, client: Client) -> None:
    save(client)
    made = RuleVersion.objects.latest("number")
    switch = f"{LIST}{made.ref}/switch/"
    assert client.post(switch, {"action": "rehearse", "guests": "nobody"}).status_code == 422
    assert client.post(switch, {"action": "rehearse", "guests": missing.team.number}).status_code == 302
    assert "In rehearsal" in text_of(client.get(f"{LIST}{made.ref}/"))
    assert client.post(switch, {"action": "force"}).status_code == 422
    client.post(switch, {"action": "force", "reason": "Senate, 3 December"})
    in_force = rule_set_in_force(AT)
    assert in_force is not None
    assert in_force.number == made.number
    client.post(switch, {"action": "off", "reason": "Strike"})
    assert rule_set_in_force(AT) is None
    assert "Alert rules are switched off" in text_of(client.get(LIST))


def test_staff_judge_would_be_alerts_of_students_whom_they_look_after(missing: Missing, client: Client) -> None:
    save(client)
    made = RuleVersion.objects.latest("number")
    client.post(f"{LIST}{made.ref}/switch/", {"action": "rehearse"})
    missing.week("PAA..", monday=NINE + 14 * DAY)
    rehearse(at=AT + NIGHT)
    one = WouldBe.objects.get()
    with time_machine.travel(AT + DAY, tick=False):
        client.force_login(missing.team)
        page = f"/office/rehearsal/?week={one.found_at.date()}"
        assert "2 classes missed in a row" in text_of(client.get(page))
        client.post(f"/office/rehearsal/{one.ref}/", {"send": "no", "why": "She told me"})
        assert "She told me" in text_of(client.get(page))
        other = missing.person(Role.DEPARTMENT, department=missing.department("HI", "History"))
        client.force_login(other)
        assert "Alice" not in text_of(client.get(page))
        assert client.post(f"/office/rehearsal/{one.ref}/", {"send": "yes"}).status_code == 404
    assert [(said.by, said.send) for said in Judgement.objects.all()] == [(missing.team, False)]


def test_every_term_of_a_rule_is_in_its_words() -> None:
    rule = Rule("1a", 1, Trigger.PERCENT_BELOW, 80, Period.LAST, 6, notice_days=5)
    others: dict[str, Any] = {
        "trigger": Trigger.WEEKS_WITHOUT,
        "number": 70,
        "misses": 3,
        "period": Period.TERM,
        "last": 7,
        "scope": Scope(1, "4", "part_time"),
        "wait_days": 9,
        "no_reply": True,
        "hold_days": 2,
        "recipients": (Recipient.STUDENT, Recipient.TUTOR),
        "notice_days": 6,
        "recovery": Recovery(2, 4),
    }
    assert {one.name for one in fields(Rule)} - others.keys() == {"code", "stage"}  # the heading says the stage
    for name, value in others.items():
        assert in_words(replace(rule, **{name: value}), {1: "Computing"}) != in_words(rule, {1: "Computing"}), name

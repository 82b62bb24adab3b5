"""Versions of the alert rules: made once, never changed, switched by people; and the words that go with them."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.audit.models import Event
from adsum.core.errors import AdsumError
from adsum.engagement.models import AlertRule, RuleSwitch, RuleVersion
from adsum.engagement.policies import rule_set_in_force
from adsum.engagement.presets import UK_TAUGHT
from adsum.engagement.rules import Rule, RuleSet, Scope
from adsum.engagement.versions import coded, guests_at, make_version, put, wordings_of
from adsum.engagement.wordings import Wording, chosen, filled
from tests.kit.alerted import DAY
from tests.kit.seen import BELOW, NUDGE
from tests.kit.world import NINE, World

IN_FORCE, REHEARSAL = RuleSwitch.Place.IN_FORCE, RuleSwitch.Place.REHEARSAL
WORDS = Wording(1, "en-gb", "How are you?", "Dear {name}, {why}")


@pytest.fixture
def team(world: World) -> Person:
    return world.person(Role.ATTENDANCE_TEAM)


def refused(do: Callable[[], object]) -> str:
    with pytest.raises(AdsumError) as said:
        do()
    return said.value.code


def test_the_preset_can_be_used_and_is_coded() -> None:
    assert [rule.wrong() for rule in UK_TAUGHT] == [None] * 9
    assert tuple(coded(replace(rule, code="") for rule in UK_TAUGHT)) == UK_TAUGHT


@pytest.mark.django_db
def test_a_new_installation_has_no_rules_in_force() -> None:
    assert rule_set_in_force(NINE) is None


@pytest.mark.django_db
def test_a_version_says_what_was_given_and_a_new_one_never_changes_it(world: World, team: Person) -> None:
    scoped = replace(BELOW, scope=Scope(world.department().pk, "4", "full_time"), hold_days=3)
    first = make_version([*UK_TAUGHT, scoped], name="Ours", wordings=[WORDS], by=team, at=NINE)
    rows = list(AlertRule.objects.order_by("pk").values())
    assert first.rule_set == RuleSet(1, tuple(coded([*UK_TAUGHT, scoped])))
    second = make_version([NUDGE], name="Ours, shorter", by=team, at=NINE + DAY, based_on=first)
    assert (second.number, second.rule_set.rules) == (2, (NUDGE,))
    assert list(AlertRule.objects.filter(version=first).order_by("pk").values()) == rows
    assert (wordings_of(first), wordings_of(second)) == ([WORDS], [])
    assert list(Event.objects.filter(verb="rules.make").values_list("subject", flat=True)) == [
        f"rules:{first.pk}",
        f"rules:{second.pk}",
    ]


@pytest.mark.parametrize(
    ("rules", "wordings", "code"),
    [
        ([], [], "no_rules"),
        ([NUDGE] * 27, [], "too_many"),
        ([replace(NUDGE, number=0)], [], "impossible"),
        ([NUDGE], [WORDS._replace(body="")], "wording"),
        ([NUDGE], [WORDS._replace(body="{grade}")], "wording"),
        ([NUDGE], [WORDS._replace(subject="{name")], "wording"),
        ([NUDGE], [WORDS._replace(subject="x" * 151)], "wording"),
    ],
)
@pytest.mark.django_db
def test_versions_that_cannot_be(rules: list[Rule], wordings: list[Wording], code: str, team: Person) -> None:
    assert refused(lambda: make_version(rules, name="x", wordings=wordings, by=team, at=NINE)) == code
    assert not RuleVersion.objects.exists()


@pytest.mark.django_db
def test_what_is_in_force_depends_on_the_day(team: Person) -> None:
    first, second = (make_version([rule], name="x", by=team, at=NINE) for rule in (NUDGE, BELOW))
    assert refused(lambda: put(IN_FORCE, first, by=team, at=NINE)) == "no_reason"
    put(IN_FORCE, first, by=team, at=NINE + DAY, reason="Begin")
    put(IN_FORCE, first, by=team, at=NINE + 2 * DAY, reason="Twice")
    put(REHEARSAL, second, by=team, at=NINE + 2 * DAY, guests=[team])
    put(IN_FORCE, second, by=team, at=NINE + 3 * DAY, reason="Better")
    put(IN_FORCE, None, by=team, at=NINE + 4 * DAY, reason="Strike")
    in_force = [rule_set_in_force(NINE + n * DAY) for n in range(5)]
    assert [one and one.number for one in in_force] == [None, 1, 1, 2, None]
    assert (guests_at(NINE), guests_at(NINE + 2 * DAY)) == ([], [team])
    assert Event.objects.filter(verb="rules.put").count() == 4  # what was so already left no trace


def test_words_are_filled_in_once_and_never_in_another_language() -> None:
    assert filled("{name}: {why} {else}", {"name": "{why}", "why": "so"}) == "{why}: so {else}"
    assert chosen([WORDS], 1, "en-gb") == WORDS
    assert chosen([WORDS], 1, "cy") is None
    assert chosen([WORDS], 2, "en-gb") is None

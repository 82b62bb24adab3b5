"""Two sign-ins at the same moment: an assertion is used by one of them, and a role is granted once."""

from datetime import timedelta

import pytest

from adsum.accounts import identities, services
from adsum.accounts.models import RoleGrant, UsedAssertion
from adsum.accounts.rules import Role
from adsum.audit.models import Event
from tests.kit.meeting import at_once
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db(transaction=True)
BROWSERS = 4


def test_an_assertion_is_used_once_whoever_comes_first() -> None:
    taken: list[bool] = []

    def use() -> None:
        taken.append(identities.use_once("one", expires_at=NINE + timedelta(minutes=5)))

    at_once(*[use] * BROWSERS)
    assert sorted(taken) == [False] * (BROWSERS - 1) + [True]
    assert UsedAssertion.objects.count() == 1


def test_assertions_that_nobody_would_believe_any_more_are_forgotten() -> None:
    assert identities.use_once("old", expires_at=NINE + timedelta(minutes=5))
    assert identities.use_once("new", expires_at=NINE + timedelta(minutes=20))
    services.forget_sign_ins(at=NINE + timedelta(minutes=6))
    assert set(UsedAssertion.objects.values_list("pk", flat=True)) == {"new"}


def test_a_role_that_a_provider_gives_is_granted_once() -> None:
    person = World().person()

    def give() -> None:
        services.replace_roles(person, [(Role.TUTOR, None)], source="sso:uni", by="system:sign-in", at=NINE)

    at_once(*[give] * BROWSERS)
    assert RoleGrant.objects.filter(person=person, role=Role.TUTOR).count() == 1
    assert Event.objects.filter(verb="role.grant").count() == 1

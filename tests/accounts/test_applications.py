"""Applications and their tokens: every step is an event, none leaves a secret behind, and an account of one is nobody's."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from adsum.accounts import applications, roles
from adsum.accounts.application_rules import MOST_A_MINUTE, Scope
from adsum.accounts.application_tables import Application, ApplicationCalls, ApplicationToken
from adsum.accounts.applications import Call, answerable_for, count_calls, forget_tokens, give_access, make_token
from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance import amendments
from adsum.attendance.models import Proposal
from adsum.attendance.rules import Reason, Status
from adsum.attendance.weighing import Act
from adsum.audit.models import Event
from adsum.core.errors import AdsumError
from adsum.core.signing import fingerprint
from tests.kit.api import Tool, register
from tests.kit.world import World

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
DAY = timedelta(days=1)
TOKEN, SECRET, ACCESS = ApplicationToken.Kind.TOKEN, ApplicationToken.Kind.SECRET, ApplicationToken.Kind.ACCESS


def verbs() -> list[str]:
    return list(Event.objects.order_by("pk").values_list("verb", flat=True))


def test_every_step_is_an_event_without_a_secret(world: World):
    one = register(world, [Scope.CLASSES_READ], [world.department()], at=AT)
    by = one.made_by
    made = make_token(one, SECRET, lives=DAY, by=by, at=AT)
    given = give_access(made.token, scopes=[], at=AT)
    applications.change(
        one, name="Lake", purpose="x", keeper=one.keeper, scopes=[Scope.STUDENTS_READ], departments=[], by=by, at=AT
    )
    applications.end_token(made.token, by=by, at=AT)
    applications.end_token(made.token, by=by, at=AT)
    applications.end(one, by=by, at=AT)
    assert [verb for verb in verbs() if verb.startswith("application.")] == [
        "application.create",
        "application.token",
        "application.access",
        "application.change",
        "application.token_end",
        "application.end",
    ]
    (changed,) = Event.objects.filter(verb="application.change").values_list("detail", flat=True)
    assert (changed["purpose"], changed["before"]["purpose"]) == ("x", "Reports of the university")
    assert changed["before"]["scopes"] == "classes:read"
    log = str(list(Event.objects.values_list("detail", flat=True)))
    for secret in (made.secret, given.secret):
        assert secret not in log
        assert fingerprint(secret) not in log
        assert not ApplicationToken.objects.filter(fingerprint=secret).exists()


def test_an_account_of_its_own_with_the_roles_of_its_scopes(world: World):
    computing, history = world.department("CS", "Computing"), world.department("HI", "History")
    one = register(world, [Scope.CLASSES_READ], [computing], at=AT)
    assert not one.person.is_active
    assert not one.person.has_usable_password()
    assert one.person.access(AT).departments(Role.DEPARTMENT) == frozenset({computing.pk})
    applications.change(
        one,
        name=one.name,
        purpose=one.purpose,
        keeper=one.keeper,
        scopes=[Scope.MARKS_WRITE],
        departments=[history],
        by=one.made_by,
        at=AT + DAY,
    )
    assert Person.objects.get(pk=one.person_id).access(AT + DAY).departments(Role.DEPARTMENT) == frozenset({history.pk})


def test_nobody_changes_its_account_by_hand(world: World):
    one, admin = register(world, at=AT), world.person(Role.ADMINISTRATOR)
    for deed in (
        lambda: roles.reopen_by_hand(one.person, by=admin, at=AT),
        lambda: roles.give_role(one.person, Role.ADMINISTRATOR, by=admin, at=AT),
        lambda: roles.link_by_hand(one.person, provider="uni", subject="1", issuer="i", by=admin, at=AT),
    ):
        with pytest.raises(AdsumError) as refused:
            deed()
        assert refused.value.code == "application"


def test_who_answers_for_it_is_not_its_second_person(world: World):
    keeper = world.person(Role.ATTENDANCE_TEAM)
    one = register(world, keeper=keeper, at=AT)
    other = world.person(Role.ATTENDANCE_TEAM)
    assert answerable_for(one.person) == {keeper.pk, one.made_by_id}
    make_token(one, TOKEN, lives=DAY, by=other, at=AT)
    assert answerable_for(one.person) == {keeper.pk, one.made_by_id, other.pk}
    assert answerable_for(keeper) == frozenset()
    asked = Proposal.objects.create(
        session=world.session(), status=Status.PRESENT, reason_code=Reason.OTHER, by=one.person, at=AT
    )
    for person in (keeper, one.made_by, other):
        with pytest.raises(AdsumError) as refused:
            amendments.confirm(asked, act=Act(person, AT, proved_at=AT))
        assert refused.value.code == "same_person"


def test_who_sets_it_up_does_not_answer_for_it(world: World):
    one = register(world, at=AT)
    more: dict[str, Any] = {"purpose": "x", "keeper": one.made_by, "scopes": [], "departments": [], "by": one.made_by, "at": AT}
    for deed in (lambda: applications.add(name="Lake", **more), lambda: applications.change(one, name="Lake", **more)):
        with pytest.raises(AdsumError) as refused:
            deed()
        assert refused.value.code == "keeper"


def test_a_secret_that_was_ended_meanwhile_gives_nothing(world: World):
    one = register(world, at=AT)
    made = make_token(one, SECRET, lives=DAY, by=one.made_by, at=AT)
    applications.end_token(made.token, by=one.made_by, at=AT)
    with pytest.raises(AdsumError) as refused:
        give_access(made.token, scopes=[], at=AT)
    assert refused.value.code == "invalid_client"


def test_two_of_one_name_at_once(world: World, monkeypatch: pytest.MonkeyPatch):
    register(world, name="Lake", at=AT)
    refuse, asked = applications._refuse_taken, list[str]()

    def late(name: str, **more: Any) -> None:
        asked.append(name)
        if len(asked) > 1:  # the first time, the other is not there yet
            refuse(name, **more)

    monkeypatch.setattr(applications, "_refuse_taken", late)
    with pytest.raises(AdsumError) as refused:
        register(world, name="Lake", at=AT)
    assert refused.value.code == "known_already"


def test_names_and_lives(world: World):
    one = register(world, name="Lake", at=AT)
    with pytest.raises(AdsumError) as refused:
        register(world, name=" Lake ", at=AT)
    assert refused.value.code == "known_already"
    for lives in (timedelta(), 366 * DAY):
        with pytest.raises(AdsumError) as refused:
            make_token(one, TOKEN, lives=lives, by=one.made_by, at=AT)
        assert refused.value.code == "lives"
    applications.end(one, by=one.made_by, at=AT)
    with pytest.raises(AdsumError) as refused:
        make_token(one, TOKEN, lives=DAY, by=one.made_by, at=AT)
    assert refused.value.code == "ended"


def test_tokens_that_were_over_long_ago_are_forgotten(world: World):
    one = register(world, at=AT)
    Tool(one, at=AT, lives=DAY)
    give_access(make_token(one, SECRET, lives=200 * DAY, by=one.made_by, at=AT).token, scopes=[], at=AT)
    assert forget_tokens(at=AT + DAY) == 0
    assert forget_tokens(at=AT + 2 * DAY) == 1
    assert set(ApplicationToken.objects.values_list("kind", flat=True)) == {TOKEN, SECRET}
    assert forget_tokens(at=AT + 92 * DAY) == 1


def test_calls_are_counted_by_the_minute(world: World):
    one = register(world, at=AT)
    token = Tool(one, at=AT).token
    for _ in range(2):
        count_calls({Call(one.pk, AT, "classes", 200): 3, Call(one.pk, AT, "classes", 404): 1}, {token.pk: AT})
    rows = ApplicationCalls.objects.order_by("status").values_list("status", "count")
    assert list(rows) == [(200, 6), (404, 2)]
    token.refresh_from_db()
    assert token.used_at == AT


def test_the_database_holds_the_promise(world: World):
    one = register(world, at=AT)
    token = Tool(one, at=AT).token
    for wrong in (
        lambda: Application.objects.filter(pk=one.pk).update(a_minute=0),
        lambda: Application.objects.filter(pk=one.pk).update(a_minute=MOST_A_MINUTE + 1),
        lambda: ApplicationToken.objects.filter(pk=token.pk).update(expires_at=AT),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            wrong()

"""People, their roles and what they are called elsewhere are written by accounts alone, whoever brings them in."""

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.db import connection

from adsum.accounts.models import Department, Identifier, Person, RoleGrant
from adsum.audit.bulk import Rows, save_rows
from adsum.timetable.services import write
from adsum.timetable.writes import Writes
from tests.kit import feeds
from tests.kit.feeds import AT, bring, event, events, oneroster, table, university, user
from tests.kit.world import World

pytestmark = pytest.mark.django_db
TABLES = "|".join(model._meta.db_table for model in (Person, RoleGrant, Identifier, Department))
WRITE = re.compile(rf'(?:INSERT INTO|UPDATE|DELETE FROM) "(?:{TABLES})"')


def asked_by_accounts() -> bool:
    """Whether a function of accounts is under way."""
    return any(re.search(r"/adsum/accounts/(?!models)", frame.filename) for frame in traceback.extract_stack())


@contextmanager
def watched() -> Iterator[list[str]]:
    """Statements that write people past accounts."""
    past: list[str] = []

    def look(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if WRITE.match(sql) and not asked_by_accounts():
            past.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        yield past


def test_every_import_writes_people_by_accounts():
    with watched() as past:
        bring(oneroster(university(users=[user(1, userIds="{card:77}"), *university()["users"][1:]])))
        bring(oneroster(university(users=[user(1, givenName="Addy"), *university()["users"][2:]])), confirm=True)
        bring(table("person,role", [{"person": "00000001", "role": "tutor"}]), roles=True)
        enrolment = {"student": "S1", "course": "B", "status": "current", "starts_on": "2026-09-21"}
        bring(table("student,course,status,starts_on", [enrolment]))
        bring(events(event()))
    assert past == []
    assert Identifier.objects.get().valid_to is not None
    assert RoleGrant.objects.filter(role="tutor").exists()


def test_a_write_past_accounts_is_seen():
    person = World().person()
    with watched() as past:
        Person.objects.filter(pk=person.pk).update(number="1")
    assert len(past) == 1


def test_no_other_feature_writes_rows_of_people_in_bulk():
    with pytest.raises(ValueError, match="Person is not written by timetable"):
        save_rows(Rows(new=[Person(username="a", family_name="B")]), feature="timetable")


def test_whoever_a_file_closes_is_signed_out_without_anybody_remembering(client: Any):
    run = bring(oneroster(university()))
    person = Person.objects.get(source_id="S1")
    client.force_login(person)
    UserSession.objects.create(user=person, session_key=client.session.session_key, ip="127.0.0.1", user_agent="x")
    person.is_active = False
    write(Writes(people=Rows(changed=[person])), run=run, at=AT, actor=feeds.ACTOR)
    assert not UserSession.objects.filter(user=person).exists()


def test_only_the_columns_that_a_file_changes_are_written():
    """What somebody else has changed since the file was compared stays."""
    run = bring(oneroster(university()))
    person = Person.objects.get(source_id="S1")
    person.given_name = "Addy"
    writes = Writes(people=Rows(changed=[person]))
    writes.note()
    Person.objects.filter(pk=person.pk).update(preferred_name="Dee", password="new")
    write(writes, run=run, at=AT, actor=feeds.ACTOR)
    person.refresh_from_db()
    assert (person.given_name, person.preferred_name, person.password) == ("Addy", "Dee", "new")

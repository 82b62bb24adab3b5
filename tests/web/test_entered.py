"""What comes in an address or a form: what can be meant is read, and nothing else."""

from contextlib import suppress
from datetime import date
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import get_resolver
from hypothesis import given
from hypothesis import strategies as st

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.web.entered import DayField, MomentField, RowConverter, day_of, number_of, ref_of
from tests.kit.signing_in import prove
from tests.kit.world import World


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-30", date(2026, 11, 30)),
        ("1900-01-01", date(1900, 1, 1)),
        ("2199-12-31", date(2199, 12, 31)),
        ("1899-12-31", None),
        ("2200-01-01", None),
        ("9999-12-31", None),
        ("0001-01-01", None),
        ("2026-02-30", None),
        ("", None),
        (None, None),
    ],
)
def test_a_day(text: str | None, day: date | None):
    assert day_of(text) == day


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("12", 12),
        ("9" * 18, int("9" * 18)),
        ("9" * 19, None),
        ("9" * 5000, None),
        ("-1", None),
        ("٣", None),
        (None, None),
    ],
)
def test_a_number(text: str | None, number: int | None):
    assert number_of(text) == number


@given(st.text())
def test_whatever_is_sent_is_read_or_is_nothing(text: str):
    day_of(text), number_of(text), ref_of(text)
    for field in (DayField(required=False), MomentField(required=False)):
        with suppress(ValidationError):
            assert field.clean(text) is None or field.clean(text).year < 2200


@pytest.mark.parametrize("text", ["9999-12-31T23:59", "0001-01-01T00:00", "1899-12-31T23:59"])
def test_a_moment_that_nobody_means(text: str):
    with pytest.raises(ValidationError, match="between 1900 and 2199"):
        MomentField().clean(text)


def test_every_number_in_an_address_is_one_a_database_has():
    """Django's own converter takes any number of digits."""
    converters = {
        name: converter
        for pattern in get_resolver().url_patterns
        for name, converter in getattr(pattern.pattern, "converters", {}).items()
        if "Int" in type(converter).__name__ or "Row" in type(converter).__name__
    }
    assert converters
    assert {type(converter) for converter in converters.values()} == {RowConverter}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "path"),
    [
        (Role.ATTENDANCE_TEAM, "/office/classes/?on={day}"),
        (Role.AUDITOR, "/audit/?since={day}"),
        (Role.AUDITOR, "/audit/?until={day}"),
        (Role.STUDENT, "/today/?week={day}"),
        (Role.LECTURER, "/teaching/?week={day}"),
        (Role.DATA_PROTECTION, "/privacy/access/?week={day}"),
    ],
)
@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "9999-12-27"])
def test_days_at_the_end_of_time_break_no_page(world: World, client: Client, role: Role, path: str, day: str):
    client.force_login(world.person(role))
    assert client.get(path.format(day=day)).status_code in {200, 404, 422}


@pytest.mark.django_db
def test_a_form_says_what_is_wrong_with_such_a_day(world: World, client: Client):
    person: Person = world.person(name="Ann")
    client.force_login(world.person(Role.ADMINISTRATOR))
    prove(client)
    sent: dict[str, Any] = {"role": "attendance_team", "starts_on": "9999-12-31", "ends_on": ""}
    answer = client.post(f"/office/people/{person.ref}/roles/", sent)
    assert answer.status_code == 422
    assert "Choose a day between 1900 and 2199." in answer.content.decode()

"""What a person with a local account does at the door."""

import base64
import secrets
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.contrib.auth.hashers import make_password
from django.test import Client

from adsum.accounts import services
from adsum.accounts.models import Person
from adsum.web.signin.stepup import PROVED
from tests.kit.world import NINE

PASSWORD = "correct horse battery"
TOO_MANY = "one try too many"


@cache
def _hashed() -> str:
    return make_password(PASSWORD)


def local_account(person: Person, username: str) -> Person:
    """Give a person `PASSWORD`, hashed once for all tests."""
    Person.objects.filter(pk=person.pk).update(password=_hashed())
    person.password = _hashed()
    services.update_person(person, username=username, by="system:test", at=NINE)
    return person


def enter(client: Client, email: str = "alice@uni.example", password: str = PASSWORD, next_path: str = "") -> Any:
    """From the first page to the answer to the password."""
    client.post("/sign-in/", {"email": email, "next": next_path})
    return client.post("/sign-in/password/", {"password": password})


def new_secret() -> str:
    """A secret as authenticator apps are given."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def signed_in(client: Client) -> str | None:
    """The id of whoever is signed in with this browser."""
    return client.session.get("_auth_user_id")


def text(answer: Any) -> str:
    """What the page says."""
    return str(answer.content.decode())


def prove(client: Client, at: datetime | None = None) -> Client:
    """This signed-in browser's owner proved themselves now, or at that moment, so that no step-up is asked for."""
    session = client.session
    session[PROVED] = (at or datetime.now(UTC)).timestamp()
    session.save()
    return client

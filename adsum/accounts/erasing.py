"""What is left of people of whom nothing may be known any more: a row to which their marks lead, and which names nobody."""

import uuid
from collections.abc import Collection
from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session

from adsum.accounts.models import Person

ERASED = "erased"
"""What a user name begins with of somebody of whom nothing is known: none of the university's looks like it."""
NAMELESS = "(erased)"
"""What pages show in the place of a name."""


def empty_people(people: Collection[int], *, at: datetime) -> int:  # noqa: ARG001 (as every verb that a declaration names)
    """Take everything from the rows of these people that says who they were; how many there were. They can no longer sign in.
    Their public id is a new one, because addresses with the old one are known elsewhere."""
    rows = list(Person.objects.filter(pk__in=people).exclude(username__startswith=f"{ERASED}-"))
    for person in rows:
        person.ref = uuid.uuid4()
        person.username, person.family_name = f"{ERASED}-{person.ref}", NAMELESS
        person.email = person.given_name = person.preferred_name = person.pronouns = person.number = ""
        person.source = person.source_id = person.language = ""
        person.password, person.last_login = make_password(None), None
        person.is_active = person.in_source = False
    named = ["ref", "username", "family_name", "email", "given_name", "preferred_name", "pronouns", "number", "source"]
    changed = [*named, "source_id", "language", "password", "last_login", "is_active", "in_source"]
    return Person.objects.bulk_update(rows, changed, batch_size=500)


def stand_ins(number: int) -> list[Person]:
    """So many people who never were: those who left are known by them in what is kept without a name."""
    refs = [uuid.uuid4() for _ in range(number)]
    return Person.objects.bulk_create(
        Person(
            ref=ref,
            username=f"{ERASED}-{ref}",
            family_name=NAMELESS,
            is_active=False,
            in_source=False,
            password=make_password(None),
        )
        for ref in refs
    )


def end_sign_ins(sign_ins: Collection[int], *, at: datetime) -> int:  # noqa: ARG001 (as every verb that a declaration names)
    """Forget these sign-ins and the pages they were made with; how many."""
    keys = UserSession.objects.filter(pk__in=sign_ins).values_list("session_key", flat=True)
    Session.objects.filter(session_key__in=list(keys)).delete()
    return int(UserSession.objects.filter(pk__in=sign_ins).delete()[0])

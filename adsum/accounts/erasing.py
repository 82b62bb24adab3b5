"""What is left of people of whom nothing may be known any more: a row to which their marks lead, and which names nobody."""

import uuid
from collections.abc import Collection

from django.contrib.auth.hashers import make_password

from adsum.accounts.models import Person

ERASED = "erased"
"""What stands in the place of a family name, and what a user name begins with: none of the university's looks like it."""


def empty_people(people: Collection[int]) -> int:
    """Take everything from the rows of these people that says who they were; how many there were. They can no longer sign in.
    Their public id is a new one, because addresses with the old one are known elsewhere."""
    rows = list(Person.objects.filter(pk__in=people).exclude(username__startswith=f"{ERASED}-"))
    for person in rows:
        person.ref = uuid.uuid4()
        person.username, person.family_name = f"{ERASED}-{person.ref}", ERASED
        person.email = person.given_name = person.preferred_name = person.pronouns = person.number = ""
        person.source = person.source_id = person.language = ""
        person.password, person.last_login = make_password(None), None
        person.is_active = person.in_source = False
    named = ["ref", "username", "family_name", "email", "given_name", "preferred_name", "pronouns", "number", "source"]
    changed = [*named, "source_id", "language", "password", "last_login", "is_active", "in_source"]
    return Person.objects.bulk_update(rows, changed, batch_size=500)

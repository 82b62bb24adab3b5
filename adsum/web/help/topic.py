"""What a help page is made of."""

from dataclasses import dataclass

from django.utils.functional import Promise

from adsum.accounts.rules import Role


@dataclass(frozen=True, slots=True)
class Topic:
    """One help page: what it is about, what to do in order, and the questions people ask."""

    name: str
    title: Promise
    about: Promise
    steps: tuple[Promise, ...] = ()
    answers: tuple[tuple[Promise, Promise], ...] = ()
    roles: frozenset[Role] | None = None
    """Who has such pages; None: everybody, also people who have not signed in. Others find it by its address."""

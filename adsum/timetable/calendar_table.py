"""The table of the secret addresses of people's own calendars."""

from __future__ import annotations

from django.db import models

from adsum.accounts.models import Person
from adsum.core.declared import For, From, Keep, declare


class CalendarKey(models.Model):
    """The secret in the address of one person's own calendar. It is found by its fingerprint. The encrypted copy is there to
    show the address to its owner again; the table itself does not reveal it."""

    person = models.OneToOneField(Person, on_delete=models.CASCADE, related_name="+")
    fingerprint = models.CharField(max_length=64, unique=True)
    sealed = models.CharField(max_length=200)
    made_at = models.DateTimeField()
    declared = declare(
        "person", Keep.CONTACT, For.SERVICE, From.PERSON, facts="made_at", secrets="fingerprint sealed", goes=True
    )

    def __str__(self) -> str:
        return f"calendar of {self.person_id}"

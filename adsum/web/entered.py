"""Reads days, references and row numbers from an address or a form. Values that no timetable can mean are refused, because
calculations fail near the limits of dates and numbers."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.urls.converters import IntConverter
from django.utils.translation import gettext_lazy as _

FIRST, LAST = date(1900, 1, 1), date(2199, 12, 31)
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2199, 12, 31, tzinfo=UTC)
DIGITS = 18
"""The most digits with which every number still fits into a database."""
BEYOND = _("Choose a day between 1900 and 2199.")


class RowConverter(IntConverter):
    """The number of a row in an address: as many digits as a database has."""

    regex = f"[0-9]{{1,{DIGITS}}}"


class DayField(forms.DateField):
    """A day, as a browser's calendar sends it."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    default_validators = [MinValueValidator(FIRST, BEYOND), MaxValueValidator(LAST, BEYOND)]


class MomentField(forms.DateTimeField):
    """A minute of the university's time, as a browser sends it."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    input_formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
    default_validators = [MinValueValidator(EARLIEST, BEYOND), MaxValueValidator(LATEST, BEYOND)]


def day_of(text: str | None) -> date | None:
    """The day of an ISO date; None for anything else."""
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return None
    return day if FIRST <= day <= LAST else None


def number_of(text: str | None) -> int | None:
    """The number of a row; None for anything else."""
    text = text or ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= DIGITS else None


def ref_of(text: str | None) -> UUID | None:
    """A reference; None for anything else."""
    try:
        return UUID(text or "")
    except ValueError:
        return None


class WordsField(forms.CharField):
    """A text of a few lines."""

    def __init__(self, *, max_length: int = 2000, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, widget=forms.Textarea(attrs={"rows": 3}), **kwargs)

"""Giving a person's data to an authority outside: who may ask, and on what ground."""

from enum import StrEnum

LONGEST_WORDS = 2000


class Body(StrEnum):
    """Who asks."""

    POLICE = "police"
    HOME_OFFICE = "home_office"
    COUNCIL = "council"
    HEALTH = "health"
    COURT = "court"
    OTHER = "other"


class Basis(StrEnum):
    """On what ground it is given (Data Protection Act 2018, schedules 1 and 2)."""

    CRIME = "crime"
    """To prevent or detect crime, or to catch an offender."""
    ORDER = "order"
    """A court order, or a duty by law."""
    VITAL = "vital"
    """Somebody's life is in danger."""
    SAFEGUARDING = "safeguarding"
    SPONSOR = "sponsor"
    """A duty as visa sponsor."""
    TAX = "tax"
    """Council tax and benefits."""
    CONSENT = "consent"
    """The person agreed."""


def why_not(*, asked_by: str, why: str) -> str | None:
    """Why it is not recorded, as a code; None when it may be."""
    if not asked_by.strip():
        return "needs_who"
    if not why.strip():
        return "needs_why"
    return None

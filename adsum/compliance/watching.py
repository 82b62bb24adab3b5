"""What the nightly watch over sponsored students looks for. Pure. Sources: docs/rules.md B rules 1, 2, 4 and 10."""

from enum import StrEnum


class Sign(StrEnum):
    """What was found."""

    POLICY = "policy"
    """So many days without engagement by the policy's clock."""
    CALENDAR = "calendar"
    """The same by the calendar's, which never stands still."""
    ROW = "row"
    """So many contacts missed in a row."""
    PERMISSION = "permission"
    """A permission ends in so many days."""
    CONTACTS = "contacts"
    """A research student has had fewer contacts than the period asks for."""
    MONTH = "month"
    """Below the percentage of the monthly rule."""


class Ended(StrEnum):
    """Why it is over."""

    ENGAGED = "engaged"
    """The student engaged."""
    CORRECTED = "corrected"
    """The record was put right: it never was so."""
    OVER = "over"
    """The student is not sponsored any more, or has a new permission."""

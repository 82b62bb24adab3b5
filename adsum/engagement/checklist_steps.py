"""The five steps that a reminder offers its student. Pure. Source: docs/rules.md, the reference process."""

from enum import StrEnum


class Step(StrEnum):
    """What a student can do about a reminder, in this order."""

    RECORD = "record"
    """Look through the classes it rests on."""
    LECTURER = "lecturer"
    """Ask the lecturer about a mark."""
    SCANNED = "scanned"
    """Say that they scanned. One query with the step before: it is the same mark and the same lecturer."""
    CIRCUMSTANCES = "circumstances"
    """Tell of what makes it hard to come."""
    RETURN = "return"
    """Come to the classes ahead."""


ANSWERED_HERE = frozenset({Step.RECORD, Step.CIRCUMSTANCES})
"""Steps that a student may tick by saying so; the others show in what they did."""
QUERY_WORKING_DAYS = 10
"""For so many working days after its delivery any mark that a reminder rests on can be queried, whatever the ordinary
deadline (10-support: no stage rests on a mark that could no longer be put right)."""

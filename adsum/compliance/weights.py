"""What counts as a contact of a sponsored student, and how sure it is. Pure. Sources: docs/rules.md B 20 and B rule 3."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from adsum.attendance.rules import Source, Status
from adsum.engagement.case_rules import Channel
from adsum.timetable.rules import Delivery


class Way(StrEnum):
    """How a student engaged, or is said to have."""

    SCAN = "scan"
    """Checked in to a class with a code."""
    STAFF = "staff"
    """A person marked the student as present in a class."""
    FILE = "file"
    """A file did."""
    ONLINE = "online"
    """Attended a class that is taught remotely, or that anyone may join remotely."""
    REMOTE = "remote"
    """Joined a class remotely that is taught in a room."""
    MEETING = "meeting"
    CONVERSATION = "conversation"
    """Somebody spoke with the student, or the student answered."""
    SUPERVISION = "supervision"
    SUBMISSION = "submission"
    EXAM = "exam"
    VISA_CHECK = "visa_check"
    VLE = "vle"
    """Opened a page of the learning environment."""
    SELF_REPORTED = "self_reported"
    """Told of an absence."""


class Assurance(StrEnum):
    """How sure it is that the student was there."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Weight(NamedTuple):
    """Whether it counts as a contact, and how sure it is."""

    counts: bool
    assurance: Assurance


DEFAULTS: Mapping[Way, Weight] = {
    Way.SCAN: Weight(True, Assurance.MEDIUM),
    Way.STAFF: Weight(True, Assurance.HIGH),
    Way.FILE: Weight(True, Assurance.MEDIUM),
    Way.ONLINE: Weight(True, Assurance.MEDIUM),
    Way.REMOTE: Weight(False, Assurance.LOW),
    Way.MEETING: Weight(True, Assurance.HIGH),
    Way.CONVERSATION: Weight(False, Assurance.MEDIUM),
    Way.SUPERVISION: Weight(True, Assurance.HIGH),
    Way.SUBMISSION: Weight(True, Assurance.MEDIUM),
    Way.EXAM: Weight(True, Assurance.HIGH),
    Way.VISA_CHECK: Weight(True, Assurance.HIGH),
    Way.VLE: Weight(False, Assurance.LOW),
    Way.SELF_REPORTED: Weight(False, Assurance.LOW),
}
"""What holds until the university says otherwise."""

NEVER = frozenset({Way.SELF_REPORTED})
"""What no university can make count: to tell of an absence is not to engage."""


def counted(weights: Mapping[Way, Weight]) -> frozenset[Way]:
    """The ways that count as contacts."""
    return frozenset(way for way in Way if weights.get(way, DEFAULTS[way]).counts) - NEVER


def way_of(source: str, status: str, delivery: str) -> Way:
    """How a student attended a class, by who made the mark and how the class is taught."""
    if status == Status.REMOTE:
        return Way.REMOTE if delivery == Delivery.IN_PERSON else Way.ONLINE
    if delivery == Delivery.REMOTE:
        return Way.ONLINE
    return {Source.SCAN: Way.SCAN, Source.IMPORT: Way.FILE}.get(Source(source), Way.STAFF)


OF_CHANNEL: Mapping[Channel, Way] = {
    Channel.MEETING: Way.MEETING,
    Channel.CONVERSATION: Way.CONVERSATION,
    Channel.SUPERVISION: Way.SUPERVISION,
    Channel.SUBMISSION: Way.SUBMISSION,
    Channel.EXAM: Way.EXAM,
    Channel.VLE: Way.VLE,
}
"""What other contacts are; classes are read from the marks."""

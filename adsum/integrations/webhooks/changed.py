"""What an event of the log changed of a class or its register: for the feed of changes and for webhooks."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from adsum.audit.encoding import Facts
from adsum.integrations.webhooks.rules import Topic

OF_CLASSES = ("class.", "import.session.")
"""How the verbs begin that change a class itself."""


class Changed(NamedTuple):
    """One change: where in the log, when, and of which class."""

    place: int
    at: datetime
    topic: Topic
    session: int
    student: str = ""
    """The alias of the student whose mark changed; empty where the class itself did."""


def changed(events: Iterable[tuple[int, Facts]]) -> list[Changed]:
    """The changes among these events, in their order."""
    found = []
    for place, event in events:
        kind, _colon, number = event.subject.partition(":")
        if kind != "session" or not number.isdecimal():
            continue
        if "after" in event.detail:
            about = str(event.detail.get("student") or event.actor)  # of a scan: who scanned
            found.append(Changed(place, event.at, Topic.REGISTER, int(number), about.removeprefix("person:")))
        elif event.verb.startswith(OF_CLASSES):
            found.append(Changed(place, event.at, Topic.CLASS, int(number)))
    return found

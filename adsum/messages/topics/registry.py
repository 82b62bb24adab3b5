"""Everything people are told, by topic: a new one is a file here that says TOPIC, and one line below."""

from importlib import import_module

from adsum.messages.letter import Facts, Letter
from adsum.messages.topic import Kind, Topic

NAMES = (
    "classes",
    "marks",
    "queries",
    "registers",
    "amendments",
    "feeds",
    "oversight",
    "reminders",
)  # fmt: skip
TOPICS: dict[str, Topic] = {name: import_module(f"{__package__}.{name}").TOPIC for name in NAMES}
KINDS: dict[str, Kind] = {kind.name: kind for topic in TOPICS.values() for kind in topic.kinds}


def letter_of(kind: str, facts: Facts) -> Letter:
    """The letter for one message."""
    return KINDS[kind].letter(facts)

"""A public verb done once, and the events it leaves: a row of the table of deeds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.kit.class_on import BY, U


@dataclass(frozen=True)
class Deed:
    """What is done (after what was made ready), and the events it leaves, in order, by whom."""

    make: Callable[[U], Callable[[], Any]]
    leaves: list[str]
    by: str = BY
    """An actor, or the name of one of the people of U."""


def with_(thing: Any, deed: Callable[[Any], Any]) -> Callable[[], Any]:
    return lambda: deed(thing)

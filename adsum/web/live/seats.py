"""How many live streams there may be at once, apart from requests: in a process, of a class, of an account and of a screen.

A stream stays open for minutes, so a browser that opened very many would leave no room for others. A stream without a seat is
refused, with the reason; the others stay.
"""

from collections import Counter
from collections.abc import Hashable, Mapping

MOST = {"process": 1_500, "class": 200, "account": 12, "screen": 12}
"""A lecturer with two browsers and a few windows in each needs six; a screen needs one, and one more while it comes back."""


class Seats:
    """Counts the streams at each place, such as one account; `most` says how many fit, by the kind of place."""

    def __init__(self, most: Mapping[str, int] = MOST) -> None:
        self._most = most
        self._taken: Counter[tuple[str, Hashable]] = Counter()

    def take(self, **places: Hashable) -> "Seat | None":
        """A seat at all of these places and in the process; None when one of them is full."""
        wanted = [("process", None), *places.items()]
        if any(self._taken[place] >= self._most[place[0]] for place in wanted):
            return None
        self._taken.update(wanted)
        return Seat(self._taken, wanted)

    def __len__(self) -> int:
        """The streams of this process."""
        return self._taken["process", None]


class Seat:
    """One stream's; given back once."""

    def __init__(self, taken: Counter[tuple[str, Hashable]], places: list[tuple[str, Hashable]]) -> None:
        self._taken, self._places = taken, places

    def give_back(self) -> None:
        for place in self._places:
            self._taken[place] -= 1
            if not self._taken[place]:
                del self._taken[place]
        self._places = []

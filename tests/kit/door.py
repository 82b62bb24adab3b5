"""What a door is: one address and method, and what each of those who knock gets there."""

from dataclasses import dataclass, field

WHO = (
    "anonymous",
    "student",
    "other student",
    "lecturer",
    "other lecturer",
    "leader",
    "tutor",
    "other tutor",
    "department",
    "other department",
    "team",
    "ukvi",
    "slc",
    "timetabling",
    "administrator",
    "data protection",
    "auditor",
    "help desk",
)
"""Who knocks. The addresses are about one class, its student and things of theirs: with the lecturer of that class, the leader
of its module, the tutor of its student and the staff of its department; another of each; and everyone else's offices."""

IN = "sign in"
"""Sent to the sign-in page."""


Gets = tuple[int | str, ...]
"""What each of WHO gets: a status, or IN."""


@dataclass(frozen=True)
class Door:
    """One address and method: its URL name, what is sent, and what each of WHO gets."""

    name: str
    method: str
    path: str
    gets: Gets
    data: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.name}"


def always(status: int) -> Gets:
    """The same for everyone."""
    return (status,) * len(WHO)


def instead(gets: Gets, status: int) -> Gets:
    """The same people, but they get `status` where they got 200."""
    return tuple(status if got == 200 else got for got in gets)


def doors(name: str, path: str, get: Gets | None, post: Gets | None, **data: str) -> tuple[Door, Door]:
    """The two rows of an address; None where it does not take the method: 405 for everyone."""
    return Door(name, "GET", path, get or always(405)), Door(name, "POST", path, post or always(405), data)

"""The menu: one table of where each role can go."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from adsum.accounts.rules import IMPORTS, KEEPS_REGISTERS, LISTS_CLASSES, MAKES_POLICIES, RUNS_CHECKIN, Role


@dataclass(frozen=True, slots=True)
class Door:
    """One entry of the menu: shown to whoever holds one of `roles`."""

    name: str
    label: Promise
    icon: str
    roles: frozenset[Role]


MENU = (
    Door("student_today", _("Today"), "house", frozenset({Role.STUDENT})),
    Door("student_record", _("My record"), "list-check", frozenset({Role.STUDENT})),
    Door("teaching_today", _("My classes"), "calendar-week", frozenset({Role.LECTURER})),
    Door("office_classes", _("Classes"), "building", LISTS_CLASSES),
    Door("office_registers", _("To complete"), "pencil", KEEPS_REGISTERS),
    Door("office_outages", _("Outages"), "wifi-off", frozenset({Role.ATTENDANCE_TEAM, Role.ADMINISTRATOR})),
    Door("imports", _("Imports"), "file-earmark-arrow-up", IMPORTS),
    Door("policies", _("Policies"), "file-earmark-text", MAKES_POLICIES),
    Door("office_checkin", _("Check-in"), "qr-code", RUNS_CHECKIN),
)


@dataclass(frozen=True, slots=True)
class Item:
    """What the page frame draws."""

    label: Promise
    url: str
    icon: str
    current: bool


def items_for(roles: frozenset[Role], *, current: str) -> list[Item]:
    """The menu of a person with these roles; `current` is the path of the page shown."""
    doors = [(door, reverse(door.name)) for door in MENU if door.roles & roles]
    return [Item(door.label, url, door.icon, current.startswith(url)) for door, url in doors]

"""The menu: one table of where each role can go."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from adsum.accounts.rules import (
    COMPLIANCE,
    DECLARES_OUTAGES,
    HELPS,
    IMPORTS,
    KEEPS_RECORDS,
    KEEPS_REGISTERS,
    LISTS_CLASSES,
    LOOKS_AFTER,
    MAKES_POLICIES,
    MANAGES_PEOPLE,
    OVERSEES_PARTNERS,
    READS_ACCESS_LOG,
    RUNS_CHECKIN,
    SETS_UP_APPLICATIONS,
    SETS_UP_SIGN_IN,
    Access,
    Role,
)


@dataclass(frozen=True, slots=True)
class Door:
    """One entry of the menu: shown to people with one of `roles`."""

    name: str
    label: Promise
    icon: str
    roles: frozenset[Role]
    everywhere: bool = False
    """Only for people who hold it over the whole university."""
    within: str = ""
    """The door behind which it is found: people who have that one do not need it in the menu."""
    seldom: bool = False
    """Not opened every day: it goes under More where the menu of a person is long."""


SEES_REPORTS = KEEPS_REGISTERS | {Role.TIMETABLING, Role.ADMINISTRATOR, Role.DATA_PROTECTION}
"""Have a report at least."""
LONG = 7
"""How many entries a menu may have before those that are seldom needed go under More."""


MENU = (
    Door("student_today", _("Today"), "house", frozenset({Role.STUDENT})),
    Door("student_record", _("Your attendance"), "list-check", frozenset({Role.STUDENT})),
    Door("student_support", _("Support"), "people", frozenset({Role.STUDENT})),
    Door("student_decisions", _("Decisions"), "file-earmark-text", frozenset({Role.STUDENT}), within="student_support"),
    Door("student_absences", _("Absences"), "calendar-check", frozenset({Role.STUDENT})),
    Door("teaching_today", _("My classes"), "calendar-week", frozenset({Role.LECTURER})),
    Door("work", _("Work"), "list-check", KEEPS_REGISTERS),
    Door("office_classes", _("Classes"), "building", LISTS_CLASSES),
    Door("office_alerts", _("Alerts"), "hourglass-split", frozenset({Role.ATTENDANCE_TEAM}), within="work"),
    Door("office_queries", _("Queries"), "chat-left-text", KEEPS_REGISTERS, within="work"),
    Door("office_absences", _("Absences"), "calendar-check", KEEPS_RECORDS, within="work"),
    Door("office_contradictions", _("Contradictions"), "question-circle", frozenset({Role.ATTENDANCE_TEAM}), within="work"),
    Door("office_registers", _("To complete"), "pencil", KEEPS_REGISTERS),
    Door("modules", _("Modules"), "mortarboard", LISTS_CLASSES),
    Door("cases", _("Cases"), "person-check", KEEPS_RECORDS | {Role.TUTOR}, within="work"),
    Door("tutees", _("My tutees"), "people", frozenset({Role.TUTOR})),
    Door("compliance", _("Sponsored students"), "shield-check", frozenset({Role.COMPLIANCE_UKVI})),
    Door("students", _("Students"), "people", LOOKS_AFTER - {Role.TUTOR}),
    Door("campus", _("On campus"), "building", frozenset({Role.COMPLIANCE_UKVI}), within="compliance"),
    Door("desk", _("Find a student"), "search", HELPS),
    Door("unopened", _("Not opened"), "envelope", KEEPS_RECORDS | {Role.TUTOR}, within="work"),
    Door("concerns", _("Concerns"), "chat-left-text", KEEPS_RECORDS | {Role.TUTOR}, within="cases"),
    Door("closures", _("Closure days"), "calendar-week", frozenset({Role.ATTENDANCE_TEAM}), within="office_alerts"),
    Door("silent_weeks", _("Silent weeks"), "hourglass-split", KEEPS_REGISTERS, within="reports"),
    Door("rehearsal", _("Rehearsal"), "eye", KEEPS_RECORDS, within="alert_rules", seldom=True),
    Door("sponsors", _("Clocks and profiles"), "hourglass-split", frozenset({Role.COMPLIANCE_UKVI}), within="compliance"),
    Door("guidance", _("Guidance"), "file-earmark-text", COMPLIANCE, seldom=True),
    Door("supervisions", _("Supervisions"), "person-check", frozenset({Role.TUTOR}), within="tutees"),
    Door("packs", _("Evidence packs"), "file-earmark-text", COMPLIANCE),
    Door("bca", _("Assessment"), "shield-check", frozenset({Role.COMPLIANCE_UKVI}), seldom=True),
    Door("partners", _("Partners"), "building", OVERSEES_PARTNERS, everywhere=True, seldom=True),
    Door("funding", _("Funding"), "mortarboard", frozenset({Role.COMPLIANCE_SLC})),
    Door("office_people", _("People"), "person-check", MANAGES_PEOPLE),
    Door("privacy_access", _("Who looked"), "eye", READS_ACCESS_LOG),
    Door("rights", _("Requests"), "chat-left-text", frozenset({Role.DATA_PROTECTION})),
    Door("disclosures", _("Disclosures"), "send", READS_ACCESS_LOG, within="rights"),
    Door("retention", _("Retention"), "hourglass-split", READS_ACCESS_LOG, within="rights"),
    Door("erasures", _("Erasure"), "person-check", frozenset({Role.DATA_PROTECTION}), within="rights"),
    Door(
        "particulars",
        _("Data protection"),
        "file-earmark-text",
        frozenset({Role.DATA_PROTECTION, Role.ADMINISTRATOR}),
        within="rights",
        seldom=True,
    ),
    Door("audit", _("Audit"), "shield-check", READS_ACCESS_LOG),
    Door("imports", _("Imports"), "file-earmark-arrow-up", IMPORTS),
    Door("office_checkin", _("Check-in"), "qr-code", RUNS_CHECKIN),
    Door("providers", _("Sign-in"), "key", SETS_UP_SIGN_IN),
    Door("applications", _("Applications"), "gear", SETS_UP_APPLICATIONS, seldom=True),
    Door("office_outbox", _("Mail"), "send", RUNS_CHECKIN),
    Door("messages", _("Messages"), "envelope", frozenset(Role)),
    Door("amendments", _("Amendments"), "clock-history", KEEPS_REGISTERS | COMPLIANCE, seldom=True),
    Door("office_adjustments", _("Adjustments"), "person-check", frozenset({Role.ATTENDANCE_TEAM}), seldom=True),
    Door("placements", _("Placements"), "building", KEEPS_RECORDS, seldom=True),
    Door("conduct_referrals", _("Conduct"), "phone", frozenset({Role.ATTENDANCE_TEAM}), seldom=True),
    Door("cover", _("Who steps in"), "arrow-repeat", MAKES_POLICIES, everywhere=True, seldom=True),
    Door("reports", _("Reports"), "file-earmark-text", SEES_REPORTS, seldom=True),
    Door("checkin_health", _("How check-in works"), "qr-code-scan", KEEPS_REGISTERS, within="reports"),
    Door("over_time", _("Over time"), "calendar-week", KEEPS_REGISTERS, within="reports"),
    Door("rooms", _("Room use"), "building", SEES_REPORTS, within="reports"),
    Door("equity", _("Equity of reminders"), "people", SEES_REPORTS, within="reports"),
    Door("monitoring_groups", _("Monitoring groups"), "people", frozenset({Role.ADMINISTRATOR}), seldom=True),
    Door("office_outages", _("Outages"), "wifi-off", DECLARES_OUTAGES, everywhere=True, seldom=True),
    Door("alert_rules", _("Alert rules"), "list-check", MAKES_POLICIES, seldom=True),
    Door("policies", _("Policies"), "file-earmark-text", MAKES_POLICIES, seldom=True),
)


@dataclass(frozen=True, slots=True)
class Item:
    """What the page frame draws."""

    label: Promise
    url: str
    icon: str
    current: bool
    count: int = 0
    """How many things wait there."""
    under_more: bool = False


def _outwards(name: str, within: Mapping[str, str]) -> Iterator[str]:
    """A door, the one behind which it is found, and so on."""
    while name:
        yield name
        name = within.get(name, "")


def doors_for(access: Access) -> list[Door]:
    """The doors open to a person who may that, in the order of the menu, those behind another one included."""
    open_ = (door for door in MENU if access.holds(*door.roles))
    return [door for door in open_ if not door.everywhere or access.departments(*door.roles) is None]


def items_for(access: Access, *, current: str, counts: Mapping[str, int] | None = None) -> list[Item]:
    """The menu of a person who may that; `current` is the path of the page shown, `counts` what waits behind a door."""
    names = {door.name for door in MENU if access.holds(*door.roles)}
    doors = [(door, reverse(door.name)) for door in doors_for(access)]
    within = {door.name: door.within for door, _ in doors}
    here = [(door, url) for door, url in doors if current.startswith(url)]
    nearest = max((len(url) for _door, url in here), default=0)  # an address below that of another door is this one's alone
    at = {name for door, url in here if len(url) == nearest for name in _outwards(door.name, within)}
    shown = [(door, url) for door, url in doors if door.within not in names]
    return [
        Item(
            door.label,
            url,
            door.icon,
            door.name in at,
            (counts or {}).get(door.name, 0),
            under_more=door.seldom and len(shown) > LONG,
        )
        for door, url in shown
    ]

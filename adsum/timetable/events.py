"""What an import leaves in the event log of timetables: one event for each row, for places one for each group."""

from adsum.audit.bulk import Rows, Told
from adsum.audit.services import Entry
from adsum.timetable.models import Course, Enrolment, GroupStaff, ModuleLeader, Place

AUDITED = {
    "terms": "term",
    "courses": "course",
    "modules": "module",
    "groups": "group",
    "leaders": "leader",
    "enrolments": "enrolment",
    "staff": "group_staff",
    "rooms": "room",
}
"""Tables of which each row that an import writes leaves an event."""

TOLD: Told = {
    Course: ("department",),
    ModuleLeader: ("module", "starts_on", "ends_on"),
    Enrolment: ("course", "status", "tutor", "starts_on", "ends_on", "delivery_partner"),
    GroupStaff: ("group",),
}
"""What the event of such a row says beside the names of the fields that changed: what decides who may see what."""


def events_of_places(rows: Rows[Place]) -> list[Entry]:
    """Places come by the thousand: one event for each group."""
    groups: dict[int, dict[str, int]] = {}
    for verb, places in (("new", rows.new), ("changed", rows.changed)):
        for place in places:
            counts = groups.setdefault(place.group_id, {})
            counts[verb] = counts.get(verb, 0) + 1
    return [Entry("import.places", f"group:{pk}", counts) for pk, counts in groups.items()]

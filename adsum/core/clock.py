"""Time is UTC inside. These functions turn it into the university's civil time and back; none of them reads a clock."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def civil_day(on: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The UTC instants between which `on` lasts in `zone` (23, 24 or 25 hours), start included, end not."""
    start = datetime.combine(on, time.min, tzinfo=zone)
    end = datetime.combine(on + timedelta(days=1), time.min, tzinfo=zone)
    return start.astimezone(UTC), end.astimezone(UTC)


def monday_of(on: date) -> date:
    """The Monday that begins the week of `on`."""
    return on - timedelta(days=on.weekday())

"""Time zones as calendars name them: by the name all know, by that of Windows, or by a definition of their own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import cast
from zoneinfo import ZoneInfo, available_timezones

from icalendar import Timezone
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

LONGEST = 200
"""Characters of a name that are looked at."""


@dataclass(frozen=True)
class Zone:
    """A time zone, and the name it has everywhere ('' for one that only its file knows)."""

    rules: tzinfo
    name: str = ""

    def civil(self, value: datetime) -> datetime:
        """The civil time here; a time that names no zone is meant to be one already."""
        return value if value.tzinfo is None else value.astimezone(self.rules).replace(tzinfo=None)

    def utc(self, civil: datetime) -> datetime:
        return civil.replace(tzinfo=self.rules).astimezone(UTC)


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    """The names of all zones, by their names in small letters."""
    names = {name.casefold(): name for name in available_timezones()}
    return names | {name.casefold(): place for name, place in WINDOWS_TO_OLSON.items()}


@lru_cache(maxsize=500)
def known_zone(name: str) -> ZoneInfo | None:
    """A zone by the name it has on the internet or in Windows, in capitals or not, with or without the path of its maker before
    it."""
    parts = name.strip("/")[:LONGEST].split("/")
    for names in ("/".join(parts[start:]) for start in range(len(parts))):
        for spelt in (names.casefold(), names.casefold().replace(" ", "_")):
            if found := _names().get(spelt):
                return ZoneInfo(found)
    return None


@lru_cache(maxsize=2000)
def zone_called(name: str, own: str) -> Zone | None:
    """A place's zone as the world knows it; else as the file defines it (`own`); else what its name means elsewhere."""
    known = known_zone(name)
    place = known.key if known and "/" in known.key else ""
    if own and not (place and "/" in name):
        try:
            return Zone(cast(Timezone, Timezone.from_ical(own)).to_tz(lookup_tzid=False), place)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError):
            pass  # a definition that defines nothing: some write one beside a name that all know
    return Zone(known, known.key) if known else None

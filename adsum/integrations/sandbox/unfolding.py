"""What one event of a calendar says, unfolded into the times at which it takes place. Runs in a separate process (`child.py`),
so all input and output is JSON.

Everything is worked out in the civil time of the event's own zone, as its maker meant it, and becomes UTC at the end.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from dateutil.rrule import rrule, rrulestr
from icalendar import Event

from adsum.integrations.sandbox.zones import Zone, zone_called

NO_CLASS_REPEATS = {"SECONDLY", "MINUTELY", "HOURLY"}
TIMES_OF_DAY = ("BYHOUR", "BYMINUTE", "BYSECOND")
MOST_A_DAY = 12
YEARS = range(2000, 2101)
DAY = timedelta(days=1)
NEEDED = {"DTSTART", "DTEND", "DURATION", "RRULE", "EXRULE", "RDATE", "EXDATE", "RECURRENCE-ID"}
"""Properties without which an event cannot be understood, so that one that cannot be read costs the event."""
REPEATS = ("RRULE", "RDATE", "RECURRENCE-ID")
ONCE = ("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID")
CANCELLED = {"CANCELLED", "CANCELED"}
TEXTS = ("SUMMARY", "LOCATION", "DESCRIPTION", "CATEGORIES")
LONGEST_TEXT = 4000


class Wrong(Exception):
    """An event cannot be used: the code of a problem, the line of the event, and what the sentence names."""

    def __init__(self, code: str, line: int, **values: object) -> None:
        super().__init__(code)
        self.answer = {"problem": code, "line": line, "values": values}


def unfold(blocks: list[dict[str, Any]], first: str, last: str) -> dict[str, Any]:
    """All classes of the events that share one UID, those of rules between `first` and `last`.

    Each block is a VEVENT: its `line` in the file, its `text`, the VTIMEZONEs it needs by name (`zones`), the zone in which
    it means times that name none (`floating`), and whether its calendar cancels (`cancelled`). The answer has `events` (what
    each says), `classes` (event, label, start, end, zone), `dropped` (labels that are excluded by name) and `notes` (code,
    line); or a `problem`.
    """
    try:
        series = _Series([_Said.of(block) for block in blocks], datetime.fromisoformat(first), datetime.fromisoformat(last))
        return series.answer()
    except Wrong as wrong:
        return wrong.answer
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError) as reason:
        # What a library makes of a broken event, as any of its parsers may say it.
        return {"problem": "event_unreadable", "line": blocks[0]["line"], "values": {"reason": str(reason)[:200]}}


# One VEVENT

Moment = date | datetime
"""A day, a civil time, or a time with its zone."""


@dataclass
class _Said:
    """What one VEVENT says."""

    line: int
    text: str
    event: Any
    zones: Mapping[str, str]
    floating: str
    withdrawn: bool
    """Its calendar is one of cancellations."""

    @classmethod
    def of(cls, block: Mapping[str, Any]) -> _Said:
        """Raises Wrong, and what the library raises."""
        event = Event.from_ical(block["text"])
        said = cls(block["line"], block["text"], event, block["zones"], block["floating"], block["cancelled"])
        for name, reason in said.event.errors:
            if name is None or name in NEEDED:
                raise Wrong("event_unreadable", said.line, reason=str(reason)[:200])
            said.event.pop(name, None)
        if twice := next((name for name in ONCE if isinstance(said.event.get(name), list)), ""):
            raise Wrong("event_twice", said.line, name=twice)
        if "DTSTART" not in said.event:
            raise Wrong("event_time", said.line)
        return said

    def all(self, name: str) -> list[Any]:
        """Every property of that name."""
        found = self.event.get(name, [])
        return found if isinstance(found, list) else [found]

    def moment(self, prop: Any, value: Any = None) -> Any:
        """The Moment that a property means: its zone wins over the Z that some write as well. Raises Wrong."""
        value = prop.dt if value is None else value
        name = prop.params.get("TZID") if isinstance(value, datetime) else None
        if name and isinstance(value, datetime):
            return value.replace(tzinfo=self.named_zone(str(name)).rules)
        return value

    def named_zone(self, name: str) -> Zone:
        """Raises Wrong."""
        name = name.strip('" ')
        if zone := zone_called(name, self.zones.get(name, "")):
            return zone
        raise Wrong("zone_unknown", self.line, value=name)

    @property
    def all_day(self) -> bool:
        return not isinstance(self.event["DTSTART"].dt, datetime)

    @property
    def from_then_on(self) -> bool:
        """Whether a changed occurrence changes all later ones too. Raises Wrong."""
        reach = str(self.event["RECURRENCE-ID"].params.get("RANGE", "")).upper()
        if reach not in {"", "THISANDFUTURE"}:
            raise Wrong("event_unreadable", self.line, reason=f"RANGE={reach}")
        return bool(reach)

    @property
    def names_no_zone(self) -> bool:
        """Whether its start is in the civil time of wherever it is read."""
        start = self.event["DTSTART"]
        return start.dt.tzinfo is None and "TZID" not in start.params

    @cached_property
    def zone(self) -> Zone:
        """That of its start. Raises Wrong."""
        if self.names_no_zone:
            return self.named_zone(self.floating)
        name = self.event["DTSTART"].params.get("TZID")
        return self.named_zone(str(name)) if name else Zone(UTC, "UTC")

    @cached_property
    def start(self) -> datetime:
        """In civil time. Raises Wrong."""
        return self.within_years(self.zone.civil(self.moment(self.event["DTSTART"])))

    def within_years(self, civil: datetime) -> datetime:
        """Raises Wrong for a time at which there are no classes."""
        if civil.year not in YEARS:
            raise Wrong("event_year", self.line, value=civil.isoformat()[:10])
        return civil

    @cached_property
    def length(self) -> timedelta:
        """Raises Wrong."""
        if "DTEND" in self.event:
            end = self.moment(self.event["DTEND"])
            if not isinstance(end, datetime):
                raise Wrong("event_time", self.line)
            if end.tzinfo is None:
                end = end.replace(tzinfo=self.named_zone(self.floating).rules)
            return self.zone.civil(end) - self.start
        if "DURATION" not in self.event:
            raise Wrong("event_time", self.line)
        length: timedelta = self.event["DURATION"].dt
        return length

    @property
    def age(self) -> tuple[int, bool, str]:
        """Which of two versions is newer."""
        changed = self.changed
        return self.sequence, self.withdrawn, changed.isoformat() if changed else ""

    @property
    def sequence(self) -> int:
        found = self.event.get("SEQUENCE", 0)
        return found if isinstance(found, int) else 0

    @property
    def changed(self) -> datetime | None:
        found = getattr(self.event.get("LAST-MODIFIED"), "dt", None)
        if not isinstance(found, datetime):
            return None
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)

    def answer(self) -> dict[str, Any]:
        """What it says of every class of its own."""
        return {
            "line": self.line,
            "texts": {name: self._text(name)[:LONGEST_TEXT] for name in TEXTS},
            "cancelled": self.withdrawn or str(self.event.get("STATUS", "")).strip().upper() in CANCELLED,
            "sequence": self.sequence,
            "changed": self.changed.isoformat() if self.changed else None,
        }

    def _text(self, name: str) -> str:
        found = self.all(name)
        if name == "CATEGORIES":
            return ", ".join(str(each) for part in found for each in getattr(part, "cats", []))
        return str(found[0]) if found else ""


# All that shares a UID


@dataclass
class _Slot:
    """One class of a series: who says how it is, when it starts in civil time, and how long it takes."""

    said: _Said
    start: datetime
    length: timedelta


class _Series:
    def __init__(self, said: list[_Said], first: datetime, last: datetime) -> None:
        self.first, self.last = first, last
        self.notes: list[tuple[str, int]] = []
        self.dropped: set[str] = set()
        self.slots: dict[datetime, list[_Slot]] = {}
        changes = [each for each in said if "RECURRENCE-ID" in each.event]
        masters = self._newest([each for each in said if "RECURRENCE-ID" not in each.event])
        if len(masters) > 1:
            self.notes.append(("shared_id", min(each.line for each in masters)))
        self.notes += [("all_day", master.line) for master in masters if master.all_day]
        timed = [master for master in masters if not master.all_day]
        self.repeats = len(masters) > 1 or any(name in each.event for each in said for name in REPEATS)
        for master in timed:
            self._master(master)
        if timed or not masters:
            self._change(self._newest(changes), timed)

    def _newest(self, said: Sequence[_Said]) -> list[_Said]:
        """For each time, the newest version about it. Two that contradict each other are a problem."""
        versions: defaultdict[str, list[_Said]] = defaultdict(list)
        for each in said:
            named = each.event.get("RECURRENCE-ID") or each.event["DTSTART"]
            value = each.moment(named)
            value = value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else value
            versions[f"{value} {named.params.get('RANGE', '')}"].append(each)
        kept = []
        for several in versions.values():
            age = max(each.age for each in several)
            newest = [each for each in several if each.age == age]
            if any(_content(each) != _content(newest[0]) for each in newest):
                raise Wrong("duplicate", newest[0].line, id=str(newest[0].event.get("UID", "")), lines=_lines(newest))
            kept.append(newest[0])
            others = [each for each in several if each is not newest[0]]
            same = _content(newest[0])
            self.notes += [("repeated" if _content(each) == same else "superseded", each.line) for each in others]
        return kept

    def _master(self, master: _Said) -> None:
        """The times that an event names, or its rules."""
        zone, start, length = master.zone, master.start, master.length
        rules = [rule for rule in master.all("RRULE") if rule]
        slots = dict.fromkeys(self._by_rules(master, rules) if rules else [start], length)
        for prop in master.all("RDATE"):
            for value in prop.dts:
                at, end = value.dt if isinstance(value.dt, tuple) else (value.dt, None)
                slot = _civil(master.moment(prop, at), zone, start)
                long = end - at if isinstance(end, datetime) else end
                slots[slot] = long or length
        for rule in master.all("EXRULE"):
            for slot in self._walk(master, rule)[0]:
                self._drop(slots, slot)
        self._exclude(master, slots)
        for slot, long in slots.items():
            self.slots.setdefault(slot, []).append(_Slot(master, slot, long))

    def _by_rules(self, master: _Said, rules: list[Any]) -> list[datetime]:
        """The times of all rules inside the window. What that leaves out is noted."""
        walked, unfinished = [], False
        for rule in rules:
            slots, goes_on = self._walk(master, rule)
            walked += slots
            unfinished = unfinished or goes_on
        first = max(master.start, master.zone.civil(self.first)) - DAY
        found = [slot for slot in walked if slot >= first]
        if not walked and not unfinished:
            self.notes.append(("no_dates", master.line))
        elif not found:
            self.notes.append(("outside", master.line))
        elif unfinished or len(found) < len(walked):
            self.notes.append(("cut", master.line))
        if walked and master.start not in walked:
            self.notes.append(("off_rule", master.line))
        return found

    def _walk(self, master: _Said, rule: Any) -> tuple[list[datetime], bool]:
        """The times of a rule until the end of the window, and whether it would end later. Raises Wrong."""
        last, until = master.zone.civil(self.last), _until(master, rule)
        walked = list(_rule(master, rule, min(until, last) if until else last))
        count = rule.get("COUNT")
        goes_on = bool(until and until > last) or bool(count and walked and len(walked) < count[0] and not until)
        return walked, goes_on or (master.start > last and not (until and until < master.start))

    def _exclude(self, master: _Said, slots: dict[datetime, timedelta]) -> None:
        """Take away what EXDATE names; a day takes all of that day."""
        by_day: defaultdict[date, list[datetime]] = defaultdict(list)
        for slot in slots:
            by_day[slot.date()].append(slot)
        known = set(slots)
        first, last = master.zone.civil(self.first), master.zone.civil(self.last)
        for prop in master.all("EXDATE"):
            for value in prop.dts:
                at = master.moment(prop, value.dt)
                slot = _civil(at, master.zone, master.start)
                found = [slot] if isinstance(at, datetime) else by_day[at]
                self.dropped.add(slot.date().isoformat())
                for each in found:
                    self._drop(slots, each)
                if not known.intersection(found) and max(master.start, first) <= slot <= last:
                    self.notes.append(("exclusion", master.line))

    def _drop(self, slots: dict[datetime, timedelta], slot: datetime) -> None:
        slots.pop(slot, None)
        self.dropped |= {slot.date().isoformat(), slot.isoformat()[:16]}

    def _change(self, changes: list[_Said], masters: list[_Said]) -> None:
        """Put changed occurrences in the place of those that the rules made: first those from which on all are changed."""
        placed = [(self._place(change, masters), change) for change in changes]
        for slot, change in sorted(placed, key=lambda each: (not each[1].from_then_on, each[0])):
            if change.from_then_on and masters:
                shift = change.start - slot
                changed = {each: each + shift for each in self.slots if each >= slot}
            else:
                within = self.first <= change.zone.utc(change.start) <= self.last
                changed = {slot: change.start} if slot in self.slots or within or not masters else {}
            for each, start in changed.items():
                self.slots[each] = [_Slot(change, start, change.length)]
            if not changed:
                self.notes.append(("outside", change.line))

    def _place(self, change: _Said, masters: list[_Said]) -> datetime:
        """The time in its series to which a change applies. Raises Wrong."""
        if change.all_day:
            raise Wrong("event_time", change.line)
        zone, start = (masters[0].zone, masters[0].start) if masters else (change.zone, change.start)
        at = change.moment(change.event["RECURRENCE-ID"])
        slot = _civil(at, zone, start)
        if isinstance(at, datetime):
            return slot
        return min((each for each in self.slots if each.date() == at), default=slot)

    def answer(self) -> dict[str, Any]:
        """As `unfold` answers."""
        days = Counter(slot.date() for slot in self.slots)
        said: dict[int, _Said] = {}
        classes = []
        for slot, several in sorted(self.slots.items()):
            label = slot.date().isoformat() if days[slot.date()] == 1 else slot.isoformat()[:16]
            for each in several:
                said[id(each.said)] = each.said
                starts = each.said.within_years(each.start)
                times = [each.said.zone.utc(at).isoformat() for at in (starts, starts + each.length)]
                classes.append([each.said.line, label if self.repeats else "", *times, each.said.zone.name])
        self.notes += [("floating", each.line) for each in said.values() if each.names_no_zone]
        return {
            "events": [each.answer() for each in said.values()],
            "classes": classes,
            "dropped": sorted(self.dropped),
            "notes": self.notes,
        }


def _content(said: _Said) -> list[str]:
    """What makes two VEVENTs the same."""
    return sorted(said.text.splitlines())


def _lines(said: Sequence[_Said]) -> str:
    return ", ".join(str(line) for line in sorted(each.line for each in said))


def _civil(value: Moment, zone: Zone, start: datetime) -> datetime:
    """The civil time; of a day, at the time of day at which the series begins."""
    return zone.civil(value) if isinstance(value, datetime) else datetime.combine(value, start.time())


def _until(master: _Said, rule: Any) -> datetime | None:
    """The last civil time that a rule allows: a bare date includes that day."""
    if not rule.get("UNTIL"):
        return None
    until = rule["UNTIL"][0]
    return master.zone.civil(until) if isinstance(until, datetime) else datetime.combine(until, time.max)


def _rule(master: _Said, rule: Any, until: datetime) -> Iterator[datetime]:
    """The civil times of a rule. Raises Wrong for a rule that no class has, because it might go on for ever."""
    often = set(rule.get("FREQ", [])) & NO_CLASS_REPEATS
    if often:
        raise Wrong("event_rule", master.line, value=often.pop())
    if any(interval < 1 for interval in rule.get("INTERVAL", [])):
        raise Wrong("event_interval", master.line)
    a_day = 1
    for name in TIMES_OF_DAY:
        a_day *= max(len(rule.get(name, [])), 1)
    if a_day > MOST_A_DAY:
        raise Wrong("event_often", master.line, limit=MOST_A_DAY)
    plain = type(rule)({name: value for name, value in rule.items() if name not in {"UNTIL", "COUNT"}})
    bounds = f";UNTIL={until:%Y%m%dT%H%M%S}"
    made: rrule = rrulestr(plain.to_ical().decode() + bounds, dtstart=master.start)
    count = rule.get("COUNT")
    for number, slot in enumerate(made):
        if count and number >= count[0]:
            return
        yield slot

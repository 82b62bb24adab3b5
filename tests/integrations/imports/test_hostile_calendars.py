"""A calendar of a few hundred bytes may ask for more than a machine has. It costs itself, within seconds, and nobody else."""

import resource
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest

from adsum.integrations.imports import icalendar
from adsum.integrations.imports.icalendar import read
from adsum.integrations.imports.mapping import PRESETS, rules_of
from adsum.integrations.imports.problems import Problem, Refused
from adsum.integrations.sandbox import Apart
from tests.kit.feeds import AT, calendar

LONDON = ZoneInfo("Europe/London")
PATIENCE = 20
"""Seconds, where two processes start on a machine that does much else: far below for ever."""


def told(content: bytes) -> tuple[int, list[str]]:
    """How many classes, and what was said."""
    problems: list[Problem] = []
    rows = read(content, "f.ics", problems, rules=rules_of(PRESETS["plain"]), source="feed", at=AT, zone=LONDON).rows
    return len(rows), [problem.code for problem in problems]


def event(rule: str, more: str = "") -> str:
    return f"UID:1\nSUMMARY:CS201 Algorithms – Lecture\nDTSTART:20261201T100000Z\nDURATION:PT1H\nRRULE:{rule}{more}"


ALL = {name: ",".join(map(str, range(most))) for name, most in (("HOUR", 24), ("MINUTE", 60), ("SECOND", 60))}
DAYS = "BYDAY=MO,TU,WE,TH,FR,SA,SU"


@pytest.mark.parametrize(
    ("rule", "classes", "said"),
    [
        ("FREQ=DAILY;INTERVAL=0", 0, ["event_interval"]),
        ("FREQ=WEEKLY;INTERVAL=0;COUNT=3", 0, ["event_interval"]),
        ("FREQ=WEEKLY;INTERVAL=-1", 0, ["event_interval"]),
        ("FREQ=SECONDLY", 0, ["event_rule"]),
        ("FREQ=HOURLY;COUNT=1000000000", 0, ["event_rule"]),
        (f"FREQ=WEEKLY;{DAYS};BYHOUR={ALL['HOUR']};BYMINUTE={ALL['MINUTE']}", 0, ["event_often"]),
        (f"FREQ=YEARLY;{DAYS};BYHOUR={ALL['HOUR']};BYMINUTE={ALL['MINUTE']};BYSECOND={ALL['SECOND']}", 0, ["event_often"]),
        ("FREQ=DAILY;BYHOUR=8,9,10,11,12,13;BYMINUTE=0,20,40", 0, ["event_often"]),
        ("FREQ=DAILY;BYHOUR=10,14;COUNT=9", 9, []),
        ("FREQ=DAILY;COUNT=1000000000", 322, ["cut"]),
        ("FREQ=DAILY;INTERVAL=999999999999", 0, ["event_unreadable"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31", 0, ["no_dates"]),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;BYHOUR=10", 0, ["no_dates"]),
        ("FREQ=WEEKLY;BYMONTH=4;BYMONTHDAY=31;BYDAY=MO", 0, ["no_dates"]),
        ("FREQ=DAILY;INTERVAL=1\nEXRULE:FREQ=DAILY;INTERVAL=0", 0, ["event_interval"]),
        ("FREQ=DAILY;COUNT=2\nRRULE:FREQ=DAILY;INTERVAL=0", 0, ["event_interval"]),
    ],
)
def test_a_rule_without_end_is_refused_or_followed_as_far_as_it_matters(rule: str, classes: int, said: list[str]):
    begun = perf_counter()
    assert told(calendar(event(rule))) == (classes, said)
    assert perf_counter() - begun < PATIENCE


def test_a_zone_whose_own_rules_never_end_ends_its_reader_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(icalendar, "SECONDS", 2)
    halves = (
        f"BEGIN:{name}\nDTSTART:16010101T030000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0000\nRRULE:FREQ=SECONDLY\nEND:{name}"
        for name in ("STANDARD", "DAYLIGHT")
    )
    zone = "\n".join(["BEGIN:VTIMEZONE", "TZID:Ours", *halves, "END:VTIMEZONE"])
    slow = "UID:1\nSUMMARY:CS201 Algorithms\nDTSTART;TZID=Ours:20261005T090000\nDURATION:PT1H"
    with pytest.raises(Refused) as refused:
        told(calendar(slow, header=zone))
    assert refused.value.code == "calendar_dear"
    assert refused.value.message.startswith("f.ics takes too long to read: the event on line 18 repeats without end")


def test_many_rules_that_are_each_slow_share_one_limit(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(icalendar, "SECONDS", 2)
    monkeypatch.setattr(icalendar, "SECONDS_PER_MB", 0)
    rule = "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"
    events = [event(rule).replace("UID:1", f"UID:{n}").replace("20261201", "20000101") for n in range(200)]
    with pytest.raises(Refused) as refused:
        told(calendar(*events))
    assert refused.value.code == "calendar_dear"


def test_following_rules_takes_little_memory_and_none_of_ours():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    big = event("FREQ=DAILY;BYHOUR=8,9,10,11,12,13,14,15,16,17,18,19").replace("20261201", "20000101")
    classes, said = told(calendar(big))
    assert (classes > 9000, said) == (True, ["cut"])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024
    with Apart("unfold", megabytes=200, seconds=10) as process:
        event_of = {"line": 1, "text": f"BEGIN:VEVENT\n{event('FREQ=DAILY')}\nEND:VEVENT", "zones": {}}
        asked = [event_of | {"floating": "UTC", "cancelled": False}]
        answer = process.ask(asked, "2026-09-01T00:00:00+00:00", "2026-12-10T00:00:00+00:00")
    assert len(answer["classes"]) == 9


def test_ten_thousand_excluded_dates_and_zones_are_linear():
    excluded = "".join(f"\nEXDATE;TZID=Z{n}:20261202T100000" for n in range(3000))
    zones = "\n".join(f"BEGIN:VTIMEZONE\nTZID:Z{n}\nEND:VTIMEZONE" for n in range(3000))
    begun = perf_counter()
    assert told(calendar(event("FREQ=DAILY;COUNT=3", excluded), header=zones)) == (0, ["zone_unknown"])
    long = "EXDATE:" + ",".join(["20261202T100000Z"] * 10_000)
    assert told(calendar(event("FREQ=DAILY;COUNT=3") + "\n" + long)) == (0, ["event_unreadable"])
    assert perf_counter() - begun < PATIENCE

"""How one source's iCalendar fields become modules, groups, rooms and kinds: patterns, saved by name, with presets.

A rule is a field (SUMMARY, LOCATION, DESCRIPTION, CATEGORIES) and a regular expression in which `code` names what is
wanted and `title`, where there is one, what people call it. Every match counts: a joint class has several modules.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from adsum.integrations.imports.problems import Refused
from adsum.integrations.imports.vocabulary import kind_in
from adsum.integrations.sandbox import Apart, TooDear
from adsum.timetable.rules import Delivery, Kind

FIELDS = ("SUMMARY", "LOCATION", "DESCRIPTION", "CATEGORIES")
RULES = ("modules", "groups", "rooms", "kinds", "remote")
LONGEST_PATTERN = 400
LONGEST_VALUE = 4000
MOST_MEMORY, MOST_SECONDS = 200, 30
"""Megabytes, and seconds of a processor, that all matches of one file may take: 100,000 classes take a few."""

_LABEL = r"(?=, [^\W\d_][\w ]*: |\s*$)"
PRESETS: dict[str, dict[str, Any]] = {
    "timeedit": {
        "modules": {
            "field": "SUMMARY",
            "pattern": rf"(?:Kurs kod|Course code): (?P<code>.+?)\. (?:Kurs namn|Course name): (?P<title>.+?){_LABEL}",
        },
        "groups": {
            "field": "SUMMARY",
            "pattern": rf"(?:Klass kod|Class code): (?P<code>.+?)\. (?:Klass namn|Class name): (?P<title>.+?){_LABEL}",
        },
        "kinds": {"field": "SUMMARY", "pattern": rf"(?:Activity|Aktivitet): (?P<code>.+?){_LABEL}"},
        "rooms": {"field": "LOCATION", "pattern": r"(?m)(?:Lokalnamn|Room name): (?P<code>.+?)(?=\. [^\W\d_][\w ]*: |\s*$)"},
        "create": True,
    },
    "plain": {
        "modules": {
            "field": "SUMMARY",
            "pattern": r"^(?P<code>[A-Z]{2,}[ -]?\d[\w.-]*)\W*(?P<title>.*?)(?:\s[–—-]\s.*|\s*\([^()]*\)|)$",
        },
        "rooms": {"field": "LOCATION", "pattern": r"(?P<code>[^;|\n]+)"},
        "kinds": {"field": "SUMMARY", "pattern": r"(?s)(?P<code>.+)"},
        "remote": {"field": "LOCATION", "pattern": r"(?i)\b(?P<code>online|zoom|teams|ar-lein)\b"},
        "create": True,
    },
}
"""`timeedit`: as TimeEdit labels its fields. `plain`: “CS201 Algorithms – Lecture”, rooms separated by semicolons."""


@dataclass(frozen=True, slots=True)
class Found:
    """One match: a code and what people call it ('' when the pattern has no title)."""

    code: str
    title: str


@dataclass(frozen=True, slots=True)
class Rules:
    """A mapping ready to be used."""

    rules: dict[str, tuple[str, str]]
    """For each rule its field and its pattern."""
    words: dict[str, Kind] = field(default_factory=dict)
    create: bool = True
    """Whether modules and groups that are not known are made."""


class Matches:
    """A mapping at work on one file. To be used with `with`.

    People write these patterns, and some would run for ever on a text that almost matches, and stop everything else. So they
    run in a separate process, which has a time limit for the whole file.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._found: dict[tuple[str, str], list[Found]] = {}

    def __enter__(self) -> Self:
        self._process = Apart("matches", megabytes=MOST_MEMORY, seconds=MOST_SECONDS)
        return self

    def __exit__(self, *why: object) -> None:
        self._process.__exit__()

    def all(self, name: str, fields: Mapping[str, str]) -> list[Found]:
        """Every different match of one rule, in the order of the text. Raises Refused `pattern_slow`."""
        if name not in self.rules.rules:
            return []
        column, pattern = self.rules.rules[name]
        text = fields.get(column, "")[:LONGEST_VALUE]
        if (name, text) not in self._found:
            self._found[name, text] = self._ask(name, pattern, text) if text else []
        return self._found[name, text]

    def _ask(self, name: str, pattern: str, text: str) -> list[Found]:
        try:
            matches = self._process.ask(pattern, text)
        except TooDear as slow:
            raise Refused("pattern_slow", name=name) from slow
        found: dict[str, Found] = {}
        for groups in matches:
            code = (groups.get("code") or "").strip()
            if code:
                found.setdefault(code, Found(code, (groups.get("title") or "").strip()))
        return list(found.values())

    def kind(self, fields: Mapping[str, str]) -> Kind | None:
        """The kind of class: the first match with a word that is known."""
        kinds = (kind_in(found.code, self.rules.words) for found in self.all("kinds", fields))
        return next((kind for kind in kinds if kind), None)

    def delivery(self, fields: Mapping[str, str]) -> Delivery:
        """Remote when its rule matches, in person otherwise."""
        return Delivery.REMOTE if self.all("remote", fields) else Delivery.IN_PERSON


def rules_of(mapping: Mapping[str, Any]) -> Rules:
    """A mapping as it is saved, ready to be used. Raises Refused `pattern` for one that cannot be."""
    rules = {}
    for name in RULES:
        rule = mapping.get(name) or {}
        if not rule.get("pattern"):
            continue
        pattern = _checked(name, str(rule["pattern"]))
        if rule.get("field") not in FIELDS:
            raise Refused("pattern", name=name, reason=f"field: {', '.join(FIELDS)}")
        rules[name] = rule["field"], pattern
    if "modules" not in rules:
        raise Refused("no_mapping")
    words = {word.casefold(): Kind(kind) for word, kind in (mapping.get("words") or {}).items()}
    return Rules(rules, words, bool(mapping.get("create", True)))


def _checked(name: str, text: str) -> str:
    if len(text) > LONGEST_PATTERN:
        raise Refused("pattern", name=name, reason=f"> {LONGEST_PATTERN}")
    try:
        pattern = re.compile(text)
    except (re.error, OverflowError, RecursionError) as reason:
        raise Refused("pattern", name=name, reason=reason) from reason
    if "code" not in pattern.groupindex:
        raise Refused("pattern", name=name, reason="(?P<code>…)")
    return text

"""What a timetable would change: which class a row is about, what is different, and which classes are missing."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils.translation import gettext as _

from adsum.attendance.reports import reported_in
from adsum.integrations.imports.known_classes import Known, belonging_to, held, load_modules, open_reports, standing
from adsum.integrations.imports.matching import Matched, Modules, begun, match
from adsum.integrations.imports.plan import STOP_ABOVE, Plan, Progress, chunks, rows_with
from adsum.integrations.imports.problems import Problem, Unusable
from adsum.integrations.imports.resolving import Resolver
from adsum.integrations.imports.rows import ClassRow, Timetable
from adsum.timetable.models import ClassSession, GroupStaff, Module, Place, Term
from adsum.timetable.rules import Change, ClassFacts, ClassStatus, ImportState, change_between
from adsum.timetable.services import class_facts
from adsum.timetable.sources import ImportProblem
from adsum.timetable.writes import ClassStep, SourceWord

OF_REPORT = {
    "cancelled": "status",
    "when": "when",
    "rooms": "rooms",
    "staff": "staff",
    "groups": "groups",
    "delivery": "delivery",
}
"""The names in a report of what a source gives."""


def plan_timetable(timetable: Timetable, plan: Plan, *, at: datetime, zone: ZoneInfo, progress: Progress) -> None:
    """Compare a timetable with what is known."""
    _ClassPlanner(timetable, plan, at, zone).run(progress)
    plan.standing = standing(plan.writes.spoken_of(), at)


class _ClassPlanner:
    def __init__(self, timetable: Timetable, plan: Plan, at: datetime, zone: ZoneInfo) -> None:
        self.timetable, self.plan, self.at = timetable, plan, at
        self.today = at.astimezone(zone).date()
        self.sessions = ClassSession.objects.all()  # without their modules: most are as they were and need none
        self.labels: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self.renamed: dict[int, int] = {}
        self.begun: list[int] = []
        self.older: list[int] = []
        self.no_staff: list[int] = []
        self.no_students: list[int] = []
        self.reported: list[int] = []
        self.held: list[int] = []
        self.kept = 0

    def run(self, progress: Progress) -> None:
        """Plan every class of the file, then those that are missing from it."""
        rows = self.timetable.rows
        window = self._window()
        known = self._load(window)
        for each in known:
            self.labels[each.source, each.source_id].add(each.occurrence)
        others = self.sessions.exclude(source__in=self.timetable.sources)
        found = match(rows, known, others, Modules(rows, self.timetable.modules), self.at)
        found.reused = [(row, session) for row, session in found.reused if self._could_vanish(session)]
        reused = {session.pk for _, session in found.reused}
        at_stake = [s for s in known if (s.pk in reused or _inside(s, window)) and self._could_vanish(s)]
        self.plan.at_stake = len(at_stake)
        self._ask(found, sum(1 for each in known if _inside(each, window)))
        self._rename(found)
        missing = set(found.missing)
        differing = [(row, session) for row, session in found.pairs if not self._is_as_it_was(row, session)]
        lost = [s for s in at_stake if s in missing and (s.pk in reused or not self.timetable.partial)]
        dropped = [s for s in missing if (s.source, s.source_id, s.occurrence) in self.timetable.dropped]
        resolver = Resolver(self.plan, self.timetable, [row for row, _ in differing])
        loaded = [session for _, session in differing if session] + lost + dropped
        load_modules(loaded)
        self.links = belonging_to(loaded)
        self.reports = open_reports(loaded)
        spoken_of = [*(session for _, session in differing if session), *dropped]
        self.was_held = held([session for session in spoken_of if session.ends_at <= self.at])
        self.locked = {pk for part in chunks(self.was_held) for pk in reported_in(part)}
        self.taught = set(GroupStaff.objects.values_list("group_id", flat=True).distinct())
        self.peopled = set(Place.objects.values_list("group_id", flat=True).distinct())
        for done, (row, session) in enumerate(differing):
            if done % 500 == 0:
                progress(len(rows) - len(differing) + done, len(rows))
            try:
                self._step(row, session, resolver)
            except Unusable as reason:
                self.plan.problems.append(reason.problem)
        for session in dropped:
            report = self.reports.get(session.pk)
            if session.cancelled or (report and "status" in report.touches):
                continue
            if session.pk in self.locked:
                self.kept += 1
            else:
                self._cancel(session)
        lost = [s for s in lost if s not in dropped]
        self._vanish(lost)
        self._say_what_is_odd(missing)

    # Which classes

    def _window(self) -> tuple[date, date]:
        """The civil dates that the file covers: from its first class (or from today, in the term that is under way) to the
        end of the term of its last class."""
        days = [row.day for row in self.timetable.rows] or [self.today]
        first, last = min(days), max(days)
        terms = list(Term.objects.all())
        begins = [term.starts_on for term in terms if term.starts_on <= first <= term.ends_on]
        ends = [term.ends_on for term in terms if term.starts_on <= last <= term.ends_on]
        lower = min(first, max(min(begins), self.today)) if begins else first
        return lower, max([last, *ends]) if ends else date.max

    def _load(self, window: tuple[date, date]) -> list[ClassSession]:
        """The classes in that time, and those of the file's events at any time."""
        own = self.sessions.filter(source__in=self.timetable.sources)
        inside = Q(starts_on__gte=window[0], starts_on__lte=window[1])
        events = {row.event_id for row in self.timetable.rows}
        return [*own.filter(inside), *rows_with(own.exclude(inside), "source_id", events)]

    def _could_vanish(self, session: ClassSession) -> bool:
        """Whether a class may be missing. Not once it has begun: it took place, or a person cancelled it, and a file that no
        longer names it does not change that."""
        return not (
            begun(session, self.at)
            or (session.source, session.source_id) in self.timetable.held
            or session.cancelled
            or session.suspect_since
            or session.kept_at
        )

    def _ask(self, found: Matched, known: int) -> None:
        """Note what a person must decide about ids, with what applying would do; and what is only worth saying."""
        for row in found.begun:
            self.begun.append(row.record.line)
        if found.reused:
            row, session = found.reused[0]
            values = {"count": len(found.reused), "line": row.record.line, "id": row.event_id, "module": row.module}
            self.plan.stops.append(
                _(
                    "The ids of %(count)s classes still to come now name another module (first: line %(line)s, %(id)s is "
                    "%(module)s and was %(was)s). Applying brings in new classes under these ids, and the old classes become "
                    "missing. Is this another term’s file, whose ids start again?"
                )
                % (values | {"was": Module.objects.get(pk=session.module_id).code})
            )
        others = sorted({session.source for _, session in found.taken} - {""})
        if others:
            taken = [row for row, session in found.taken if session.source]
            values = {"count": len(taken), "others": ", ".join(others), "source": taken[0].source}
            self.plan.stops.append(
                _(
                    "%(count)s classes in this file are already here, from %(others)s, with the same module, time and room. "
                    "Applying moves them to %(source)s, with their marks, so that no class is there twice. To leave them "
                    "with %(others)s, discard this file."
                )
                % values
            )
        if len(found.renamed) > STOP_ABOVE * known and not self._said_before():
            values = {"count": len(found.renamed), "known": known}
            self.plan.stops.append(
                _(
                    "%(count)s of the %(known)s known classes have different ids in this file, but the same module, time and "
                    "room. Applying keeps them as the same classes, with their marks, under the new ids."
                )
                % values
            )

    def _said_before(self) -> bool:
        """Whether a person has said before that new ids of this source mean the same classes."""
        before = ImportProblem.objects.filter(code="renamed", import_run__state=ImportState.APPLIED)
        return before.filter(import_run__source__in=self.timetable.sources).exists()

    def _rename(self, found: Matched) -> None:
        """Give classes that have a new id, or that come from another source, the id that this file uses."""
        pairs = [*found.renamed, *found.taken]
        for _row, session in pairs:
            self.labels[session.source, session.source_id].discard(session.occurrence)
        for row, session in pairs:
            if session.source != row.source:
                session.sequence, session.source_changed_at = 0, None
            session.source, session.source_id, session.occurrence = row.source, row.event_id, self._free_label(row)
            self.renamed.setdefault(session.pk, row.record.line)
            self.plan.writes.renamed.append(session)

    # One class

    def _is_as_it_was(self, row: ClassRow, session: ClassSession | None) -> bool:
        """Whether the source says what it said last time, or something older; then nothing about the class changes."""
        if session is None or session.suspect_since:
            return False
        older = session.source_changed_at and row.changed_at and row.changed_at < session.source_changed_at
        if row.sequence < session.sequence or (row.sequence == session.sequence and older):
            self.older.append(row.record.line)
            self.plan.count("class", Change.UNCHANGED)
            return True
        if session.said != row.said():
            return False
        if self._note(row, session) or session.pk in self.renamed:
            self.plan.writes.touched.append(session)
        self.plan.count("class", Change.UNCHANGED)
        return True

    def _note(self, row: ClassRow, session: ClassSession) -> bool:
        """Keep what the source said and when; whether any of it is new."""
        before = (session.said, session.source_changed_at, session.sequence, session.occurrence, session.kept_at)
        session.said = row.said()
        session.source_changed_at = row.changed_at or session.source_changed_at
        session.sequence = max(row.sequence, session.sequence)
        session.kept_at = None
        if row.label is not None and row.label != session.occurrence:
            session.occurrence = self._free_label(row)
        after = (session.said, session.source_changed_at, session.sequence, session.occurrence, session.kept_at)
        return before != after

    def _step(self, row: ClassRow, session: ClassSession | None, resolver: Resolver) -> None:
        """Plan one class. Where its source repeats itself, the class stays as it is here, changed by hand or not."""
        said: dict[str, Any] = (session.said if session else None) or {}
        new = {name for name, value in row.said().items() if said.get(name) != value}
        staff = resolver.staff(row) if "staff" in new else None
        module = resolver.module(row) if "module" in new else None
        groups = resolver.groups(row) if "groups" in new else None
        rooms = resolver.rooms(row) if "rooms" in new else None
        if "partner" in new:
            resolver.check_partner(row)
        if session is None:
            self._new(row, ClassSession(module=module), Known(rooms or [], groups or [], staff or []))
            return
        links = self.links[session.pk]
        before = class_facts(session, links.rooms, links.groups, links.staff)
        if module is not None:
            session.module = module
        day = session.starts_on
        mine = self._reported(row, session, new, Known(rooms or [], groups or [], staff or []))
        if session.pk in self.locked and "cancelled" in new - mine and row.cancelled != session.cancelled:
            self.kept += 1  # its marks were reported: they stay in every sum, or out of it
            new -= {"cancelled"}
        self._set(row, session, new - mine)
        if session.pk in self.was_held and new & {"groups", "when"}:
            said_now = class_facts(session, links.rooms, links.groups if groups is None else groups, links.staff)
            if (said_now.starts_at, said_now.ends_at, said_now.keys.groups) != (
                before.starts_at,
                before.ends_at,
                before.keys.groups,
            ):
                self.held.append(row.record.line)
            session.starts_on, groups = day, None  # the students expected that day stay expected
        links.rooms = links.rooms if rooms is None or "rooms" in mine else rooms
        links.groups = links.groups if groups is None or "groups" in mine else groups
        links.staff = links.staff if staff is None or "staff" in mine else staff
        after = class_facts(session, links.rooms, links.groups, links.staff)
        was_suspect, session.suspect_since = session.suspect_since, None
        noted = self._note(row, session)
        change = change_between(before, after)
        if change is Change.UNCHANGED and not was_suspect:
            self.plan.count("class", change)
            if noted or session.pk in self.renamed:
                self.plan.writes.touched.append(session)
            return
        change = Change.RESTORED if change is Change.UNCHANGED else change
        step = ClassStep(session, change, before, after)
        step.rooms = links.rooms if before.keys.rooms != after.keys.rooms else None
        step.groups = links.groups if before.keys.groups != after.keys.groups else None
        step.staff = links.staff if before.keys.staff != after.keys.staff else None
        self._add(step)
        if change is not Change.CANCELLED:
            self._check_people(row, links)

    def _reported(self, row: ClassRow, session: ClassSession, new: set[str], said: Known) -> set[str]:
        """Those of the new values that a person at the class reported, and that wait to be decided. They stay as reported;
        what the source says instead is kept for the person who decides."""
        report = self.reports.get(session.pk)
        mine = {name for name in new if report and OF_REPORT.get(name) in report.touches}
        if report is None or not mine:
            return mine
        word = SourceWord(report, agrees=False)
        links, agreed = self.links[session.pk], []
        if "cancelled" in mine:
            word.status = str(ClassStatus.CANCELLED if row.cancelled else ClassStatus.SCHEDULED)
            agreed.append(word.status == session.status)
        if "when" in mine:
            word.when = row.starts_at.isoformat(), row.ends_at.isoformat(), row.zone
            agreed.append((row.starts_at, row.ends_at) == (session.starts_at, session.ends_at))
        if "delivery" in mine:
            word.delivery = str(row.delivery)
            agreed.append(row.delivery == session.delivery)
        for name in mine & {"rooms", "staff", "groups"}:
            rows = getattr(said, name)
            setattr(word, name, rows)
            agreed.append({each.pk for each in rows} == {each.pk for each in getattr(links, name)})
        word.agrees = all(agreed) and {OF_REPORT[name] for name in mine} >= set(report.touches)
        if not word.agrees:
            self.reported.append(row.record.line)
        self.plan.writes.words.append(word)
        return mine

    def _new(self, row: ClassRow, session: ClassSession, links: Known) -> None:
        session.source, session.source_id = row.source, row.event_id
        self._set(row, session, {"title", "kind", "delivery", "mandatory", "cancelled", "when", "partner"})
        session.occurrence = self._free_label(row)
        self._note(row, session)
        facts = class_facts(session, links.rooms, links.groups, links.staff)
        self._add(ClassStep(session, Change.NEW, None, facts, links.rooms, links.groups, links.staff))
        if not row.cancelled:
            self._check_people(row, links)

    def _free_label(self, row: ClassRow) -> str:
        """The source's own name for it, or the day it first stood on; numbered where a class that has moved since, or has
        begun and is another one, has that name."""
        taken = self.labels[row.source, row.event_id]
        first = row.day.isoformat() if row.label is None else row.label
        label, number = first, 1
        while label in taken:
            number += 1
            label = f"{first[:36]} {number}".strip()
        taken.add(label)
        return label

    def _set(self, row: ClassRow, session: ClassSession, new: set[str]) -> None:
        for name in new & {"title", "kind", "delivery", "mandatory"}:
            setattr(session, name, getattr(row, name))
        if "when" in new:
            session.starts_at, session.ends_at, session.zone = row.starts_at, row.ends_at, row.zone
            session.starts_on = row.day
        if "partner" in new and row.partner is not None:
            session.delivery_partner_id = row.partner or None
        if "cancelled" in new:
            session.status = ClassStatus.CANCELLED if row.cancelled else ClassStatus.SCHEDULED

    def _check_people(self, row: ClassRow, links: Known) -> None:
        """Note a class that no lecturer could open, or in which no student is expected."""
        if not links.staff and not any(group.pk in self.taught for group in links.groups):
            self.no_staff.append(row.record.line)
        if not any(group.pk in self.peopled for group in links.groups):
            self.no_students.append(row.record.line)

    def _add(self, step: ClassStep) -> None:
        self.plan.writes.classes.append(step)
        zone = ZoneInfo(step.session.zone)
        before, after = (_shown(facts, zone) for facts in (step.before, step.after))
        label = f"{step.after.title} · {(before or after or {})['when']}"
        if before and after:
            names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
            before, after = ({name: shown[name] for name in names if name in shown} for shown in (before, after))
        self.plan.line(step.change, "class", label, before, after)

    # Missing classes

    def _cancel(self, session: ClassSession) -> None:
        """Cancel an occurrence that the source explicitly excludes."""
        links = self.links[session.pk]
        before = class_facts(session, links.rooms, links.groups, links.staff)
        session.status, session.suspect_since = ClassStatus.CANCELLED, None
        after = class_facts(session, links.rooms, links.groups, links.staff)
        self._add(ClassStep(session, Change.CANCELLED, before, after))

    def _vanish(self, lost: Sequence[ClassSession]) -> None:
        """Ask a person about missing classes. Missing does not mean cancelled: until then the classes stay."""
        for session in sorted(lost, key=lambda each: (each.starts_at, each.pk)):
            links = self.links[session.pk]
            facts = class_facts(session, links.rooms, links.groups, links.staff)
            session.suspect_since = self.at
            step = ClassStep(session, Change.VANISHED, facts, facts)
            self.plan.writes.classes.append(step)
            shown = _shown(facts, ZoneInfo(session.zone)) or {}
            label = f"{facts.title} · {shown['when']}"
            self.plan.line(Change.VANISHED, "class", label, None, shown | {"ref": str(session.ref)})
        self.plan.stop_if_too_many(self.timetable.file, len(lost), self.plan.at_stake)

    def _say_what_is_odd(self, missing: Iterable[ClassSession]) -> None:
        odd = {
            "older": self.older,
            "no_staff": self.no_staff,
            "no_students": self.no_students,
            "reported": self.reported,
            "held": self.held,
            "begun": self.begun,
            "renamed": list(self.renamed.values()),
        }
        for code, lines in odd.items():
            if lines:
                values = {"count": len(lines), "line": min(lines)}
                self.plan.problems.append(Problem(code, self.timetable.file, values=values))
        if self.kept:
            self.plan.problems.append(Problem("locked", self.timetable.file, values={"count": self.kept}))
        still = sum(1 for session in missing if session.suspect_since and session.suspect_since != self.at)
        if still:
            self.plan.problems.append(Problem("still_missing", self.timetable.file, values={"count": still}))


def _inside(session: ClassSession, window: tuple[date, date]) -> bool:
    return window[0] <= session.starts_on <= window[1]


def _shown(facts: ClassFacts | None, zone: ZoneInfo) -> dict[str, Any] | None:
    """Facts as a person reads them, times in the civil time of the class."""
    if facts is None:
        return None
    start, end = facts.starts_at.astimezone(zone), facts.ends_at.astimezone(zone)
    return {
        "when": f"{start:%Y-%m-%d %H:%M}–{end:%H:%M}",
        "title": facts.title,
        "module": facts.module,
        "kind": facts.kind,
        "delivery": facts.delivery,
        "mandatory": facts.mandatory,
        "status": facts.status,
        "rooms": ", ".join(facts.rooms),
        "staff": ", ".join(facts.staff),
        "groups": ", ".join(facts.groups),
    } | ({"partner": facts.partner} if facts.partner else {})

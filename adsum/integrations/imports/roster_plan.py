"""What a roster would change: departments, terms, modules, groups, people, places. Nothing is erased, only ended."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, TypeVar

from django.db.models import Model

from adsum.accounts.models import Department
from adsum.accounts.rules import Role
from adsum.integrations.imports.people_plan import PeoplePlanner
from adsum.integrations.imports.places_plan import PlacesPlanner
from adsum.integrations.imports.plan import Plan, some, too_long
from adsum.integrations.imports.problems import Problem
from adsum.integrations.imports.reading import Record
from adsum.integrations.imports.rows import (
    LIST_PREFIX,
    DepartmentRow,
    GrantRow,
    GroupRow,
    ModuleRow,
    PlaceRow,
    Roster,
    Section,
    TermRow,
)
from adsum.timetable.models import Group, Module, Place, Term
from adsum.timetable.rules import Change

M = TypeVar("M", bound=Model)


def plan_roster(roster: Roster, plan: Plan, today: date, *, trusted: bool) -> None:
    """Compare a roster with what is known, on the university's civil date `today`. `trusted`: an administrator brings it in.
    Raises Refused."""
    _RosterPlanner(plan, roster.source, today, trusted).run(roster)


class _RosterPlanner:
    def __init__(self, plan: Plan, source: str, today: date, trusted: bool) -> None:
        self.plan, self.source, self.today = plan, source, today
        self.yesterday = today - timedelta(days=1)
        self.people = PeoplePlanner(plan, source, today, trusted=trusted)
        self.departments: dict[str, Department] = {}
        modules = list(Module.objects.select_related("department"))
        self.module_codes = {module.code: module for module in modules}
        self.modules = {module.source_id: module for module in modules if module.source == source}
        groups = list(Group.objects.select_related("module"))
        self.group_codes = {(group.module_id, group.code): group for group in groups}
        # The roster may not end a group that a timetable made from a list of students.
        own = [group for group in groups if group.source == source and not group.source_id.startswith(LIST_PREFIX)]
        self.groups = {group.source_id: group for group in own}
        self.ended_groups: set[int] = set()

    def run(self, roster: Roster) -> None:
        """Plan every section that the file had, each before those that refer to it."""
        if roster.departments:
            self._departments(roster.departments)
        if roster.terms:
            self._terms(roster.terms)
        if roster.modules:
            self._modules(roster.modules)
        if roster.groups:
            self._groups(roster.groups)
        if roster.people:
            self.people.people(roster.people)
        self.people.grants(roster.grants)
        places = PlacesPlanner(self.plan, self.source, self.today, self.groups, self.people.index)
        known = Place.objects.filter(source=self.source).exclude(group__source_id__startswith=LIST_PREFIX)
        of_source = {p.source_id: p for p in known}
        people = self.people
        places.places(roster.places, of_source, gone=people.gone, ended=self.ended_groups, meant=people.meant)
        if roster.staff:
            places.staff(roster.staff, people.gone, people.meant)
        if roster.places and roster.places.bulk and roster.grants and roster.grants.bulk:
            self._say_who_is_in_no_group(roster.grants, roster.places)

    def _unusable(self, section: Section[Any], id_: str, record: Record, problem: Problem | None) -> bool:
        if problem:
            self.plan.problems.append(problem)
            section.hold(id_, record)
        return problem is not None

    def _departments(self, section: Section[DepartmentRow]) -> None:
        rows = {id_: (row, record) for id_, row, record in section.live()}
        known = {d.code: d for d in Department.objects.select_related("parent")}

        def depth(id_: str) -> int:
            steps = 0
            while (parent := rows[id_][0].parent) in rows and steps <= len(rows):
                id_, steps = parent, steps + 1
            return steps

        codes: dict[str, str] = {}
        for id_ in sorted(rows, key=lambda each: (depth(each), each)):
            row, record = rows[id_]
            problem = too_long(record, Department, {"code": row.code, "name": row.name}, {"code": "identifier"})
            if depth(id_) > len(rows):
                problem = record.problem("parent_cycle", value=row.name)
            elif codes.setdefault(row.code, id_) != id_:
                lines = f"{rows[codes[row.code]][1].line}, {record.line}"
                problem = record.problem("code_twice", value=row.code, lines=lines)
            if self._unusable(section, id_, record, problem):
                continue
            values = {"code": row.code, "name": row.name, "parent": self.departments.get(row.parent)}
            self.departments[id_] = self.plan.merge(
                self.plan.writes.departments, Department, known.get(row.code), values, "department"
            )

    def _terms(self, section: Section[TermRow]) -> None:
        known = {t.source_id: t for t in Term.objects.filter(source=self.source)}
        for id_, row, record in section.live():
            values = {
                "source": self.source,
                "source_id": id_,
                "name": row.name,
                "academic_year": row.academic_year,
                "starts_on": row.starts_on,
                "ends_on": row.ends_on,
            }
            if not self._unusable(section, id_, record, too_long(record, Term, values, {"name": "title"})):
                self.plan.merge(self.plan.writes.terms, Term, known.get(id_), values, "term")

    def _modules(self, section: Section[ModuleRow]) -> None:
        live = {id_ for id_, _, _ in section.live()}
        adopted: set[str] = set()
        index: dict[str, Module] = {} if section.bulk else dict(self.modules)
        for id_, row, record in section.live():
            old, holder = self.modules.get(id_), self.module_codes.get(row.code)
            if old is None and holder is not None and self._may_adopt(holder.source, holder.source_id, live):
                old = holder
                adopted.add(holder.source_id)
            values: dict[str, Any] = {
                "source": self.source,
                "source_id": id_,
                "code": row.code,
                "title": row.title,
                "ended_on": None,
            }
            if row.department in self.departments or not row.department:
                values["department"] = self.departments.get(row.department)
            problem = too_long(record, Module, values, {"code": "courseCode", "source_id": "sourcedId"})
            if holder is not None and holder is not old:
                problem = record.problem("code_taken", value=row.code, other=f"{holder} ({holder.source})")
            if not self._unusable(section, id_, record, problem):
                index[id_] = self.plan.merge(self.plan.writes.modules, Module, old, values, "module")
                self.module_codes[row.code] = index[id_]
        codes = {record.get("courseCode") for record in section.held.values()}
        meant = {id_ for id_, module in self.modules.items() if module.code in codes}
        self._end(section, index, self.modules, adopted | meant, self.plan.writes.modules.changed, "module")
        self.modules = index

    def _may_adopt(self, source: str, source_id: str, live: set[str]) -> bool:
        """Whether a known code goes on under a new id: next year's course, or one that a timetable had made."""
        return not source or (source == self.source and source_id not in live)

    def _groups(self, section: Section[GroupRow]) -> None:
        live = {id_ for id_, _, _ in section.live()}
        adopted: set[str] = set()
        first_with: dict[tuple[str, str], tuple[str, Record]] = {}
        index: dict[str, Group] = {} if section.bulk else dict(self.groups)
        for id_, row, record in section.live():
            module, old = self.modules.get(row.module), self.groups.get(id_)
            holder = self.group_codes.get((module.pk, row.code)) if module is not None else None
            if old is None and holder is not None and self._may_adopt(holder.source, holder.source_id, live):
                old = holder
                adopted.add(holder.source_id)
            values = {
                "source": self.source,
                "source_id": id_,
                "module": module,
                "code": row.code,
                "name": row.name,
                "kind": row.kind.value,
                "ended_on": None,
            }
            problem = too_long(record, Group, values, {"code": "classCode", "name": "title", "source_id": "sourcedId"})
            first = first_with.setdefault((row.module, row.code), (id_, record))
            if module is None:
                problem = record.problem("unknown", column="courseSourcedId", value=row.module)
            elif first[0] != id_:
                problem = record.problem("code_twice", value=row.code, lines=f"{first[1].line}, {record.line}")
            elif holder is not None and holder is not old:
                problem = record.problem("code_taken", value=row.code, other=f"{module} {holder} ({holder.source})")
            if not self._unusable(section, id_, record, problem):
                index[id_] = self.plan.merge(self.plan.writes.groups, Group, old, values, "group")
        codes = {(record.get("courseSourcedId"), record.get("classCode")) for record in section.held.values()}
        meant = {id_ for id_, group in self.groups.items() if (group.module.source_id, group.code) in codes}
        ended = self._end(section, index, self.groups, adopted | meant, self.plan.writes.groups.changed, "group")
        self.ended_groups = {self.groups[id_].pk for id_ in ended}
        self.groups = index

    def _end(
        self, section: Section[Any], index: dict[str, M], known: Mapping[str, M], kept: set[str], changed: list[M], what: str
    ) -> set[str]:
        """End the modules or groups that the source no longer has. `index` keeps those that may be referred to; `kept` are
        those that go on under another id, or that an unusable row may mean."""
        index.update({id_: known[id_] for id_ in section.held.keys() & known.keys()})
        current = {id_ for id_, each in known.items() if getattr(each, "ended_on", None) is None}
        missing = (current - set(index) if section.bulk else section.gone() & current) - kept
        for id_ in sorted(missing):
            index.pop(id_, None)
            each: Any = known[id_]
            each.ended_on = self.yesterday
            changed.append(each)
            self.plan.line(Change.ENDED, what, str(each), None, None)
        if section.bulk:
            self.plan.stop_if_too_many(section.file, len(missing), len(current))
        return missing

    def _say_who_is_in_no_group(self, grants: Section[GrantRow], places: Section[PlaceRow]) -> None:
        placed = {row.person for _, row, _ in places.live()}
        students = {row.person for _, row, _ in grants.live() if row.role is Role.STUDENT}
        names = [str(self.people.index[id_]) for id_ in sorted(students - placed) if self.people.index[id_].is_active]
        if names:
            self.plan.problems.append(Problem("no_group", places.file, values={"count": len(names), "names": some(names)}))

"""roles.csv: who holds which role, over which department or module, from when to when. Columns: docs/roles.md.

The file is complete: roles that an earlier file of the same source gave and this one does not are ended. Roles given by hand
are never touched, and a file cannot give the roles administrator, data-protection officer or auditor.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import BY_DEPARTMENT, BY_HAND_ONLY, Role
from adsum.integrations.imports.people_rows import PeopleRows
from adsum.integrations.imports.plan import Plan, is_on, rows_with
from adsum.integrations.imports.problems import Unusable
from adsum.integrations.imports.reading import Record
from adsum.timetable.models import Module, ModuleLeader
from adsum.timetable.rules import Change

REQUIRED = frozenset({"person", "role"})
KNOWN = REQUIRED | {"department", "module", "from", "to"}
SOURCE = "roles"
GIVEN = [role for role in Role if role not in BY_HAND_ONLY]
Dates = tuple[date | None, date | None]
GrantKey = tuple[int, str, int | None]
"""Person, role, department."""
LeaderKey = tuple[int, int]
"""Person, module."""


@dataclass(slots=True)
class _Wanted:
    """What the file says, by key: the dates, and the row that said so."""

    grants: dict[GrantKey, tuple[Dates, Record]] = field(default_factory=dict)
    leaders: dict[LeaderKey, tuple[Dates, Record]] = field(default_factory=dict)


class _Reader(PeopleRows):
    """Turns rows into keys of what is known."""

    def __init__(self, content: bytes, file: str, plan: Plan, actor: str) -> None:
        super().__init__(content, file, plan, required=REQUIRED, known=KNOWN)
        self.actor = actor
        codes = {row.get("module") for row in self.rows}
        self.modules = {one.code: one for one in rows_with(Module.objects.all(), "code", codes)}
        self.by_pk: dict[int, Person] = {}
        self.wanted = _Wanted()

    def use(self, row: Record, person: Person) -> None:
        """Raises Unusable with what is wrong with the row."""
        self.by_pk[person.pk] = person
        role = self._role(row, person)
        dates = row.day("from"), row.day("to")
        if dates[0] and dates[1] and dates[1] < dates[0]:
            raise Unusable(row.problem("order", first="from", last="to"))
        department = self.named(row, "department", self.departments)
        module = self.named(row, "module", self.modules)
        if department is not None and role not in BY_DEPARTMENT:
            raise Unusable(row.problem("not_by_department", value=role))
        if (module is not None) != (role == Role.MODULE_LEADER):
            raise Unusable(row.problem("module_only_leader" if module else "blank", column="module"))
        if module is not None:
            leader = person.pk, module.pk
            self._once(self.wanted.leaders, leader, dates, row)
            self._widen((person.pk, role, None), dates, row)
        else:
            grant = person.pk, str(role), department and department.pk
            self._once(self.wanted.grants, grant, dates, row)

    def _role(self, row: Record, person: Person) -> Role:
        value = row.get("role").casefold()
        if value in BY_HAND_ONLY:
            raise Unusable(row.problem("by_hand_only", value=value))
        if value not in GIVEN:
            raise Unusable(row.problem("choice", column="role", value=row.get("role"), allowed=", ".join(GIVEN)))
        if person.actor == self.actor:
            raise Unusable(row.problem("own_role"))
        return Role(value)

    def _once(self, said: dict[Any, tuple[Dates, Record]], key: tuple[Any, ...], dates: Dates, row: Record) -> None:
        before = said.setdefault(key, (dates, row))
        if before[0] != dates:
            lines = f"{before[1].line}, {row.line}"
            raise Unusable(row.problem("duplicate", id=row.get("person"), lines=lines))

    def _widen(self, key: GrantKey, dates: Dates, row: Record) -> None:
        """Give a person who leads modules the role of module leader from the first day of any of them to the last of all."""
        first, last = dates
        if key in self.wanted.grants:
            (earliest, latest), row = self.wanted.grants[key]
            first = min(first, earliest) if first and earliest else None
            last = max(last, latest) if last and latest else None
        self.wanted.grants[key] = (first, last), row


def plan_roles(content: bytes, file: str, plan: Plan, *, source: str, actor: str, today: date, partial: bool = False) -> str:
    """Compare a roles.csv with what its source gave before, on the university's civil date `today`; returns the source.

    `actor` is who brings it in: rows about themselves are not used. With `partial` nothing is ended. Raises Refused.
    """
    source = (source or SOURCE)[:40]
    reader = _Reader(content, file, plan, actor)
    reader.read(plan.problems)
    _Planner(plan, source, today, reader, file, partial).run()
    return source


class _Planner:
    def __init__(self, plan: Plan, source: str, today: date, reader: _Reader, file: str, partial: bool) -> None:
        self.plan, self.source, self.today, self.reader = plan, source, today, reader
        self.file, self.partial = file, partial
        self.yesterday = today - timedelta(days=1)
        self.lasting = 0
        """How many roles and modules the source's rows gave until now: what could end."""

    def run(self) -> None:
        grants = RoleGrant.objects.filter(source=self.source).select_related("person", "department")
        known = {(one.person_id, one.role, one.department_id): one for one in grants}
        self.lasting = sum(is_on(one.ends_on, self.today) for one in grants)
        departments = {one.pk: one for one in self.reader.departments.values()}
        ended = 0
        for key, (dates, _) in self.reader.wanted.grants.items():
            pk, role, department = key
            person = self.reader.by_pk[pk]
            label = f"{person}: {departments[department].name}" if department else str(person)
            grant = known.pop(key, None)
            if grant is None:
                first, last = dates
                new = RoleGrant(
                    person=person, role=role, department_id=department, source=self.source, starts_on=first, ends_on=last
                )
                self.plan.writes.grants.new.append(new)
                self.plan.line(Change.NEW, "role", label, None, _shown(role, dates))
            elif self._changed(grant, dates, "role", label, role):
                self.plan.writes.grants.changed.append(grant)
        for grant in known.values():
            if self._ends(grant):
                label = f"{grant.person}: {grant.department.name}" if grant.department else str(grant.person)
                grant.ends_on = self.yesterday
                self.plan.writes.grants.changed.append(grant)
                self.plan.line(Change.ENDED, "role", label, {"role": grant.role}, None)
                ended += 1
        ended += self._leaders()
        self.plan.stop_if_too_many(self.file, ended, self.lasting)

    def _leaders(self) -> int:
        modules = {one.pk: one for one in self.reader.modules.values()}
        wanted = self.reader.wanted.leaders
        own = ModuleLeader.objects.filter(source=self.source).select_related("person", "module")
        of_others = ModuleLeader.objects.exclude(source=self.source).filter(person__in={person for person, _ in wanted})
        taken = set(of_others.values_list("person", "module"))
        known = {(one.person_id, one.module_id): one for one in own}
        self.lasting += sum(is_on(one.ends_on, self.today) for one in own)
        for key, (dates, _) in wanted.items():
            label = f"{self.reader.by_pk[key[0]]} · {modules[key[1]].code}"
            leader = known.pop(key, None)
            if key in taken:  # by hand, or from another source: theirs
                self.plan.count("leader", Change.UNCHANGED)
            elif leader is None:
                new = ModuleLeader(
                    person=self.reader.by_pk[key[0]],
                    module=modules[key[1]],
                    source=self.source,
                    starts_on=dates[0],
                    ends_on=dates[1],
                )
                self.plan.writes.leaders.new.append(new)
                self.plan.line(Change.NEW, "leader", label, None, _shown("", dates))
            elif self._changed(leader, dates, "leader", label, ""):
                self.plan.writes.leaders.changed.append(leader)
        ended = 0
        for leader in known.values():
            if self._ends(leader):
                leader.ends_on = self.yesterday
                self.plan.writes.leaders.changed.append(leader)
                self.plan.line(Change.ENDED, "leader", f"{leader.person} · {leader.module.code}", None, None)
                ended += 1
        return ended

    def _ends(self, one: RoleGrant | ModuleLeader) -> bool:
        return not self.partial and is_on(one.ends_on, self.today) and one.person_id not in self.reader.held

    def _changed(self, one: RoleGrant | ModuleLeader, dates: Dates, what: str, label: str, role: str) -> bool:
        """Give it the dates of the file; whether that changes it."""
        before = one.starts_on, one.ends_on
        if before == dates:
            self.plan.count(what, Change.UNCHANGED)
            return False
        back = not is_on(one.ends_on, self.today) and is_on(dates[1], self.today)
        one.starts_on, one.ends_on = dates
        self.plan.line(Change.RESTORED if back else Change.CHANGED, what, label, _shown(role, before), _shown(role, dates))
        return True


def _shown(role: str, dates: Dates) -> dict[str, str]:
    said = {"role": role, "starts_on": str(dates[0] or ""), "ends_on": str(dates[1] or "")}
    return {name: value for name, value in said.items() if value}

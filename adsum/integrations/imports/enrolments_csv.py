"""enrolments.csv: who is on which course, from when to when, how it stands, and who is their personal tutor. Columns:
docs/guides/timetabling.md.

The file is complete: what an earlier file of the same source said and this one does not has ended. A suspension is a separate
row with its own dates, besides that of the enrolment, so that who was expected on a past day stays right.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.integrations.imports.people_rows import PeopleRows
from adsum.integrations.imports.plan import Plan, is_on, rows_with, some, too_long
from adsum.integrations.imports.problems import Problem, Unusable
from adsum.integrations.imports.reading import Record
from adsum.timetable.models import Course, Enrolment
from adsum.timetable.partner_table import DeliveryPartner
from adsum.timetable.rules import Change, loses_days

REQUIRED = frozenset({"student", "course", "status", "starts_on"})
KNOWN = REQUIRED | {"course_title", "department", "mode", "level", "year", "ends_on", "tutor", "delivery_partner"}
SOURCE = "enrolments"
Status = Enrolment.Status
STATUSES = {"current": Status.ENROLLED, "enrolled": Status.ENROLLED} | {
    str(status): status for status in (Status.SUSPENDED, Status.WITHDRAWN, Status.COMPLETED)
}
Key = tuple[int, str, date]
"""Person, code of the course, first day."""


@dataclass(frozen=True, slots=True)
class _Row:
    """What one row says. `values` has only the columns that the file has."""

    person: Person
    course: str
    starts_on: date
    values: dict[str, Any]

    @property
    def key(self) -> Key:
        return self.person.pk, self.course, self.starts_on

    @property
    def suspended(self) -> bool:
        return bool(self.values["status"] == Status.SUSPENDED)


class _Reader(PeopleRows):
    """Turns rows into what they say of people and courses that are known."""

    subject, others = "student", ("tutor",)

    def __init__(self, content: bytes, file: str, plan: Plan) -> None:
        super().__init__(content, file, plan, required=REQUIRED, known=KNOWN)
        codes = {code for row in self.rows if (code := row.get("delivery_partner"))}
        self.partners = {one.code: one for one in rows_with(DeliveryPartner.objects.all(), "code", codes)}
        self.said: defaultdict[Key, list[tuple[_Row, Record]]] = defaultdict(list)
        self.courses: dict[str, tuple[dict[str, Any], Record]] = {}
        """By code, what its first row says of a course."""

    def use(self, row: Record, person: Person) -> None:
        """Raises Unusable with what is wrong with the row."""
        read = self._read(row, person)
        self.said[read.key].append((read, row))

    def _read(self, record: Record, person: Person) -> _Row:
        code, status = record.get("course"), STATUSES.get(record.get("status").casefold())
        if not code:
            raise Unusable(record.problem("blank", column="course"))
        if status is None:
            allowed = ", ".join(word for word in STATUSES if word != "enrolled")
            raise Unusable(record.problem("choice", column="status", value=record.get("status"), allowed=allowed))
        first, last = record.day("starts_on"), record.day("ends_on")
        if first is None:
            raise Unusable(record.problem("blank", column="starts_on"))
        if last is None and status in {Status.WITHDRAWN, Status.COMPLETED}:
            raise Unusable(record.problem("blank", column="ends_on"))
        if last is not None and last < first:
            raise Unusable(record.problem("order", first="starts_on", last="ends_on"))
        values: dict[str, Any] = {"status": status, "ends_on": last}
        if "tutor" in record.cells:
            values["tutor"] = self.person(record, "tutor") if record.get("tutor") else None
        values |= self._how(record)
        if record.get("year"):
            if record.get("year") not in YEARS:
                allowed = f"{YEARS[0]}–{YEARS[-1]}"
                raise Unusable(record.problem("choice", column="year", value=record.get("year"), allowed=allowed))
            values["year_of_study"] = int(record.get("year"))
        self._course(record, code)
        if problem := too_long(record, Enrolment, values, {}):
            raise Unusable(problem)
        return _Row(person, code, first, values)

    def _how(self, record: Record) -> dict[str, Any]:
        """How the student studies, as far as the file has such columns. Raises Unusable."""
        values: dict[str, Any] = {}
        if "mode" in record.cells:
            values["mode"] = record.get("mode").casefold().replace("-", "_").replace(" ", "_") or "full_time"
        if "level" in record.cells:
            values["level"] = record.get("level")
        if "delivery_partner" in record.cells:
            values["delivery_partner"] = self.named(record, "delivery_partner", self.partners)
        return values

    def _course(self, record: Record, code: str) -> None:
        """Keep what the row says of its course. Raises Unusable."""
        department = self.named(record, "department", self.departments)
        cells = {"title": record.get("course_title"), "department": department}
        said = {name: value for name, value in cells.items() if value}
        if problem := too_long(record, Course, {"code": code, **said}, {"code": "course", "title": "course_title"}):
            raise Unusable(problem)
        before, first = self.courses.setdefault(code, (said, record))
        if any(before.setdefault(name, value) != value for name, value in said.items()):
            raise Unusable(record.problem("course_differs", value=code, line=first.line))

    def settled(self, problems: list[Problem]) -> dict[Key, tuple[_Row, Record]]:
        """One row per key, in the order of the file; of two that contradict each other neither is used."""
        wanted = {}
        for key, rows in self.said.items():
            if all(row == rows[0][0] for row, _ in rows):
                wanted[key] = rows[0]
            else:
                lines = ", ".join(str(record.line) for _, record in rows)
                problems.extend(record.problem("duplicate", id=record.get("student"), lines=lines) for _, record in rows)
                self.held.add(key[0])
        return wanted


YEARS = [str(year) for year in range(1, 10)]


def plan_enrolments(
    content: bytes, file: str, plan: Plan, *, source: str, actor: str, today: date, partial: bool = False
) -> str:
    """Compare an enrolments.csv with what its source said before, on the university's civil date `today`; returns the source.

    `actor` is who brings it in: a row that makes them a tutor is not used. With `partial` nothing is ended. Raises Refused.
    """
    source = (source or SOURCE)[:40]
    reader = _Reader(content, file, plan)
    reader.read(plan.problems)
    _Planner(plan, source, actor, today, reader, partial).run(file)
    return source


class _Planner:
    def __init__(self, plan: Plan, source: str, actor: str, today: date, reader: _Reader, partial: bool) -> None:
        self.plan, self.source, self.actor, self.today = plan, source, actor, today
        self.reader, self.partial = reader, partial
        self.courses = {one.code: one for one in rows_with(Course.objects.all(), "code", reader.courses)}
        self.lasting: defaultdict[tuple[int, str], list[Key]] = defaultdict(list)
        """The rows of the source that last, by person and course."""
        self.used: list[_Row] = []

    def run(self, file: str) -> None:
        wanted = self.reader.settled(self.plan.problems)
        loaded = Enrolment.objects.select_related("person", "course", "tutor", "delivery_partner")
        of_people = rows_with(loaded, "person", {key[0] for key in wanted})
        known = {_key(one): one for one in [*loaded.filter(source=self.source), *of_people]}
        own = {key: one for key, one in known.items() if one.source == self.source and is_on(one.ends_on, self.today)}
        for key in own:
            self.lasting[key[:2]].append(key)
        for key, (row, record) in wanted.items():
            try:
                self._one(row, record, known.pop(key, None) or self._moved(row, known, wanted))
            except Unusable as reason:
                self.plan.problems.append(reason.problem)
                self.reader.held.add(row.person.pk)
        gone = [] if self.partial else [key for key in own if key in known and key[0] not in self.reader.held]
        for key in gone:
            self._end(known[key])
        self.plan.stop_if_too_many(file, len(gone), len(own))
        self._notice(file)

    def _moved(self, row: _Row, known: dict[Key, Enrolment], wanted: Collection[Key]) -> Enrolment | None:
        """The row of which only the first day was put right: the only one left of its sort, where the file has one too."""
        left = [
            key
            for key in self.lasting[row.key[:2]]
            if key in known and key not in wanted and (known[key].status == Status.SUSPENDED) == row.suspended
        ]
        if len(left) != 1 or self.partial or abs(left[0][2] - row.starts_on) > CORRECTED:
            return None
        return known.pop(left[0])

    def _one(self, row: _Row, record: Record, old: Enrolment | None) -> None:
        if old is not None:
            if old.source not in {"", self.source}:
                raise Unusable(record.problem("other_source", other=old.source))
            if (old.status == Status.SUSPENDED) != row.suspended and old.starts_on <= self.today:
                raise Unusable(record.problem("suspension_apart", value=str(old.starts_on)))
        tutor = row.values.get("tutor")
        if tutor is not None and (old is None or old.tutor_id != tutor.pk):
            if tutor.actor == self.actor:
                raise Unusable(record.problem("own_tutee"))
            self.plan.gains.add(tutor.actor)
        if old is None or self._loses(old, row):
            self.plan.whose_past_changes.add(row.person.pk)
        values = {"person": row.person, "course": self._course(row.course), "starts_on": row.starts_on} | row.values
        label = f"{row.person} · {row.course}"
        self.plan.merge(self.plan.writes.enrolments, Enrolment, old, values | {"source": self.source}, "enrolment", label)
        self.used.append(row)

    def _loses(self, old: Enrolment, row: _Row) -> bool:
        """Whether the student is now expected on fewer past days; for a suspension, whether it now covers more of them."""
        days = (old.starts_on, old.ends_on), (row.starts_on, row.values["ends_on"])
        was, now = reversed(days) if row.suspended else days
        return loses_days(was, now, before=self.today)

    def _course(self, code: str) -> Course:
        """The course of a row, made or brought up to date by the first row that names it."""
        said, _ = self.reader.courses[code]
        course = self.courses.get(code)
        if course is None:
            values = {"code": code, "title": code, "source": self.source, "source_id": code} | said
            self.courses[code] = self.plan.merge(self.plan.writes.courses, Course, None, values, "course")
        elif said and course.source in {"", self.source}:
            self.plan.merge(self.plan.writes.courses, Course, course, said, "course")
        said.clear()  # once
        return self.courses[code]

    def _end(self, one: Enrolment) -> None:
        """End a row as of yesterday; delete one that had not begun."""
        if one.starts_on >= self.today:
            self.plan.writes.enrolments.gone.append(one)
        else:
            one.ends_on = self.today - timedelta(days=1)
            self.plan.writes.enrolments.changed.append(one)
        self.plan.line(Change.ENDED, "enrolment", f"{one.person} · {one.course.code}", {"status": one.status}, None)

    def _notice(self, file: str) -> None:
        """Note students and tutors without the role: these students are not seen, and these tutors see nothing."""
        for role, people, code in (
            (Role.STUDENT, {row.person.pk: row.person for row in self.used}, "not_students"),
            (Role.TUTOR, {t.pk: t for row in self.used if (t := row.values.get("tutor"))}, "not_tutors"),
        ):
            granted = RoleGrant.objects.filter(role=role)
            if role == Role.TUTOR:
                granted = granted.held_on(self.today)
            have = set(granted.values_list("person", flat=True))
            names = sorted(str(person) for pk, person in people.items() if pk not in have)
            if names:
                self.plan.problems.append(Problem(code, file, values={"count": len(names), "names": some(names)}))


CORRECTED = timedelta(days=120)
"""How far a first day may be put right and still be that of the same enrolment."""


def _key(one: Enrolment) -> Key:
    return one.person_id, one.course.code, one.starts_on

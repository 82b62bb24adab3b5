"""OneRoster 1.1 and 1.2 CSV: a zip with manifest.csv at its root, each file bulk (all there is) or delta (changes).

Rules: docs/rules.md F 2. An end date in OneRoster is the first day after ("exclusive"); ours is the last day. A
file never gives more than the roles student and lecturer, and its password column is never read.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from adsum.accounts.rules import Role
from adsum.integrations.imports.problems import Problem, Refused, Unusable
from adsum.integrations.imports.reading import YEARS, Record, records, unpack
from adsum.integrations.imports.rows import (
    DepartmentRow,
    Entry,
    GrantRow,
    GroupRow,
    ModuleRow,
    PersonRow,
    PlaceRow,
    Roster,
    Section,
    StaffRow,
    TermRow,
)
from adsum.timetable.rules import Kind

R = TypeVar("R")
VERSIONS = ("1.1", "1.2")
MODES = ("bulk", "delta", "absent")
ROLES = {"student": Role.STUDENT, "teacher": Role.LECTURER}
OTHER_ROLES = frozenset(
    "administrator aide counselor districtadministrator guardian parent principal proctor relative siteadministrator "
    "systemadministrator".split()
)
USER_ID = re.compile(r"\{([^:{}]+):([^{}]+)\}")
STAMP = "status dateLastModified"


@dataclass(frozen=True)
class Columns:
    """What a file must have, and what it may have. Anything else is ignored with a notice."""

    required: frozenset[str]
    known: frozenset[str]


def _columns(required: str, optional: str) -> Columns:
    return Columns(frozenset(required.split()), frozenset(f"{required} {optional} {STAMP}".split()))


FILES = {
    "orgs": _columns("sourcedId name type", "identifier parentSourcedId"),
    "academicSessions": _columns("sourcedId title type startDate endDate", "parentSourcedId schoolYear"),
    "courses": _columns("sourcedId title", "schoolYearSourcedId courseCode grades orgSourcedId subjects subjectCodes"),
    "classes": _columns(
        "sourcedId title courseSourcedId",
        "grades classCode classType location schoolSourcedId termSourcedIds subjects subjectCodes periods",
    ),
    "users": _columns(
        "sourcedId username givenName familyName",
        "enabledUser userIds middleName identifier email sms phone agentSourcedIds grades userMasterIdentifier "
        "resourceSourcedIds preferredGivenName preferredMiddleName preferredFamilyName primaryOrgSourcedId pronouns "
        "orgSourcedIds role",
    ),
    "roles": _columns(
        "sourcedId userSourcedId role", "roleType beginDate endDate orgSourcedId userProfileSourcedId userProfile"
    ),
    "enrollments": _columns("sourcedId classSourcedId userSourcedId role", "schoolSourcedId primary beginDate endDate"),
}
"""The files and their columns, each file after those that it refers to."""

LINKS = (
    ("courses", "schoolYearSourcedId", "academicSessions"),
    ("classes", "schoolSourcedId", "orgs"),
    ("classes", "termSourcedIds", "academicSessions"),
    ("users", "primaryOrgSourcedId", "orgs"),
    ("users", "orgSourcedIds", "orgs"),
    ("roles", "orgSourcedId", "orgs"),
    ("enrollments", "schoolSourcedId", "orgs"),
    ("courses", "orgSourcedId", "orgs"),
    ("orgs", "parentSourcedId", "orgs"),
)
"""References that a row can do without: an unknown one is reported once, and the row is used without it."""


@dataclass
class _Reader:
    version: str
    modes: Mapping[str, str]
    problems: list[Problem]
    roster: Roster
    ids: dict[str, set[str]] = field(default_factory=dict)
    unknown_links: dict[tuple[str, str, str], list[int]] = field(default_factory=dict)
    ignored: Counter[tuple[str, str]] = field(default_factory=Counter)
    no_days: list[int] = field(default_factory=list)
    """Lines of rows that begin and end on the same day."""


def read(content: bytes, file: str, problems: list[Problem], *, source: str = "") -> Roster:
    """What a OneRoster zip says. Rows that cannot be used become problems. Raises Refused when the whole zip is unusable.
    `source` is the name its rows are kept under; by default the manifest's own."""
    members = _by_name(unpack(content, file))
    manifest = _manifest(members, file, problems)
    version = _choice(manifest, "oneroster.version", VERSIONS)
    named = source or manifest.get("source.systemCode") or manifest.get("source.systemName") or "oneroster"
    modes = _modes(members, manifest, version, problems)
    reader = _Reader(version, modes, problems, Roster(source=named[:40]))
    if not modes:
        raise Refused("nothing_listed")
    tables: dict[str, list[Record]] = {}
    for name, columns in FILES.items():
        if name in modes:
            required = columns.required
            if modes[name] == "delta":
                required |= set(STAMP.split())
            if name == "users" and version == "1.1":
                required |= {"role"}
            tables[name] = list(
                records(members[f"{name}.csv"], f"{name}.csv", problems, required=required, known=columns.known)
            )
            if modes[name] == "bulk":
                reader.ids[name] = {record.get("sourcedId") for record in tables[name]}
    for name, table in tables.items():
        _READERS[name](reader, table, modes[name] == "bulk")
    _say_what_was_left_out(reader)
    return reader.roster


def _by_name(members: dict[str, bytes]) -> dict[str, bytes]:
    """The members of a zip, known files by their own names: some systems write Users.csv."""
    own = {f"{name}.csv".casefold(): f"{name}.csv" for name in ("manifest", *FILES)}
    named = {own.get(name.casefold(), name): data for name, data in members.items()}
    return named | {name: data for name, data in members.items() if name in named}


def _manifest(members: Mapping[str, bytes], file: str, problems: list[Problem]) -> dict[str, str]:
    if "manifest.csv" not in members:
        for name in sorted(members):
            if name.endswith("/manifest.csv"):
                raise Refused("manifest_deep", file=file, folder=name.rpartition("/")[0])
        raise Refused("manifest_missing", file=file)
    columns = frozenset({"propertyName", "value"})
    rows = records(members["manifest.csv"], "manifest.csv", problems, required=columns, known=columns)
    return {row.get("propertyName"): row.get("value") for row in rows}


def _choice(manifest: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    value = manifest.get(name, "")
    if value not in allowed:
        raise Refused("manifest_value", name=name, value=value or "–", allowed=", ".join(allowed))
    return value


def _modes(members: Mapping[str, bytes], manifest: Mapping[str, str], version: str, problems: list[Problem]) -> dict[str, str]:
    """`bulk` or `delta` for each file that is to be read."""
    modes = {}
    for property_name in sorted(manifest):
        if property_name.startswith("file."):
            name = property_name.removeprefix("file.")
            if name not in FILES:
                continue  # whatever it says of a file that is never read
            mode = _choice(manifest, property_name, MODES)
            if mode != "absent" and f"{name}.csv" not in members:
                raise Refused("manifest_lists", name=f"{name}.csv")
            if mode != "absent":
                modes[name] = mode
    for member in sorted(set(members) - {"manifest.csv"}):
        name = member.removesuffix(".csv")
        reason = ""
        if name not in FILES or (name == "roles" and version == "1.1"):
            reason = "unread"
        elif name not in modes:
            reason = "listed_absent" if f"file.{name}" in manifest else "unlisted"
        if reason:
            from_notices = Problem(reason, member).message
            problems.append(Problem("file_ignored", member, values={"name": member, "reason": from_notices}))
    return {name: mode for name, mode in modes.items() if name in FILES and not (name == "roles" and version == "1.1")}


# One row


def _need(record: Record, *columns: str) -> None:
    for column in columns:
        if not record.get(column):
            raise Unusable(record.problem("blank", column=column))


def _last_day(record: Record, column: str) -> date | None:
    """OneRoster's end is the first day after."""
    after = record.day(column)
    return after - timedelta(days=1) if after else None


def _in_order(record: Record, first: date | None, last: date | None, columns: tuple[str, str]) -> None:
    if first and last and last < first:
        raise Unusable(record.problem("order", first=columns[0], last=columns[1]))


def _stamp(record: Record, *, bulk: bool) -> tuple[bool, datetime | None]:
    """Whether the row is to be removed, and when it last changed. Both columns may be blank in bulk, never in delta."""
    status, changed = record.get("status"), record.get("dateLastModified")
    if not bulk and not (status and changed):
        raise Unusable(record.problem("delta_stamp"))
    if status.casefold() not in {"", "active", "tobedeleted"}:
        allowed = "active, tobedeleted"
        raise Unusable(record.problem("choice", column="status", value=status, allowed=allowed))
    at = None
    if changed:
        try:
            at = datetime.fromisoformat(changed)
        except ValueError:
            raise Unusable(record.problem("time", column="dateLastModified", value=changed)) from None
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        at = at if at.year in YEARS else None  # some write the first of all days for never
    return status.casefold() == "tobedeleted", at


def _lasts_no_day(record: Record) -> bool:
    return record.get("beginDate") != "" and record.day("beginDate") == record.day("endDate")


def _section(reader: _Reader, table: list[Record], *, bulk: bool, parse: Callable[[Record], R | None], file: str) -> Section[R]:
    """Every row parsed; `parse` returns None for a row that does not belong to this section."""
    section: Section[R] = Section(file, bulk)
    for record in table:
        id_ = record.get("sourcedId")
        try:
            record.check()
            _need(record, "sourcedId")
            removed, changed = _stamp(record, bulk=bulk)
            if not removed and _lasts_no_day(record):
                reader.no_days.append(record.line)
                removed = True
            row = None if removed else parse(record)
        except Unusable as reason:
            reader.problems.append(reason.problem)
            section.hold(id_, record)
        else:
            if removed or row is not None:
                section.add(id_, Entry(record, row, changed))
                _check_links(reader, file.removesuffix(".csv"), record)
    section.settle(reader.problems)
    return section


def _check_links(reader: _Reader, name: str, record: Record) -> None:
    for file, column, target in LINKS:
        if file == name and target in reader.ids and record.get(column):
            for value in record.get(column).split(","):
                if value.strip() not in reader.ids[target]:
                    reader.unknown_links.setdefault((file, column, target), []).append(record.line)


def _orgs(reader: _Reader, table: list[Record], bulk: bool) -> None:
    def parse(record: Record) -> DepartmentRow:
        _need(record, "name")
        code = record.get("identifier") or record.get("sourcedId")
        return DepartmentRow(code, record.get("name"), record.get("parentSourcedId"))

    reader.roster.departments = _section(reader, table, bulk=bulk, parse=parse, file="orgs.csv")


def _sessions(reader: _Reader, table: list[Record], bulk: bool) -> None:
    def parse(record: Record) -> TermRow | None:
        if record.get("type") == "schoolYear":
            return None
        _need(record, "title", "startDate", "endDate")
        first, last = record.day("startDate"), _last_day(record, "endDate")
        _in_order(record, first, last, ("startDate", "endDate"))
        return TermRow(record.get("title"), record.get("schoolYear")[:9], first, last) if first and last else None

    reader.roster.terms = _section(reader, table, bulk=bulk, parse=parse, file="academicSessions.csv")


def _courses(reader: _Reader, table: list[Record], bulk: bool) -> None:
    def parse(record: Record) -> ModuleRow:
        _need(record, "title")
        code = record.get("courseCode") or record.get("sourcedId")
        return ModuleRow(code, record.get("title"), record.get("orgSourcedId"))

    reader.roster.modules = _section(reader, table, bulk=bulk, parse=parse, file="courses.csv")


def _classes(reader: _Reader, table: list[Record], bulk: bool) -> None:
    def parse(record: Record) -> GroupRow:
        _need(record, "title", "courseSourcedId")
        code = record.get("classCode") or record.get("sourcedId")
        kind = record.get("classType").removeprefix("ext:").casefold()
        known = Kind(kind) if kind in set(Kind) else Kind.OTHER
        return GroupRow(record.get("courseSourcedId"), code, record.get("title"), known)

    reader.roster.groups = _section(reader, table, bulk=bulk, parse=parse, file="classes.csv")


def _person(record: Record, shared: Collection[str]) -> PersonRow:
    """`shared`: e-mail addresses of several people, who are then known by their usernames."""
    enabled = record.get("enabledUser").casefold() or "true"
    if enabled not in {"true", "false"}:
        raise Unusable(record.problem("choice", column="enabledUser", value=enabled, allowed="true, false"))
    email, username = record.get("email").casefold(), record.get("username").casefold()
    if email and not (email in shared and username):
        username = email
    if not username:
        raise Unusable(record.problem("blank", column="email"))
    given_name, family_name = record.get("givenName"), record.get("preferredFamilyName") or record.get("familyName")
    if not family_name:  # some people have one name
        given_name, family_name = "", given_name
    if not family_name:
        raise Unusable(record.problem("blank", column="familyName"))
    identifiers = {(kind.strip().casefold(), value.strip()) for kind, value in USER_ID.findall(record.get("userIds"))}
    if master := record.get("userMasterIdentifier"):
        identifiers.add(("master", master))
    return PersonRow(
        username=username,
        email=record.get("email"),
        given_name=given_name,
        family_name=family_name,
        preferred_name=record.get("preferredGivenName"),
        pronouns=record.get("pronouns"),
        number=record.get("identifier"),
        is_active=enabled == "true",
        identifiers=frozenset(identifiers),
    )


def _users(reader: _Reader, table: list[Record], bulk: bool) -> None:
    by_email: defaultdict[str, set[str]] = defaultdict(set)
    for record in table:
        by_email[record.get("email").casefold()].add(record.get("sourcedId"))
    shared = {email for email, ids in by_email.items() if len(ids) > 1}
    people = _section(reader, table, bulk=bulk, parse=lambda record: _person(record, shared), file="users.csv")
    reader.roster.people = people
    if reader.version == "1.1" or ("roles" not in reader.modes and any(record.get("role") for record in table)):
        reader.roster.grants = _grants_of_users(reader, people)
    elif "roles" not in reader.modes:
        reader.problems.append(Problem("no_roles", "users.csv"))


def _grants_of_users(reader: _Reader, people: Section[PersonRow]) -> Section[GrantRow]:
    """Where a user has one role, in its own row: in version 1.1, and where a zip of 1.2 has no roles.csv."""
    unusable = []

    def grant(id_: str, entry: Entry[PersonRow]) -> GrantRow | None:
        try:
            role = _role(reader, entry.record)
        except Unusable as reason:
            reader.problems.append(reason.problem)
            unusable.append((id_, entry.record))
            return None
        return GrantRow(id_, role, None, None) if role else None

    grants = people.pick(grant)
    for id_, record in unusable:
        grants.hold(id_, record)
    return grants


def role_of(record: Record) -> Role | None:
    """The role a row gives, if it is one that a file may give."""
    return ROLES.get(record.get("role").casefold())


def _role(reader: _Reader, record: Record, *, ignored: str = "roles_ignored") -> Role | None:
    """What a row gives, or None for another role of the standard. Raises Unusable for a word that is none."""
    role, word = role_of(record), record.get("role")
    if role is None and word.casefold() not in OTHER_ROLES and not word.startswith("ext:"):
        raise Unusable(record.problem("no_such_role", value=word) if word else record.problem("blank", column="role"))
    if role is None:
        reader.ignored[ignored, word] += 1
    return role


def _roles(reader: _Reader, table: list[Record], bulk: bool) -> None:
    def parse(record: Record) -> GrantRow | None:
        _need(record, "userSourcedId", "role")
        role = _role(reader, record)
        first, last = record.day("beginDate"), _last_day(record, "endDate")
        _in_order(record, first, last, ("beginDate", "endDate"))
        return GrantRow(record.get("userSourcedId"), role, first, last) if role else None

    reader.roster.grants = _section(reader, table, bulk=bulk, parse=parse, file="roles.csv")


def _enrollments(reader: _Reader, table: list[Record], bulk: bool) -> None:
    def parse(record: Record) -> PlaceRow | StaffRow | None:
        _need(record, "classSourcedId", "userSourcedId", "role")
        first, last = record.day("beginDate"), _last_day(record, "endDate")
        _in_order(record, first, last, ("beginDate", "endDate"))
        group, person = record.get("classSourcedId"), record.get("userSourcedId")
        match _role(reader, record, ignored="enrolment_roles_ignored"):
            case Role.STUDENT:
                return PlaceRow(group, person, first, last)
            case Role.LECTURER:
                return StaffRow(group, person)
        return None

    both = _section(reader, table, bulk=bulk, parse=parse, file="enrollments.csv")
    reader.roster.places = both.pick(lambda _, entry: entry.row if isinstance(entry.row, PlaceRow) else None)
    reader.roster.staff = both.pick(lambda _, entry: entry.row if isinstance(entry.row, StaffRow) else None)


_READERS: dict[str, Callable[[_Reader, list[Record], bool], Any]] = {
    "orgs": _orgs,
    "academicSessions": _sessions,
    "courses": _courses,
    "classes": _classes,
    "users": _users,
    "roles": _roles,
    "enrollments": _enrollments,
}


def _say_what_was_left_out(reader: _Reader) -> None:
    if lines := reader.no_days:
        reader.problems.append(Problem("no_days", "enrollments.csv", values={"count": len(lines), "line": min(lines)}))
    for (code, value), count in sorted(reader.ignored.items()):
        file = "enrollments.csv" if code == "enrolment_roles_ignored" else "roles.csv"
        reader.problems.append(Problem(code, file, values={"count": count, "value": value}))
    for (file, column, target), lines in sorted(reader.unknown_links.items()):
        values = {"count": len(lines), "column": column, "file": f"{target}.csv", "line": min(lines)}
        reader.problems.append(Problem("link_unknown", f"{file}.csv", values=values))

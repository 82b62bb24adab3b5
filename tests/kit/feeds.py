"""Small rosters and timetables as files, for the tests of imports. Everything in them is made up."""

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from adsum.integrations.imports import runs as imports
from adsum.timetable.sources import Import

AT = datetime(2026, 9, 14, 9, 0, tzinfo=UTC)
"""The Monday before term."""
ACTOR = "system:test"
Row = Mapping[str, str]

HEADERS = {
    "academicSessions": "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear",
    "orgs": "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId",
    "courses": "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,"
    "subjectCodes",
    "classes": "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,"
    "schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods",
    "users": "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,identifier,"
    "email,sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,resourceSourcedIds,preferredGivenName,"
    "preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns",
    "roles": "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,"
    "userProfileSourcedId",
    "enrollments": "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,"
    "endDate",
}
USERS_11 = (
    "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,middleName,"
    "identifier,email,sms,phone,agentSourcedIds,grades,password"
)
EVENTS = (
    "event_id,module_code,title,event_type,start,end,timezone,location,delivery_mode,mandatory,staff_ids,group_ids,"
    "status,last_changed,source_system"
)


def table(header: str, rows: Iterable[Row]) -> bytes:
    """A CSV file with that header; what a row does not say is blank."""
    out = io.StringIO()
    writer = csv.DictWriter(out, header.split(","), restval="", lineterminator="\r\n", extrasaction="raise")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def user(number: int, **more: str) -> Row:
    """A student of the small university; S1 is Ada One."""
    names = ["Zero", "One", "Two", "Three", "Four", "Five", "Six"]
    known = {
        "sourcedId": f"S{number}",
        "enabledUser": "true",
        "username": f"s{number}",
        "givenName": f"Ada{number}",
        "familyName": names[number % len(names)],
        "identifier": f"{number:08d}",
        "email": f"S{number}@Uni.example",
    }
    return known | more


def university(students: int = 4, **tables: Sequence[Row]) -> dict[str, list[Row]]:
    """A whole roster: two modules, three groups, one lecturer, and students who are all in the lecture K1."""
    people = [user(n) for n in range(1, students + 1)]
    lecturer = {"sourcedId": "L1", "givenName": "Grace", "familyName": "Hopper", "identifier": "900", "email": "gh@uni.example"}
    whole: dict[str, list[Row]] = {
        "orgs": [
            {"sourcedId": "O1", "name": "University", "type": "school"},
            {"sourcedId": "O2", "name": "Computing", "type": "department", "identifier": "CS", "parentSourcedId": "O1"},
        ],
        "academicSessions": [
            {
                "sourcedId": "T1",
                "title": "Autumn",
                "type": "term",
                "startDate": "2026-09-21",
                "endDate": "2026-12-19",
                "schoolYear": "2026",
            }
        ],
        "courses": [
            {"sourcedId": "C1", "title": "Algorithms", "courseCode": "CS201", "orgSourcedId": "O2"},
            {"sourcedId": "C2", "title": "Databases", "courseCode": "CS202", "orgSourcedId": "O2"},
        ],
        "classes": [
            {"sourcedId": "K1", "title": "Algorithms lecture", "courseSourcedId": "C1", "classCode": "L"},
            {"sourcedId": "K2", "title": "Algorithms lab", "courseSourcedId": "C1", "classCode": "A", "classType": "ext:lab"},
            {"sourcedId": "K3", "title": "Databases lecture", "courseSourcedId": "C2", "classCode": "L"},
        ],
        "users": [*people, lecturer],
        "roles": [
            *({"sourcedId": f"R{n}", "userSourcedId": f"S{n}", "role": "student"} for n in range(1, students + 1)),
            {"sourcedId": "RL", "userSourcedId": "L1", "role": "teacher"},
        ],
        "enrollments": [
            *(enrolment(f"E{n}", "K1", f"S{n}") for n in range(1, students + 1)),
            enrolment("EL", "K1", "L1", role="teacher"),
        ],
    }
    return whole | {name: list(rows) for name, rows in tables.items()}


def enrolment(id_: str, group: str, person: str, **more: str) -> Row:
    return {"sourcedId": id_, "classSourcedId": group, "userSourcedId": person, "role": "student", **more}


def oneroster(
    tables: Mapping[str, Iterable[Row]],
    *,
    version: str = "1.2",
    mode: str = "bulk",
    manifest: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """A OneRoster zip of these tables, all in one mode."""
    files = {name: table((headers or {}).get(name, HEADERS[name]), rows) for name, rows in tables.items()}
    properties = {
        "manifest.version": "1.0",
        "oneroster.version": version,
        "source.systemCode": "SITS",
        **{f"file.{name}": mode for name in tables},
        **(manifest or {}),
    }
    rows = [{"propertyName": name, "value": value} for name, value in properties.items()]
    return zipped({"manifest.csv": table("propertyName,value", rows), **{f"{name}.csv": data for name, data in files.items()}})


def zipped(members: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def event(id_: str = "A-1", start: str = "2026-09-21T09:00:00+01:00", end: str = "", **more: str) -> Row:
    """A lecture of Algorithms, an hour long unless said otherwise."""
    known = {
        "event_id": id_,
        "module_code": "CS201",
        "title": "Algorithms",
        "event_type": "lecture",
        "start": start,
        "end": end or start.replace("T09:", "T10:"),
        "timezone": "Europe/London",
        "location": "C2.01",
        "delivery_mode": "in_person",
        "mandatory": "true",
        "staff_ids": "L1",
        "group_ids": "K1",
        "status": "scheduled",
        "last_changed": "",
        "source_system": "CELCAT",
    }
    return known | more


def events(*rows: Row, header: str = EVENTS) -> bytes:
    return table(header, rows)


def calendar(*events: str, header: str = "") -> bytes:
    """A calendar of these VEVENTs, each written as its properties alone."""
    blocks = [f"BEGIN:VEVENT\n{text.strip()}\nEND:VEVENT" for text in events]
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", *([header] if header else []), *blocks, "END:VCALENDAR", ""]
    return "\n".join(lines).replace("\n", "\r\n").encode()


def delta(**tables: Iterable[Row]) -> bytes:
    """A roster of these changes alone, each row stamped."""
    stamp = {"status": "active", "dateLastModified": "2026-09-10T08:00:00Z"}
    return oneroster({name: [stamp | dict(row) for row in rows] for name, rows in tables.items()}, mode="delta")


def check(content: bytes, *, at: datetime = AT, filename: str = "file", roles: bool = False, **options: Any) -> Import:
    """Bring a file in (with `roles`, as an administrator) and check it."""
    run = imports.take(filename=filename, content=content, actor=ACTOR, at=at, options=options, roles=roles)
    return imports.check(run, at=at)


def bring(content: bytes, *, at: datetime = AT, confirm: bool = False, **options: Any) -> Import:
    """Bring a file in, check it, apply it."""
    return imports.apply(check(content, at=at, **options), at=at, actor=ACTOR, confirm=confirm)


def said(run: Import) -> list[tuple[str, int, str]]:
    """(file, line, code) of every row that could not be used."""
    return [(p.file, p.line, p.code) for p in run.problems.filter(notice=False).order_by("file", "line", "code")]


def noticed(run: Import) -> dict[str, str]:
    """The notices, by code."""
    return {p.code: p.message for p in run.problems.filter(notice=True)}


def only_unchanged(run: Import) -> bool:
    """Whether the file would change nothing at all."""
    return all(set(changes) == {"unchanged"} for changes in run.counts.values())

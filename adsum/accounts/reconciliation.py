"""Whether roles are what the event log says of them: the last event of each role beside its row, both ways."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from adsum.accounts.models import RoleGrant
from adsum.accounts.services import entry_of
from adsum.audit import reconciliation as log
from adsum.audit import services as audit_log
from adsum.audit.encoding import Difference, Differs
from adsum.audit.reconciliation import Compared, behind

TABLE = RoleGrant._meta.db_table
FOUND = "role.found"
"""The event of a role that was there before events said all of it."""
GONE = "import.grant.gone"
VERBS = ("role.grant", "role.change", "role.end", FOUND, "import.grant.new", "import.grant.changed", GONE)


class _Role(NamedTuple):
    """Which role of whom."""

    person: int
    role: str
    department: int | None
    source: str


class _Said(NamedTuple):
    """What the last event says about a role."""

    event: int
    dates: tuple[str, str]


@transaction.atomic
def note_found(*, by: str, at: datetime) -> int:
    """After an update: an event for each role that was there before and that no event tells whole; how many. Once."""
    begin = log.begin()
    if begin is None or log.events_with(FOUND):
        return 0
    said, _erased = _said(log.who_is_who())
    grants = RoleGrant.objects.filter(pk__lte=begin.detail["grants"]).order_by("pk")
    found = [grant for grant in grants if _key(grant) not in said]
    audit_log.record_all([entry_of(grant, FOUND) for grant in found], actor=by, at=at)
    return len(found)


def compare_roles(compared: Compared, people: Mapping[str, int]) -> None:
    """Compare every role with its last event, both ways. For people who were erased, only compare how many such roles there
    are, as it is not known whose they were."""
    said, erased = _said(people)
    nobodys = Counter((role._replace(person=0), one.dates) for (_alias, role), one in erased.items())
    for grant in RoleGrant.objects.order_by("pk").iterator(chunk_size=log.CHUNK):
        compared.add("roles", 1)
        role, dates = _key(grant), (str(grant.starts_on or ""), str(grant.ends_on or ""))
        event = said.pop(role, None)
        if event is None and nobodys[role._replace(person=0), dates]:
            nobodys[role._replace(person=0), dates] -= 1
            compared.add("erased", 1)
        elif event is None:
            return compared.found(Difference(Differs.UNRECORDED, TABLE, grant.pk, about=grant.role))
        elif event.dates != dates:
            return compared.found(Difference(Differs.DIFFERENT, TABLE, grant.pk, event.event, grant.role))
    if said:
        role, event = min(said.items(), key=lambda one: one[1].event)
        return compared.found(Difference(Differs.LOST, TABLE, None, event.event, role.role))
    if left := +nobodys:
        return compared.found(Difference(Differs.MISCOUNTED, TABLE, about=next(iter(left))[0].role))
    return None


def _key(grant: RoleGrant) -> _Role:
    return _Role(grant.person_id, grant.role, grant.department_id, grant.source)


def _said(people: Mapping[str, int]) -> tuple[dict[_Role, _Said], dict[tuple[str, _Role], _Said]]:
    """The last that events say of each role; and of those of people who were erased, by their alias."""
    said: dict[_Role, _Said] = {}
    erased: dict[tuple[str, _Role], _Said] = {}
    for event in log.events_with(*VERBS):
        told = event.detail
        if "source" not in told:
            continue  # of before: it does not say which role it is
        person = behind(event.subject, people) or 0
        role = _Role(person, told["role"], told["department"], told["source"])
        one = _Said(event.pk, (told["starts_on"] or "", told["ends_on"] or ""))
        if person:
            said[role] = one
            if event.verb == GONE:
                del said[role]
        else:
            erased[event.subject, role] = one
            if event.verb == GONE:
                del erased[event.subject, role]
    return said, erased

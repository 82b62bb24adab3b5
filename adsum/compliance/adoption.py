"""Putting an edition of guidance in force: first exactly what it touches (policies, students, open duties), then the deed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.weighing import Act
from adsum.compliance.clock import Clock
from adsum.compliance.clocks import Rules, clocks
from adsum.compliance.duty_life import Kind
from adsum.compliance.editions import Guidance, edition_in_force, held, put_in_force, values_of
from adsum.compliance.guidance import Authority, Number, numbers_of
from adsum.compliance.models import Duty, Edition, RemotePermission, SponsorTerms
from adsum.compliance.sponsorship import sponsored
from adsum.core.errors import AdsumError
from adsum.core.university import civil_date

RESTS_ON: Mapping[Number, frozenset[Kind]] = {
    Number.NO_ENGAGEMENT_CEILING: frozenset({Kind.NON_ENGAGEMENT}),
    Number.REPORT_WORKING_DAYS: frozenset(Kind),
    Number.LOCATION_WORKING_DAYS: frozenset({Kind.CHANGE_OF_LOCATION}),
}
"""Which open duties a number is about."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A number that the new edition sets otherwise. `before` is empty where none is in force."""

    number: Number
    before: Decimal | None
    after: Decimal


@dataclass(frozen=True, slots=True)
class Crossing:
    """A student who would stand otherwise: by which clock, and how."""

    student: Person
    before: Clock
    after: Clock

    @property
    def appears(self) -> bool:
        """Reaches the limit under the new edition and not under the old one."""
        return self.after.crossed and not self.before.crossed

    @property
    def disappears(self) -> bool:
        return self.before.crossed and not self.after.crossed


@dataclass(frozen=True, slots=True)
class Touched:
    """Exactly what an edition touches if it is in force from a day on."""

    changed: tuple[Changed, ...]
    terms: tuple[SponsorTerms, ...]
    """Versions of the university's own numbers that go beyond it: its limit takes their place."""
    permissions: tuple[RemotePermission, ...]
    crossings: tuple[Crossing, ...]
    duties: tuple[Duty, ...]

    @property
    def digest(self) -> str:
        """Of everything that was shown: only that is put in force."""
        said = (
            [(one.number, str(one.before), str(one.after)) for one in self.changed],
            [one.pk for one in self.terms],
            [one.pk for one in self.permissions],
            [(one.student.pk, one.after.crossed, one.after.calendar_crossed) for one in self.crossings],
            [one.pk for one in self.duties],
        )
        return sha256(repr(said).encode()).hexdigest()

    @property
    def kept(self) -> dict[str, list[int]]:
        """What is written down with the edition."""
        return {
            "terms": [one.pk for one in self.terms],
            "permissions": [one.pk for one in self.permissions],
            "students": [one.student.pk for one in self.crossings],
            "duties": [one.pk for one in self.duties],
        }


def touched_by(edition: Edition, *, since: date, at: datetime) -> Touched:
    """What this edition touches from that day on, as things stand now. Writes nothing."""
    authority, after = Authority(edition.authority), values_of(edition)
    try:
        before = values_of(edition_in_force(authority, since))
    except AdsumError:
        before = {}
    changed = tuple(
        Changed(one, before.get(one), after[one])
        for one in numbers_of(authority)
        if one in after and before.get(one) != after[one]
    )
    numbers = {one.number for one in changed}
    return Touched(
        changed,
        _terms_beyond(after, since) if Number.NO_ENGAGEMENT_CEILING in numbers else (),
        _permissions_beyond(after, since) if Number.REMOTE_SHARE_PERMITTED in numbers else (),
        _crossings(edition, after, at) if before and Number.NO_ENGAGEMENT_CEILING in numbers else (),
        _duties(numbers) if before else (),
    )


def _terms_beyond(after: Mapping[Number, Decimal], since: date) -> tuple[SponsorTerms, ...]:
    """Terms in force on that day, or from a later one on, that a smaller ceiling does not allow."""
    ceiling = int(after[Number.NO_ENGAGEMENT_CEILING])
    latest = SponsorTerms.objects.filter(valid_from__lte=since).order_by("-valid_from")[:1]
    coming = SponsorTerms.objects.filter(valid_from__gt=since).order_by("valid_from")
    return tuple(one for one in (*latest, *coming) if one.terms.wrong(ceiling) is not None)


def _permissions_beyond(after: Mapping[Number, Decimal], since: date) -> tuple[RemotePermission, ...]:
    most = after[Number.REMOTE_SHARE_PERMITTED]
    beyond = RemotePermission.objects.filter(share__gt=most).exclude(until__lt=since).select_related("course")
    return tuple(beyond.order_by("course__code", "pk"))


def _crossings(edition: Edition, after: Mapping[Number, Decimal], at: datetime) -> tuple[Crossing, ...]:
    """Students who would reach the limit, by either clock, and do not now; or the other way round."""
    on = civil_date(at)
    now = Rules.on(on)
    then = Rules(Guidance(edition, after), now.terms, now.vacations)
    profiles = sponsored(None, on)
    before, coming = clocks(profiles, now, at=at), clocks(profiles, then, at=at)
    people = Person.objects.in_bulk(
        [
            pk
            for pk, clock in coming.items()
            if (clock.crossed, clock.calendar_crossed) != (before[pk].crossed, before[pk].calendar_crossed)
        ]
    )
    found = (Crossing(person, before[pk], coming[pk]) for pk, person in people.items())
    return tuple(sorted(found, key=lambda one: (-one.after.policy_days, one.student.family_name, one.student.pk)))


def _duties(numbers: set[Number]) -> tuple[Duty, ...]:
    kinds = frozenset[Kind]().union(*(RESTS_ON.get(one, frozenset()) for one in numbers))
    rows = Duty.objects.unfinished().filter(kind__in=kinds).select_related("student")
    return tuple(rows.order_by("due_on", "pk"))


@transaction.atomic
def adopt(edition: Edition, *, since: date, seen: str, act: Act) -> Edition:
    """Put an edition in force from that day on, by an officer who saw what it touches (`Touched.digest`). Raises AdsumError
    `changed` when that has become something else, and what `put_in_force` raises."""
    touched = touched_by(held(edition), since=since, at=act.at)
    if touched.digest != seen:
        raise AdsumError("changed", _("What this edition touches has changed meanwhile. Look at it once more."))
    return put_in_force(edition, since=since, act=act, touched=touched.kept)

"""How a person is reached beside the university's own ways, and that nobody writes to them any more."""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import ContactDetail, ContactStop, Person
from adsum.accounts.rules import ContactBy, StopReason
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.core.university import civil_date

LONGEST = 300
"""Characters of one contact detail."""
_TELEPHONE = re.compile(r"\+?[\d ()./-]{5,30}")


def tidy(by: ContactBy, value: str) -> str:
    """A contact detail as it is kept; '' for none. Raises AdsumError `unusable` with what to do."""
    lines = [" ".join(line.split()) for line in value.splitlines()]
    text = ", ".join(line.strip(",") for line in lines if line)
    if not text:
        return ""
    if len(text) > LONGEST:
        raise AdsumError("unusable", _("That is too long. Give the address in %(n)s characters.") % {"n": LONGEST})
    if by == ContactBy.TELEPHONE and not _TELEPHONE.fullmatch(text):
        raise AdsumError("unusable", _("That is no telephone number. Give digits, such as 07700 900123 or +44 7700 900123."))
    if by == ContactBy.PERSONAL_EMAIL:
        try:
            validate_email(text)
        except ValidationError as wrong:
            raise AdsumError("unusable", _("That is no e-mail address. It looks like name@example.com.")) from wrong
    return text


def details_of(person: Person) -> dict[ContactBy, ContactDetail]:
    """The contact details that are in force (one query)."""
    return {ContactBy(one.by): one for one in ContactDetail.objects.filter(person=person, ended_at=None)}


def personal_addresses(people: Iterable[Person]) -> dict[int, str]:
    """By person, their own e-mail address, where they have given one that is not the university's (one query)."""
    usernames = {person.pk: person.username for person in people}
    given = ContactDetail.objects.filter(person__in=usernames, by=ContactBy.PERSONAL_EMAIL, ended_at=None)
    return {person: value for person, value in given.values_list("person", "value") if value.casefold() != usernames[person]}


def to_confirm(details: Mapping[ContactBy, ContactDetail], term_began: date | None) -> bool:
    """Whether the student is asked once more: they have not yet said this term that these are right."""
    if term_began is None:
        return False
    return any(one.confirmed_at is None or civil_date(one.confirmed_at) < term_began for one in details.values())


def enter_details(
    person: Person, wanted: Mapping[ContactBy, str], *, by: Person | None, actor: str, at: datetime, source: str = ""
) -> set[ContactBy]:
    """Give a person these contact details ('' takes one away); which of them changed. What was there before is kept, ended.

    Details that people enter for themselves are confirmed by it. The event names what changed, never what it says. Raises
    AdsumError `unusable`, and then nothing has changed.
    """
    tidied = {way: tidy(way, value) for way, value in wanted.items()}
    return enter_many({person.pk: tidied}, by=by, actor=actor, at=at, source=source)[person.pk]


@transaction.atomic
def enter_many(
    wanted: Mapping[int, Mapping[ContactBy, str]], *, by: Person | None, actor: str, at: datetime, source: str = ""
) -> dict[int, set[ContactBy]]:
    """The same for many people at once, of details that are tidy already. What a source says never replaces what a person
    entered by hand: they know better how they are reached."""
    list(Person.objects.select_for_update().filter(pk__in=wanted).order_by("pk").values_list("pk"))
    in_force = ContactDetail.objects.filter(person__in=wanted, ended_at=None)
    known = {(one.person_id, ContactBy(one.by)): one for one in in_force}
    changed: dict[int, set[ContactBy]] = {}
    for person, details in wanted.items():
        found = {way: known.get((person, way)) for way in details}
        changed[person] = {
            way
            for way, old in found.items()
            if details[way] != (old.value if old else "") and not (source and old is not None and not old.source)
        }
    new = [(person, way) for person, ways in changed.items() for way in sorted(ways)]
    ContactDetail.objects.filter(pk__in=[known[key].pk for key in new if key in known]).update(ended_at=at)
    ContactDetail.objects.bulk_create(
        ContactDetail(
            person_id=person,
            by=way,
            value=wanted[person][way],
            source=source,
            entered_at=at,
            entered_by=by,
            confirmed_at=at if by is not None and by.pk == person else None,
        )
        for person, way in new
        if wanted[person][way]
    )
    told = [
        audit_log.Entry("contact.details", f"person:{person}", {"fields": sorted(ways), "source": source})
        for person, ways in changed.items()
        if ways
    ]
    audit_log.record_all(told, actor=actor, at=at)
    return changed


@transaction.atomic
def confirm_details(person: Person, *, at: datetime) -> None:
    """The person says that their contact details are right."""
    if ContactDetail.objects.filter(person=person, ended_at=None).update(confirmed_at=at):
        audit_log.record(actor=person.actor, verb="contact.confirm", subject=person.actor, at=at)


# Nobody writes to them any more


def stop_of(person: Person) -> ContactStop | None:
    """That nobody writes to this person, if so (one query)."""
    return ContactStop.objects.filter(person=person, ended_at=None).first()


def stopped_among(people: Collection[int]) -> set[int]:
    """To whom of these nobody writes any more (one query). They are few, so all are read, and many may be asked about."""
    return set(people).intersection(ContactStop.objects.filter(ended_at=None).values_list("person", flat=True))


@transaction.atomic
def stop_writing(person: Person, reason: StopReason, *, by: Person, at: datetime) -> ContactStop:
    """From now on nobody writes to this person. Again, with another reason: that one holds; with the same, nothing changes."""
    Person.objects.select_for_update().get(pk=person.pk)
    known = stop_of(person)
    if known is not None and known.reason == reason:
        return known
    if known is not None:
        _end(known, by=by, at=at)
    made = ContactStop.objects.create(person=person, reason=reason, at=at, by=by)
    audit_log.record(actor=by.actor, verb="contact.stop", subject=person.actor, at=at, reason=reason)
    return made


@transaction.atomic
def write_again(person: Person, *, by: Person, at: datetime) -> None:
    """The person may be written to again: of what happens from now on. A second time changes nothing."""
    known = ContactStop.objects.select_for_update().filter(person=person, ended_at=None).first()
    if known is not None:
        _end(known, by=by, at=at)
        audit_log.record(actor=by.actor, verb="contact.resume", subject=person.actor, at=at)


def _end(stop: ContactStop, *, by: Person, at: datetime) -> None:
    ContactStop.objects.filter(pk=stop.pk).update(ended_by=by, ended_at=at)

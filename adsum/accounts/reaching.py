"""How a person is reached beside the university's own ways, and that nobody writes to them any more."""

import re
from collections.abc import Collection, Mapping
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


def to_confirm(details: Mapping[ContactBy, ContactDetail], term_began: date | None) -> bool:
    """Whether the student is asked once more: they have not yet said this term that these are right."""
    if term_began is None:
        return False
    return any(one.confirmed_at is None or civil_date(one.confirmed_at) < term_began for one in details.values())


@transaction.atomic
def enter_details(
    person: Person, wanted: Mapping[ContactBy, str], *, by: Person | None, actor: str, at: datetime, source: str = ""
) -> set[ContactBy]:
    """Give a person these contact details ('' takes one away); which of them changed. What was there before is kept, ended.

    Details that people enter for themselves are confirmed by it. The event names what changed, never what it says. Raises
    AdsumError `unusable`, and then nothing has changed.
    """
    tidied = {way: tidy(way, value) for way, value in wanted.items()}
    Person.objects.select_for_update().get(pk=person.pk)
    known = details_of(person)
    changed = {way for way, value in tidied.items() if value != (known[way].value if way in known else "")}
    ContactDetail.objects.filter(pk__in=[known[way].pk for way in changed & known.keys()]).update(ended_at=at)
    confirmed = at if by == person else None
    ContactDetail.objects.bulk_create(
        ContactDetail(
            person=person, by=way, value=tidied[way], source=source, entered_at=at, entered_by=by, confirmed_at=confirmed
        )
        for way in sorted(changed)
        if tidied[way]
    )
    if changed:
        audit_log.record(
            actor=actor, verb="contact.details", subject=person.actor, at=at, fields=sorted(changed), source=source
        )
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
    """To whom of these nobody writes any more (one query)."""
    return set(ContactStop.objects.filter(person__in=people, ended_at=None).values_list("person", flat=True))


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

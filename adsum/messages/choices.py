"""What a person wants by mail, and how often."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from adsum.accounts.models import Person
from adsum.audit.services import record
from adsum.messages.models import MailChoice
from adsum.messages.reports import choices_of
from adsum.messages.rules import How


@transaction.atomic
def choose(person: Person, wanted: Mapping[str, How], *, at: datetime) -> int:
    """Have these kinds of messages by mail like this from now on; how many choices changed. What waits already goes as it was
    written."""
    Person.objects.select_for_update().get(pk=person.pk)
    known = {kind: how for (_person, kind), how in choices_of([person.pk]).items()}
    changed = {kind: how for kind, how in wanted.items() if known.get(kind) != how}
    MailChoice.objects.filter(person=person, kind__in=changed).delete()
    MailChoice.objects.bulk_create(MailChoice(person=person, kind=kind, how=how) for kind, how in changed.items())
    if changed:
        record(actor=person.actor, verb="message.choose", subject=person.actor, at=at, kinds=sorted(changed))
    return len(changed)

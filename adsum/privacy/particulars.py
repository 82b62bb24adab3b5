"""What the university says of itself as controller: kept version by version."""

from django.db import transaction

from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.privacy.models import Particulars
from adsum.privacy.purposes import Says, missing


def current() -> Says:
    """What is said now (one query)."""
    newest = Particulars.objects.order_by("-pk").first()
    return Says.from_json(newest.says) if newest else Says()


def is_ready() -> bool:
    """Whether everything is said that has to be before people come (one query)."""
    return not missing(current())


@transaction.atomic
def say(says: Says, *, act: Act) -> bool:
    """Keep what is said from now on; whether it is new."""
    if says == current():
        return False
    made = Particulars.objects.create(made_at=act.at, made_by=act.by, says=says.as_json())
    audit_log.record(
        actor=act.by.actor, verb="rights.particulars", subject=f"particulars:{made.pk}", at=act.at, missing=len(missing(says))
    )
    return True

"""One action stops everything that is written to a student: for those who have died, have left, or are not to be contacted."""

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from adsum.accounts import reaching
from adsum.accounts.models import ContactStop, Person
from adsum.accounts.rules import StopReason
from adsum.attendance.weighing import Act
from adsum.engagement.alerts import close_all

WHY: dict[StopReason, Promise] = {
    StopReason.DECEASED: gettext_lazy("The student has died."),
    StopReason.WITHDRAWN: gettext_lazy("The student has left the university."),
    StopReason.NO_CONTACT: gettext_lazy("The student is not to be contacted."),
}
"""Each reason as a sentence."""


@transaction.atomic
def stop_contact(student: Person, reason: StopReason, *, act: Act) -> ContactStop:
    """From now on nobody writes to this student, and what waits in the outbox does not leave: whatever sends asks
    `accounts.reaching`. Their alerts, and with them all stages, close; a case stays with its owner, who decides."""
    stop = reaching.stop_writing(student, reason, by=act.by, at=act.at)
    close_all(student, str(WHY[reason]), act=act)
    return stop


def resume_contact(student: Person, *, act: Act) -> None:
    """Write to this student again, of what happens from now on. What was closed stays closed."""
    reaching.write_again(student, by=act.by, at=act.at)

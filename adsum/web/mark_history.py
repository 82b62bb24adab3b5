"""The history of a mark, as staff and the student read it."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext as _

from adsum.attendance.labels import reason_label, source_label
from adsum.attendance.models import MarkChange
from adsum.web.notes import left_note


class Step(NamedTuple):
    """One step in the life of a mark, as the history component takes it."""

    before: str
    after: str
    who: str
    when: datetime
    source: str
    reason: str


def story(changes: Iterable[MarkChange], student: str) -> list[Step]:
    """The history of one mark. Scans are shown as the student's; steps without a person are shown as the system's."""
    return [
        Step(
            change.before,
            change.after,
            str(change.by or (student if change.source == "scan" else _("Adsum"))),
            change.at,
            " · ".join(filter(None, [source_label(change.source), left_note(change.left_at)])),
            reason_label(change.reason_code, change.reason),
        )
        for change in changes
    ]

"""Standing adjustments that end, or are to be looked at again, in four weeks: letters give a number, never a name."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.accounts.rules import Role
from adsum.attendance.adjustments import WARNED_BEFORE
from adsum.attendance.ahead_tables import Adjustment
from adsum.audit.following import Reader
from adsum.core.university import civil_date
from adsum.messages.letter import Facts, Letter
from adsum.messages.reports import over_departments
from adsum.messages.rules import KEPT_DUE, STALE
from adsum.messages.topic import Draft, Kind, Pending, Reading, Topic

ENDING = "adjustments_ending"


def adjustments_ending(_reader: Reader, at: datetime, _zone: ZoneInfo) -> Pending:
    """Of each day that is four weeks ahead by now, one draft for each of the attendance team over one of the students."""
    today = civil_date(at) + WARNED_BEFORE
    days = [today - timedelta(days=back) for back in reversed(range(STALE.days))]
    due = [(day, asking) for day in days if (asking := Adjustment.objects.asking_on(day)).exists()]
    drafts = []
    for person, _over in over_departments(Role.ATTENDANCE_TEAM, at) if due else []:
        for day, asking in due:
            if n := asking.visible_to(person, person.access(at)).count():
                facts = {"n": n, "day": day.isoformat()}
                drafts.append(Draft(person, ENDING, f"{ENDING}:{person.pk}:{day}", facts, at + KEPT_DUE))
    return Pending(drafts)


def _ending(facts: Facts) -> Letter:
    words = {"n": facts["n"], "day": date_format(date.fromisoformat(facts["day"]), "j F")}
    subject = ngettext(
        "%(n)s adjustment ends or is reviewed on %(day)s", "%(n)s adjustments end or are reviewed on %(day)s", words["n"]
    )
    return Letter(
        subject=subject % words,
        opening=_("Look at it with the student in good time: after its last day, check-in and registers no longer heed it."),
        action=(_("Open the adjustments"), "/office/adjustments/"),
    )


TOPIC = Topic(
    kinds=(Kind(ENDING, gettext_lazy("Adjustments that end or are to be looked at again"), _ending),),
    readings=(Reading("adjustments_ending", adjustments_ending),),
)

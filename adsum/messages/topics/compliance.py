"""What officers for sponsored students, and supervisors, are reminded of: supervisions that nobody has answered, and attendance
that somebody wrote down after the class. Letters give numbers, never names."""

from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.audit.following import Reader
from adsum.compliance.models import SponsorStanding
from adsum.core.clock import monday_of
from adsum.core.university import civil_date
from adsum.engagement.models import Supervision
from adsum.engagement.supervising import Supervised
from adsum.messages.letter import Facts, Letter
from adsum.messages.reports import holders
from adsum.messages.rules import KEPT_DUE, STALE, is_night
from adsum.messages.topic import Draft, Kind, Pending, Reading, Topic

CHASED, LATE = "supervision_chased", "late_changes"


def supervisions_chased(_reader: Reader, at: datetime, _zone: ZoneInfo) -> Pending:
    """Supervisions of earlier months that were chased and are not answered: one draft for each supervisor and day."""
    rows = Supervision.objects.filter(state=Supervised.WAITING, chased_at__gt=at - STALE, chased_at__lte=at)
    chased = rows.values_list("supervisor", "chased_at")
    asked = Counter((supervisor, civil_date(when)) for supervisor, when in chased if when is not None)
    people = Person.objects.filter(is_active=True).in_bulk({supervisor for supervisor, _day in asked})
    drafts = [
        Draft(people[pk], CHASED, f"{CHASED}:{pk}:{day}", {"n": n}, at + KEPT_DUE)
        for (pk, day), n in sorted(asked.items())
        if pk in people
    ]
    return Pending(drafts)


def late_changes(_reader: Reader, at: datetime, zone: ZoneInfo) -> Pending:
    """Once a week, from Monday on: how many students have marks that wait for compliance, for each officer."""
    today = civil_date(at)
    monday = monday_of(today)
    if today - monday >= STALE or is_night(at, zone):
        return Pending()
    waiting = SponsorStanding.objects.filter(late_changes__gt=0)
    officers = holders([Role.COMPLIANCE_UKVI], at) if waiting.exists() else []
    drafts = [
        Draft(officer, LATE, f"{LATE}:{officer.pk}:{monday}", {"n": n}, at + KEPT_DUE)
        for officer in officers
        if (n := waiting.exclude(student=officer).count())
    ]
    return Pending(drafts)


# What it says


def _chased(facts: Facts) -> Letter:
    subject = ngettext("Did you meet your research student?", "Did you meet your research students?", facts["n"])
    opening = ngettext(
        "There is no answer yet about %(n)s supervision.", "There is no answer yet about %(n)s supervisions.", facts["n"]
    )
    return Letter(
        subject=subject,
        opening=opening % {"n": facts["n"]},
        closing=[
            _("One tap each: met, or not met. Without an answer the month is not observed; it is never counted as missed.")
        ],
        action=(_("Answer now"), "/supervisions/"),
    )


def _late(facts: Facts) -> Letter:
    subject = ngettext(
        "%(n)s student has late changes for you to confirm", "%(n)s students have late changes for you to confirm", facts["n"]
    )
    return Letter(
        subject=subject % {"n": facts["n"]},
        opening=_("An absence became attendance after the class. It counts as contact once compliance has confirmed it."),
        action=(_("Look at late changes"), "/compliance/late-changes/"),
    )


TOPIC = Topic(
    kinds=(
        Kind(CHASED, gettext_lazy("Supervisions to answer"), _chased),
        Kind(LATE, gettext_lazy("Late changes to confirm"), _late),
    ),
    readings=(Reading("supervision_chased", supervisions_chased), Reading("late_changes", late_changes)),
)

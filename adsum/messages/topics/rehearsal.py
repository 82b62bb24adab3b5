"""What the guests of a rehearsal are told, and they alone: how many reminders would have left today. No student hears of it."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.audit.following import Reader
from adsum.core.clock import civil_day
from adsum.engagement.models import RuleSwitch, WouldBe
from adsum.engagement.policies import version_at
from adsum.engagement.versions import guests_at
from adsum.engagement.why import STAGES
from adsum.messages.letter import Facts, Item, Letter
from adsum.messages.rules import KEPT_DUE
from adsum.messages.topic import Draft, Kind, Pending, Reading, Topic

REHEARSED = "rehearsed"
FROM_HOUR = 9
"""By then the night's rehearsal is over, so that a sum is whole."""


def rehearsed(_reader: Reader, at: datetime, zone: ZoneInfo) -> Pending:
    """One message a day to each guest, on days on which something would have left."""
    version = version_at(RuleSwitch.Place.REHEARSAL, at)
    if version is None or at.astimezone(zone).hour < FROM_HOUR:
        return Pending()
    day = at.astimezone(zone).date()
    begin, end = civil_day(day, zone)
    left = WouldBe.objects.filter(version=version, told_at__gte=begin, told_at__lt=end)
    stages = [list(row) for row in left.order_by("stage").values("stage").annotate(n=Count("pk")).values_list("stage", "n")]
    guests = guests_at(at) if stages else []
    facts = {"version": version.number, "stages": stages}
    return Pending(
        [
            Draft(guest, REHEARSED, f"{REHEARSED}:{guest.pk}:{version.number}:{day}", facts, at + KEPT_DUE)
            for guest in guests
            if guest.is_active
        ]
    )


def _rehearsed(facts: Facts) -> Letter:
    total = sum(number for _stage, number in facts["stages"])
    subject = ngettext("Rehearsal: %(n)s reminder would have left", "Rehearsal: %(n)s reminders would have left", total)
    return Letter(
        subject=subject % {"n": total},
        opening=_(
            "By version %(number)s of the alert rules, today. You are a guest of its rehearsal; no student is written to."
        )
        % {"number": facts["version"]},
        items=[Item(f"{STAGES[stage]}: {number}", [], "/office/rehearsal/") for stage, number in facts["stages"]],
        action=(_("Say what you would have done"), "/office/rehearsal/"),
    )


TOPIC = Topic(
    kinds=(Kind(REHEARSED, gettext_lazy("What a rehearsal would have sent"), _rehearsed),),
    readings=(Reading("rehearsal", rehearsed),),
)

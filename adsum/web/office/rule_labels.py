"""An alert rule in words: what it looks for, whom it is for, who hears, how long it waits and what closes it again."""

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.attendance.counting import Period
from adsum.engagement.rules import Recipient, Rule, Trigger
from adsum.engagement.why import STAGES, asked

TRIGGERS = {
    Trigger.MISSED_IN_A_ROW: gettext_lazy("Classes missed in a row"),
    Trigger.NO_CHECK_IN_DAYS: gettext_lazy("Days of term without contact"),
    Trigger.PERCENT_BELOW: gettext_lazy("Attendance below, per cent"),
    Trigger.WEEKS_WITHOUT: gettext_lazy("Weeks of teaching without contact"),
}
PERIODS = {
    Period.TWO_WEEKS: gettext_lazy("the last 2 weeks of teaching"),
    Period.FOUR_WEEKS: gettext_lazy("the last 4 weeks of teaching"),
    Period.MONTH: gettext_lazy("the calendar month"),
    Period.TERM: gettext_lazy("the term"),
    Period.YEAR: gettext_lazy("the academic year"),
    Period.LAST: gettext_lazy("the last classes that counted"),
}
RECIPIENTS = {
    Recipient.STUDENT: gettext_lazy("the student"),
    Recipient.TUTOR: gettext_lazy("the tutor"),
    Recipient.DEPARTMENT: gettext_lazy("the department"),
    Recipient.TEAM: gettext_lazy("the attendance team"),
}
FIELDS = {
    "stage": gettext_lazy("Stage"),
    "trigger": gettext_lazy("What it looks for"),
    "number": gettext_lazy("How many"),
    "period": gettext_lazy("Per cent of"),
    "last": gettext_lazy("The last so many classes"),
    "misses": gettext_lazy("Of these missed at least"),
    "wait_days": gettext_lazy("Days since the stage before"),
    "no_reply": gettext_lazy("Only without an answer"),
    "hold_days": gettext_lazy("Working days held before it leaves"),
    "recipients": gettext_lazy("Who is told"),
    "notice_days": gettext_lazy("Working days’ notice of the meeting"),
    "recovery": gettext_lazy("What closes it"),
}


def stage_words(stage: int) -> str:
    """Such as "Stage 1: a reminder"."""
    return _("Stage %(n)s: %(what)s") % {"n": stage, "what": STAGES[stage]}


def in_words(rule: Rule, departments: Mapping[int, str]) -> list[str]:
    """The whole rule, in short sentences: every term of it is in one of them."""
    looks = asked(rule)
    said = [looks[:1].upper() + looks[1:]]
    scope = [
        departments.get(rule.scope.department or 0, ""),
        rule.scope.level and _("level %(level)s") % {"level": rule.scope.level},
        rule.scope.mode.replace("_", " "),
    ]
    said += [_("Only for: %(whom)s") % {"whom": ", ".join(one for one in scope if one)}] if any(scope) else []
    if rule.stage:
        waits = ngettext(
            "At least %(n)s day after the stage before", "At least %(n)s days after the stage before", rule.wait_days
        )
        said.append(waits % {"n": rule.wait_days})
    said += [_("Only for students who have not answered")] if rule.no_reply else []
    held = ngettext("Held for %(n)s working day", "Held for %(n)s working days", rule.hold_days)
    said.append(held % {"n": rule.hold_days})
    said.append(_("Told: %(whom)s") % {"whom": ", ".join(str(RECIPIENTS[one]) for one in rule.recipients)})
    if rule.notice_days:
        notice = ngettext("%(n)s working day’s notice", "%(n)s working days’ notice", rule.notice_days)
        said.append(notice % {"n": rule.notice_days})
    closes = {"attend": rule.recovery.attend, "of": rule.recovery.of}
    said.append(_("Closes after %(attend)s of %(of)s classes attended") % closes)
    return said

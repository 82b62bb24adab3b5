"""One sentence that says why a rule holds of a student, or why not: made from the facts of the finding alone."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.attendance.counting import Period
from adsum.engagement.rules import Because, Doubt, Finding, Rule, Trigger, Verdict

STAGES = {
    0: gettext_lazy("a friendly word"),
    1: gettext_lazy("a reminder"),
    2: gettext_lazy("a meeting"),
    3: gettext_lazy("a formal panel"),
}
"""What each stage is, as people say it."""

PERIODS = {
    Period.TWO_WEEKS: gettext_lazy("the last 2 weeks of teaching"),
    Period.FOUR_WEEKS: gettext_lazy("the last 4 weeks of teaching"),
    Period.MONTH: gettext_lazy("this month"),
    Period.TERM: gettext_lazy("this term"),
    Period.YEAR: gettext_lazy("this academic year"),
}

DOUBTS = {
    Doubt.UNDER_QUERY: gettext_lazy("under query"),
    Doubt.UNDER_DECISION: gettext_lazy("under decision"),
    Doubt.OUTAGE: gettext_lazy("touched by an outage"),
    Doubt.NOT_OBSERVED: gettext_lazy("not observed"),
    Doubt.COMPLETED_LATE: gettext_lazy("completed more than 14 days late"),
}


def why(finding: Finding) -> str:
    """Why a rule holds of a student, or why it does not."""
    facts = finding.because
    stage = STAGES[facts.stage]
    if facts.verdict == Verdict.NOT_FOR_THEM:
        return _("This rule (%(asked)s, for %(stage)s) is for other students.") % {"asked": asked(facts), "stage": stage}
    words = {"asked": asked(facts), "found": _found(finding), "stage": stage}
    if facts.verdict == Verdict.HOLDS:
        said = _("%(found)s, and the rule for %(stage)s is: %(asked)s.") % words
    elif facts.verdict == Verdict.TOO_FEW:
        words["few"] = ngettext(
            "%(n)s class is too few: the rule needs %(needed)s",
            "%(n)s classes are too few: the rule needs %(needed)s",
            facts.classes,
        ) % {"n": facts.classes, "needed": facts.needed}
        said = _("%(few)s. It would ask for %(stage)s at: %(asked)s.") % words
    else:
        said = _("%(found)s. The rule for %(stage)s is not met: %(asked)s.") % words
    return said + _left_out(facts)


def asked(rule: Because | Rule) -> str:
    """What a rule looks for, in a few words."""
    number = {"n": rule.number}
    if rule.trigger == Trigger.MISSED_IN_A_ROW:
        return ngettext("%(n)s class missed", "%(n)s classes missed in a row", rule.number) % number
    if rule.trigger == Trigger.NO_CHECK_IN_DAYS:
        return ngettext("no contact for %(n)s day of term", "no contact for %(n)s days of term", rule.number) % number
    if rule.trigger == Trigger.WEEKS_WITHOUT:
        return (
            ngettext("%(n)s week of teaching without contact", "%(n)s weeks of teaching without contact", rule.number) % number
        )
    below = {**number, "period": period(rule.period, rule.last)}
    if not rule.misses:
        return _("less than %(n)s%% of %(period)s") % below
    words = ngettext(
        "less than %(n)s%% of %(period)s, with at least %(misses)s class missed",
        "less than %(n)s%% of %(period)s, with at least %(misses)s classes missed",
        rule.misses,
    )
    return words % {**below, "misses": rule.misses}


def period(which: Period | None, last: int) -> str:
    """What a percentage is of."""
    if which == Period.LAST:
        return ngettext("the last class that counted", "the last %(n)s classes that counted", last) % {"n": last}
    return str(PERIODS[which or Period.FOUR_WEEKS])


def _found(finding: Finding) -> str:
    facts, tally = finding.because, finding.tally
    if facts.trigger == Trigger.PERCENT_BELOW and tally is not None:
        if tally.percent is None:
            return _("No class of %(period)s has counted yet") % {"period": period(facts.period, facts.last)}
        sums = {"attended": f"{tally.attended:g}", "counted": f"{tally.counted:g}", "percent": f"{tally.percent:g}"}
        return _("%(attended)s of %(counted)s attended in %(period)s (%(percent)s%%)") % {
            **sums,
            "period": period(facts.period, facts.last),
        }
    number = int(facts.measured or 0)
    if facts.trigger == Trigger.MISSED_IN_A_ROW:
        return ngettext("%(n)s class missed in a row", "%(n)s classes missed in a row", number) % {"n": number}
    if facts.trigger == Trigger.NO_CHECK_IN_DAYS:
        return ngettext("No contact for %(n)s day of term", "No contact for %(n)s days of term", number) % {"n": number}
    return ngettext("%(n)s whole week of teaching without contact", "%(n)s whole weeks of teaching without contact", number) % {
        "n": number
    }


def _left_out(facts: Because) -> str:
    if not facts.left_out:
        return ""
    listed = ", ".join(f"{number} {DOUBTS[doubt]}" for doubt, number in facts.left_out)
    return " " + _("Not counted: %(listed)s.") % {"listed": listed}

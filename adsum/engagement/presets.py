"""Alert rules to begin with. They are there on a new installation and switched off: a university reads, changes, tries and
rehearses them before any student hears of one. Pure.

Composed in docs/rules.md A 14 from what universities publish; the cut-offs at 60 and 40 per cent are our own, and so is that 80
per cent asks for two missed classes (ADR 0057).
"""

from adsum.attendance.counting import Period
from adsum.engagement.rules import Recipient, Rule, Trigger

FOUR = Period.FOUR_WEEKS
STUDENT, TUTOR, DEPARTMENT = Recipient.STUDENT, Recipient.TUTOR, Recipient.DEPARTMENT

UK_TAUGHT = (
    Rule("0a", 0, Trigger.MISSED_IN_A_ROW, 2),
    Rule("0b", 0, Trigger.NO_CHECK_IN_DAYS, 7),
    Rule("1a", 1, Trigger.PERCENT_BELOW, 80, FOUR, misses=2),
    Rule("1b", 1, Trigger.WEEKS_WITHOUT, 2),
    Rule("2a", 2, Trigger.PERCENT_BELOW, 80, FOUR, misses=2, wait_days=14, notice_days=5, recipients=(STUDENT, TUTOR)),
    Rule("2b", 2, Trigger.PERCENT_BELOW, 60, FOUR, wait_days=7, notice_days=5, recipients=(STUDENT, TUTOR)),
    Rule("2c", 2, Trigger.WEEKS_WITHOUT, 3, wait_days=7, notice_days=5, recipients=(STUDENT, TUTOR)),
    Rule("3a", 3, Trigger.PERCENT_BELOW, 40, FOUR, wait_days=14, notice_days=5, recipients=(STUDENT, TUTOR, DEPARTMENT)),
    Rule(
        "3b", 3, Trigger.WEEKS_WITHOUT, 4, wait_days=14, no_reply=True, notice_days=5, recipients=(STUDENT, TUTOR, DEPARTMENT)
    ),
)

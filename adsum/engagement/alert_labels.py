"""Words for an alert, the same in letters and on pages: how it stands, what keeps it back, what was found about its classes."""

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.attendance.models import Query
from adsum.checkin.labels import RESULTS
from adsum.engagement.alert_life import Back, State
from adsum.engagement.not_checked import Found, Sign
from adsum.engagement.rules import Recipient
from adsum.timetable.rules import Change

STAGES = {
    0: gettext_lazy("Friendly word"),
    1: gettext_lazy("Reminder"),
    2: gettext_lazy("Meeting"),
    3: gettext_lazy("Formal panel"),
}
CAPACITIES: dict[str, Promise] = {
    Recipient.STUDENT: gettext_lazy("student"),
    Recipient.TUTOR: gettext_lazy("tutor, or who stands in"),
    Recipient.DEPARTMENT: gettext_lazy("department"),
    Recipient.TEAM: gettext_lazy("attendance team"),
}
STATES = {
    State.HELD: gettext_lazy("Held"),
    State.RELEASED: gettext_lazy("Leaves next"),
    State.TOLD: gettext_lazy("Told"),
    State.PAUSED: gettext_lazy("Answered, paused"),
    State.RECOVERED: gettext_lazy("Recovered"),
    State.WITHDRAWN: gettext_lazy("Withdrawn"),
    State.CLOSED: gettext_lazy("Closed"),
    State.REVIEW: gettext_lazy("Urgent review"),
}
BACKS = {
    Back.NO_CONTACT: gettext_lazy("No message may reach this student"),
    Back.BY_HAND: gettext_lazy("Kept back by a colleague"),
    Back.WELFARE: gettext_lazy("Welfare hold"),
    Back.SUSPENDED: gettext_lazy("The student is suspended"),
    Back.DOUBT: gettext_lazy("A class is under query or under decision"),
    Back.SPOKEN_TO: gettext_lazy("Somebody spoke with the student this week"),
    Back.WINDOW: gettext_lazy("Waits for corrections"),
    Back.UNTICKED: gettext_lazy("What was not checked has to be looked at"),
    Back.RECENT: gettext_lazy("The student had such a message this week"),
    Back.HOURS: gettext_lazy("Leaves in working hours"),
}
QUERIES = {
    Query.State.OPEN: gettext_lazy("The student says the mark is wrong; not answered yet"),
    Query.State.UPHELD: gettext_lazy("The student said the mark was wrong, and was right"),
    Query.State.DECLINED: gettext_lazy("The student said the mark was wrong; declined"),
}
CHANGES = {
    Change.CANCELLED: gettext_lazy("The class was cancelled"),
    Change.RESTORED: gettext_lazy("The class was restored"),
    Change.MOVED: gettext_lazy("The time or room changed"),
    Change.VANISHED: gettext_lazy("The class was missing from the timetable"),
}
SIGNS = {
    Sign.OUTAGE: gettext_lazy("Check-in was out of order"),
    Sign.CLASS_REPORT: gettext_lazy("Somebody at the class reported a change"),
    Sign.ALARM: gettext_lazy("The screen of the class showed a code of another time"),
}
NOTHING_KNOWN = gettext_lazy("Outages, scans, fault reports and timetable changes: nothing known about this class.")


def said(found: Found) -> str:
    """One thing that was found about a class, as a sentence with its time."""
    if found.sign in {Sign.REFUSED_SCAN, Sign.HELD_SCAN}:
        how = _("Scan held: %(why)s") if found.sign == Sign.HELD_SCAN else _("Scan refused: %(why)s")
        what = how % {"why": RESULTS[found.code]}
    elif found.sign == Sign.QUERY:
        what = str(QUERIES[Query.State(found.code)])
    elif found.sign == Sign.CLASS_CHANGE:
        what = str(CHANGES.get(Change(found.code), _("The class was changed")))
    else:
        what = str(SIGNS[found.sign])
    at = localtime(found.at)
    return _("%(day)s, %(time)s: %(what)s.") % {"day": date_format(at, "j F"), "time": f"{at:%H:%M}", "what": what}

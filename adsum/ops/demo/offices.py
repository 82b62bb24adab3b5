"""What offices see beside attendance: placements, monitoring groups, reports by mail, work given to a colleague, formal
messages that nobody opened, a browser that is known, and an hour in which signing in was slow."""

from datetime import datetime, timedelta
from random import Random

from adsum.absence.placements import Stay, place
from adsum.attendance.models import Query
from adsum.attendance.weighing import Act
from adsum.checkin import known
from adsum.checkin.models import KnownBrowser
from adsum.checkin.services import sign_in_is_slow
from adsum.checkin.slowness import Sign, Slow
from adsum.core.university import civil_date
from adsum.engagement.assigning import assign
from adsum.engagement.equity import bring_groups
from adsum.messages.ordering import order
from adsum.messages.report_rules import Every, Report
from adsum.messages.unopened import follow
from adsum.ops.demo.people import Population, make_ref

DAY = timedelta(days=1)
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Safari/604.1"
)
HOSTS = ("Luton and Dunstable Hospital, ward 7", "Icknield Primary School")
GROUPS = {
    "Age": (("under 21", 55), ("21 to 29", 30), ("30 and over", 15)),
    "Disability": (("none known", 82), ("declared", 18)),
    "Sex": (("female", 54), ("male", 44), ("other", 2)),
}
"""By characteristic, its groups, and how many of a hundred students are in each."""


def make_offices(population: Population, *, at: datetime) -> None:
    """Rows of each, deterministic, through the verbs that people use."""
    people, random = population.personas, Random("offices")  # noqa: S311 - made up, the same every time
    team, today = people["attendance_team"], civil_date(at)
    act = Act(team, at - DAY)
    others = [one.person for one in population.students if one.left_on is None and not one.suspended]
    for nth, (student, where) in enumerate(zip(others[-2:], HOSTS, strict=False)):
        place(student, Stay(today + (2 + nth) * DAY, today + (35 + 7 * nth) * DAY, where), act=act)
    groups = {
        one.person.pk: {name: random.choices(*zip(*some, strict=True))[0] for name, some in GROUPS.items()}
        for one in population.students
    }
    bring_groups(groups, act=Act(people["administrator"], at - 40 * DAY))
    order(team, Report.WORK, None, Every.WEEK, at=at - 20 * DAY)
    order(people["department"], Report.ATTENDANCE, None, Every.MONTH, at=at - 20 * DAY)
    waiting = Query.objects.filter(state=Query.State.OPEN).order_by("raised_at", "pk")[:2]
    assign("queries", [str(query.ref) for query in waiting], team, act=act)
    for ago in (3, 0):  # first to the other address, and then to a person
        follow(at=at - ago * DAY)
    browser = known.know(people["student"], "demo", remembered=True, at=at - 2 * DAY, user_agent=PHONE)
    KnownBrowser.objects.filter(pk=browser.pk).update(name=make_ref(random).hex)
    for minutes in (0, 4, 8):
        sign_in_is_slow(Slow(Sign.PROVIDER, 9.0 + minutes), at=at - 2 * DAY + timedelta(minutes=minutes))

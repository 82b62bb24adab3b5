"""What is known of partners: their classes as they go on, the last days, their spot checks; and all of it as tables."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from adsum.attendance import labels
from adsum.attendance.models import Mark, Register
from adsum.attendance.reports import here_in
from adsum.attendance.rules import ATTENDED, LOOKED_FOR
from adsum.compliance.models import PartnerCheck
from adsum.compliance.sections import Column, Reads, Section, instant, of_class, ref, row, text, word
from adsum.core.university import civil_date
from adsum.timetable.models import ClassSession, Enrolment
from adsum.timetable.partner_table import DeliveryPartner
from adsum.timetable.reports import how_many_expected
from adsum.timetable.rules import ClassStatus

LATELY = timedelta(days=7)


@dataclass(slots=True)
class Standing:
    """How a partner stands: its classes of today, and of the seven days before now."""

    partner: DeliveryPartner
    students: int = 0
    today: list[ClassSession] = field(default_factory=list)
    here: int = 0
    """Marked as there in the classes of today that have begun,"""
    expected: int = 0
    """of so many."""
    over: int = 0
    """Classes of the last seven days that are over,"""
    silent: int = 0
    """and those of them in whose register nobody was looked for."""
    attended: int = 0
    looked_for: int = 0
    checks: int = 0
    differing: int = 0

    @property
    def percent(self) -> int | None:
        return 100 * self.attended // self.looked_for if self.looked_for else None


def standings(at: datetime, partners: Collection[DeliveryPartner] | None = None) -> list[Standing]:
    """Every partner, or these, by name (seven queries, however many)."""
    listed = list(DeliveryPartner.objects.order_by("name", "pk")) if partners is None else list(partners)
    found = {one.code: Standing(one) for one in listed}
    today = civil_date(at)
    enrolled = Enrolment.objects.on(today).filter(delivery_partner__in=listed, status=Enrolment.Status.ENROLLED)
    for code, students in enrolled.values_list("delivery_partner").annotate(n=Count("person", distinct=True)):
        found[code].students = students
    near = ClassSession.objects.filter(delivery_partner__in=listed, status=ClassStatus.SCHEDULED)
    near = near.filter(Q(starts_on=today) | Q(starts_at__gt=at - LATELY, ends_at__lte=at))
    sessions = list(near.select_related("module").prefetch_related("rooms").order_by("starts_at", "pk"))
    begun = [one.pk for one in sessions if one.starts_at <= at]
    here, expected = here_in(begun), how_many_expected(begun)
    looked = dict(Mark.objects.filter(session__in=begun, status__in=LOOKED_FOR).values_list("session").annotate(n=Count("pk")))
    for one in sessions:
        standing = found[one.delivery_partner_id or ""]
        if one.starts_on == today:
            standing.today.append(one)
            if one.starts_at <= at:
                standing.here += here.get(one.pk, 0)
                standing.expected += expected.get(one.pk, 0)
        if one.ends_at <= at:
            standing.over += 1
            standing.silent += one.pk not in looked
            standing.attended += here.get(one.pk, 0)
            standing.looked_for += looked.get(one.pk, 0)
    checks = PartnerCheck.objects.filter(partner__in=listed).exclude(finding="")
    for code, count, agree in checks.values_list("partner__code").annotate(
        n=Count("pk"), ok=Count("pk", filter=Q(finding="agrees"))
    ):
        found[code].checks, found[code].differing = count, count - agree
    return list(found.values())


def information_source(at: datetime) -> tuple[Section, ...]:
    """Everything about partners in one place: who they are and whom they teach, what was monitored and found."""
    return _partners(at), _students(at), _weeks(at), _classes(at), _checks()


def _partners(at: datetime) -> Section:
    rows = [
        row(one.partner.code, one.partner.name, one.partner.ended_on, one.students, one.checks, one.differing)
        for one in standings(at)
    ]
    return Section(
        "partners",
        _("Partners"),
        _("Providers that teach students of the university under a subcontract."),
        [
            text("partner", _("Code")),
            text("name", _("Name")),
            Column("ended", _("Subcontract ended"), Reads.DAY),
            Column("students", _("Students"), Reads.NUMBER),
            Column("checks", _("Spot checks with a finding"), Reads.NUMBER),
            Column("differing", _("Of these differing"), Reads.NUMBER),
        ],
        rows,
    )


def _students(at: datetime) -> Section:
    known = Enrolment.objects.filter(delivery_partner__isnull=False, starts_on__lte=civil_date(at))
    return Section(
        "students",
        _("Students"),
        _("Each enrolment that a partner teaches, by the student’s number."),
        [
            text("partner", _("Partner")),
            text("student", _("Student")),
            text("course", _("Course")),
            word("status", _("Status")),
            Column("starts", _("First day"), Reads.DAY),
            Column("ends", _("Last day"), Reads.DAY),
        ],
        [
            row(one.delivery_partner_id, one.person.number, one.course.code, one.status, one.starts_on, one.ends_on)
            for one in known.select_related("person", "course").order_by("delivery_partner", "person__number", "pk")
        ],
    )


def _weeks(at: datetime) -> Section:
    """Attendance by partner and week: totals only."""
    marks = Mark.objects.filter(session__delivery_partner__isnull=False, session__starts_at__lte=at, status__in=LOOKED_FOR)
    weeks = defaultdict[tuple[str, str], list[int]](lambda: [0, 0])
    days = marks.values_list("session__delivery_partner", "session__starts_on").annotate(
        n=Count("pk"), here=Count("pk", filter=Q(status__in=ATTENDED))
    )
    for partner, on, number, here in days:
        week = weeks[partner or "", str(on - timedelta(days=on.weekday()))]
        week[0] += here
        week[1] += number
    return Section(
        "attendance",
        _("Attendance by week"),
        _("Students marked as there, of all in whose class a register was taken."),
        [
            text("partner", _("Partner")),
            Column("week", _("Week from"), Reads.DAY),
            Column("attended", _("Attended"), Reads.NUMBER),
            Column("looked_for", _("Looked for"), Reads.NUMBER),
        ],
        [row(*key, *numbers) for key, numbers in sorted(weeks.items())],
    )


def _classes(at: datetime) -> Section:
    known = ClassSession.objects.filter(delivery_partner__isnull=False, starts_at__lte=at).select_related("module")
    states = dict(Register.objects.filter(session__in=known.values("pk")).values_list("session", "state"))
    rows = [
        row(
            one.delivery_partner_id,
            one.ref,
            one.starts_at,
            one.module.code,
            one.title,
            one.delivery,
            one.status,
            states.get(one.pk, Register.State.OPEN),
        )
        for one in known.order_by("delivery_partner", "starts_at", "pk")
    ]
    return Section(
        "classes",
        _("Classes"),
        _("Each class that a partner taught, and how its register stands."),
        [
            text("partner", _("Partner")),
            ref("class", _("Class")),
            instant("starts", _("Starts")),
            text("module", _("Module")),
            text("title", _("Title")),
            word("taught", _("Taught"), labels.DELIVERIES),
            word("status", _("Status")),
            word("register", _("Register")),
        ],
        rows,
    )


def _checks() -> Section:
    known = PartnerCheck.objects.select_related("partner", "session", "entered_by").order_by("pk")
    rows = [
        row(
            one.partner.code,
            one.first_day,
            one.last_day,
            one.planned_at,
            one.commitment,
            one.drawn_at,
            one.size,
            one.root,
            one.candidates,
            one.session.ref if one.session and one.finding else "",
            one.counted_at,
            one.headcount,
            one.marked,
            one.finding,
            one.secret if one.finding else "",
        )
        for one in known
    ]
    return Section(
        "spot_checks",
        _("Spot checks"),
        _("A class drawn at random by a secret that was committed to and a log that was signed afterwards; and who was there."),
        [
            text("partner", _("Partner")),
            Column("first_day", _("First day"), Reads.DAY),
            Column("last_day", _("Last day"), Reads.DAY),
            instant("planned", _("Planned")),
            ref("commitment", _("Commitment")),
            instant("drawn", _("Drawn")),
            Column("log_size", _("Log, events"), Reads.NUMBER),
            ref("log_root", _("Log, root")),
            Column("candidates", _("From classes"), Reads.NUMBER),
            of_class(_("Class")),
            instant("counted", _("Counted")),
            Column("headcount", _("Headcount"), Reads.NUMBER),
            Column("marked", _("Marked as there"), Reads.NUMBER),
            word("finding", _("Finding")),
            ref("secret", _("Secret")),
        ],
        rows,
    )

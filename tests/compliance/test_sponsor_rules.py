"""What follows from what is known of a sponsored student: tables of cases. The source stands in each name."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from adsum.attendance.counting import Tally
from adsum.attendance.rules import Status
from adsum.compliance.clock import no_engagement
from adsum.compliance.guidance import MEANINGS, Number
from adsum.compliance.labels import AUTHORITIES, NUMBERS, UNITS
from adsum.compliance.lateness import Step, late_change
from adsum.compliance.signs import Found, Kept, how_ended, of_contacts, of_months, of_permission, of_row
from adsum.compliance.sponsor_rules import (
    Arrival,
    ArrivalStage,
    Held,
    Level,
    Permission,
    Sponsorship,
    Wrong,
    days_of_year,
    permission_on,
    stage_of,
    why_not_approve,
)
from adsum.compliance.sponsor_terms import Beyond, Monthly, Terms
from adsum.compliance.taught import Lesson, Light, Share, daytime_minutes, share_of, weeks_below
from adsum.compliance.watching import Ended, Sign
from adsum.compliance.weights import DEFAULTS, Assurance, Way, Weight, counted, way_of

TODAY = date(2026, 11, 23)
CAS = Sponsorship(
    cas_number="E4G1AB2C3D4E5F",
    level=Level.TAUGHT,
    since=date(2026, 9, 14),
    course_starts_on=date(2026, 9, 21),
    course_ends_on=date(2027, 9, 17),
    enrol_by=date(2026, 10, 9),
    permission_start=date(2026, 8, 20),
    permission_end=date(2028, 1, 19),
)


def after(days: int) -> date:
    return TODAY + timedelta(days=days)


def test_every_number_has_its_authority_its_unit_and_its_name():
    assert set(MEANINGS) == set(Number) == set(NUMBERS)
    assert {one.authority for one in MEANINGS.values()} <= set(AUTHORITIES)
    assert {one.unit for one in MEANINGS.values()} <= set(UNITS)


# Profiles and permissions


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, None),
        ({"cas_number": " "}, Wrong.NO_CAS),
        ({"permission_end": date(2026, 8, 19)}, Wrong.PERMISSION_BACKWARDS),
        ({"course_ends_on": date(2026, 9, 20), "enrol_by": None}, Wrong.COURSE_BACKWARDS),
        ({"until": date(2026, 9, 13)}, Wrong.SPONSORED_BACKWARDS),
        ({"enrol_by": date(2027, 9, 18)}, Wrong.ENROLS_TOO_LATE),
        ({"permission_end": None, "course_ends_on": None, "until": None}, None),
    ],
)
def test_b_rule_1_what_cannot_be_so_of_a_profile(changed: dict[str, date], wrong: Wrong | None):
    assert replace(CAS, **changed).wrong() == wrong  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ends", "applied", "state", "within", "found"),
    [
        (None, None, Permission.UNKNOWN, None, []),
        (None, TODAY, Permission.PENDING, None, []),
        (after(91), None, Permission.HOLDS, None, []),
        (after(90), None, Permission.ENDS_SOON, 90, [(90, TODAY)]),
        (after(61), None, Permission.ENDS_SOON, 90, [(90, after(-29))]),
        (after(60), None, Permission.ENDS_SOON, 60, [(60, TODAY)]),
        (after(30), None, Permission.ENDS_SOON, 30, [(30, TODAY)]),
        (after(0), None, Permission.ENDS_SOON, 30, [(30, after(-30))]),
        (after(-1), None, Permission.ENDED, None, [(0, TODAY)]),
        (after(-1), after(-5), Permission.PENDING, None, []),
        (after(-1), after(1), Permission.ENDED, None, [(0, TODAY)]),  # an application to come changes nothing yet
    ],
)
def test_b_rule_1_permissions_that_end_in_90_60_and_30_days(
    ends: date | None, applied: date | None, state: Permission, within: int | None, found: list[tuple[int, date]]
):
    one = replace(CAS, permission_end=ends, applied_on=applied)
    standing = permission_on(one, TODAY)
    assert (standing.state, standing.within) == (state, within)
    assert [(sign.step, sign.reached_on) for sign in of_permission(one, TODAY)] == found


def test_b5_a_permission_that_ends_before_the_course_says_so():
    assert permission_on(replace(CAS, permission_end=date(2027, 9, 16)), TODAY).before_course_ends
    assert not permission_on(replace(CAS, permission_end=date(2027, 9, 17)), TODAY).before_course_ends


@pytest.mark.parametrize(
    ("steps", "attended", "on", "stage"),
    [
        ([], None, date(2026, 10, 9), ArrivalStage.EXPECTED),
        ([Arrival.ARRIVED], None, date(2026, 10, 9), ArrivalStage.ARRIVED),
        ([Arrival.ARRIVED, Arrival.VISA_CHECKED], None, date(2026, 10, 9), ArrivalStage.VISA_CHECKED),
        ([Arrival.ENROLLED], None, date(2026, 12, 1), ArrivalStage.ENROLLED),
        ([Arrival.ENROLLED], TODAY, date(2026, 12, 1), ArrivalStage.ATTENDING),
        ([Arrival.VISA_CHECKED], None, date(2026, 10, 10), ArrivalStage.MISSING),
        ([], TODAY, date(2026, 10, 10), ArrivalStage.MISSING),  # attends, and has not enrolled all the same
    ],
)
def test_b6_who_has_not_enrolled_by_the_latest_day_is_missing(
    steps: list[Arrival], attended: date | None, on: date, stage: ArrivalStage
):
    assert stage_of(CAS, dict.fromkeys(steps, date(2026, 9, 28)), attended, on) == stage


# Absences


@pytest.mark.parametrize(
    ("days", "before", "changed", "explained", "held"),
    [
        (5, [], {}, False, None),
        (42, [], {}, False, None),
        (43, [], {}, False, Held.CAP),
        (43, [], {}, True, None),
        (7, [(after(-100), after(-65))], {}, False, Held.CAP),  # 36 before
        (6, [(after(-100), after(-65))], {}, False, None),
        (7, [(after(-400), after(-365))], {}, False, None),  # more than twelve months ago
        (7, [(after(60), after(95))], {}, False, Held.CAP),  # 36 after it, approved before it
        (7, [(after(370), after(405))], {}, False, None),  # more than twelve months later
        (61, [], {}, True, Held.CEILING),  # no words make that good
        (14, [], {"permission_end": date(2027, 9, 16)}, True, Held.PERMISSION),
        (13, [], {"permission_end": date(2027, 9, 16)}, False, None),
        (14, [], {"permission_end": date(2027, 9, 16), "applied_on": TODAY}, False, None),
        (5, [], {"permission_end": after(3)}, False, Held.PERMISSION),
        (0, [], {}, False, Held.BACKWARDS),
    ],
)
def test_b_rule_7_an_absence_within_the_total_of_twelve_months_and_the_permission(
    days: int, before: list[tuple[date, date]], changed: dict[str, date], explained: bool, held: Held | None
):
    one = replace(CAS, **changed)  # type: ignore[arg-type]
    got = why_not_approve(TODAY, after(days - 1), before, one, cap=42, ceiling=60, explained=explained)
    assert got == held


def test_warwick_42_days_in_any_twelve_months_count_each_day_once():
    spells = [(date(2027, 2, 20), date(2027, 3, 5)), (date(2027, 3, 1), date(2027, 3, 2))]
    assert days_of_year(spells, date(2028, 2, 29)) == 5, "the twelve months from 1 March"
    assert days_of_year(spells, date(2027, 3, 5)) == 14


# What counts


@pytest.mark.parametrize(
    ("source", "status", "delivery", "way"),
    [
        ("scan", Status.PRESENT, "in_person", Way.SCAN),
        ("staff", Status.LATE, "in_person", Way.STAFF),
        ("import", Status.PRESENT, "in_person", Way.FILE),
        ("scan", Status.PRESENT, "remote", Way.ONLINE),
        ("scan", Status.PRESENT, "hybrid_optional", Way.SCAN),
        ("staff", Status.REMOTE, "hybrid_optional", Way.ONLINE),
        ("staff", Status.REMOTE, "in_person", Way.REMOTE),
    ],
)
def test_b_rule_3_and_8_how_a_class_was_attended(source: str, status: str, delivery: str, way: Way):
    assert way_of(source, status, delivery) == way


def test_b20_what_counts_unless_the_university_says_otherwise():
    assert {way for way in Way if way not in counted(DEFAULTS)} == {Way.REMOTE, Way.CONVERSATION, Way.VLE, Way.SELF_REPORTED}
    yes = Weight(True, Assurance.HIGH)
    assert Way.VLE in counted({**DEFAULTS, Way.VLE: yes})
    assert Way.SELF_REPORTED not in counted({**DEFAULTS, Way.SELF_REPORTED: yes}), "no university can make it count"
    assert Terms(weights={**DEFAULTS, Way.SELF_REPORTED: yes}).wrong(60) == Beyond.NEVER


ENDS = datetime.fromisoformat("2026-11-23T10:00:00+00:00")
LATER, IN_CLASS = ENDS + timedelta(hours=1), ENDS - timedelta(minutes=5)
A, P, L, N, AA = "absent_unauthorised", "present", "late", "not_captured", "absent_authorised"


@pytest.mark.parametrize(
    ("steps", "late"),
    [
        ([("", P, "scan", IN_CLASS)], None),
        ([("", A, "system", LATER), (A, P, "staff", LATER)], 2),
        ([("", A, "system", LATER), (A, P, "import", LATER)], 2),
        ([("", A, "staff", IN_CLASS), (A, P, "staff", IN_CLASS)], None),  # put right in the class
        ([("", A, "system", LATER), (A, P, "scan", LATER)], None),  # their own scan, made in time
        ([("", N, "system", LATER), (N, P, "staff", LATER)], None),  # a register that is completed
        ([("", P, "staff", LATER)], None),
        ([("", AA, "absence", IN_CLASS), (AA, P, "staff", LATER)], 2),
        ([("", A, "system", LATER), (A, P, "staff", LATER), (P, L, "staff", LATER)], 2),  # a second step washes nothing clean
        ([("", A, "system", LATER), (A, P, "staff", LATER), (P, A, "staff", LATER)], None),  # an absence again
        ([("", P, "scan", IN_CLASS), (P, A, "staff", LATER), (A, P, "staff", LATER)], 3),
    ],
)
def test_b_rule_3_what_became_attendance_after_the_class_is_late(steps: list[tuple[str, str, str, datetime]], late: int | None):
    found = late_change([Step(n, *one) for n, one in enumerate(steps, 1)], ENDS)
    assert (found.pk if found else None) == late


# The university's own terms


@pytest.mark.parametrize(
    ("terms", "beyond"),
    [
        (Terms(), None),
        (Terms(limit=60), None),
        (Terms(limit=61), Beyond.CEILING),
        (Terms(ladder=(7, 61)), Beyond.LADDER),
        (Terms(research_ladder=(0, 7)), Beyond.LADDER),
        (Terms(row_warn=5, row_escalate=10), None),
        (Terms(row_warn=5), Beyond.ROW),
        (Terms(row_warn=10, row_escalate=5), Beyond.ROW),
        (Terms(approval_days=15), Beyond.APPROVAL),
        (Terms(absence_cap=61), Beyond.CAP),
        (Terms(monthly=Monthly(85, 80, 3, "§ 5.4")), None),
        (Terms(monthly=Monthly(85, 80, 3, " ")), Beyond.MONTH),
        (Terms(monthly=Monthly(80, 85, 3, "§ 5.4")), Beyond.MONTH),
        (Terms(research_contacts=0), Beyond.RESEARCH),
    ],
)
def test_b2_nothing_the_university_decides_goes_beyond_guidance(terms: Terms, beyond: Beyond | None):
    assert terms.wrong(60) == beyond


def test_b2_a_lower_ceiling_takes_the_place_of_a_limit_that_is_beyond_it():
    terms = Terms(limit=60)
    assert (terms.limit_under(60), terms.limit_under(50), Terms(limit=45).limit_under(50), Terms().limit_under(50)) == (
        60,
        50,
        45,
        50,
    )
    assert (terms.wrong(50), terms.steps_of(Level.RESEARCH, 50)) == (Beyond.CEILING, (7, 14, 28, 42, 50))


# Signs


@pytest.mark.parametrize(("missed", "step"), [(4, None), (5, 5), (9, 5), (10, 10), (12, 10)])
def test_b_rule_4_five_and_ten_missed_in_a_row_where_a_university_counts_them(missed: int, step: int | None):
    days = [after(n) for n in range(missed)]
    found = list(of_row(days, after(-1), Terms(row_warn=5, row_escalate=10)))
    assert [(one.step, one.reached_on) for one in found] == ([(step, days[step - 1])] if step else [])
    assert list(of_row(days, after(-1), Terms())) == [], "off until it is switched on"


@pytest.mark.parametrize(
    ("days", "today", "missing"),
    [([], 28, None), ([], 29, 2), ([3], 29, 1), ([3, 3], 29, 1), ([3, 20], 29, None), ([3, 20], 58, None), ([3, 20], 59, 2)],
)
def test_b_research_students_have_so_many_contacts_in_a_period(days: list[int], today: int, missing: int | None):
    terms, began = Terms(research_contacts=2, research_days=30), TODAY
    contacts = sorted({after(day) for day in days})
    found = list(of_contacts(contacts, Level.RESEARCH, terms, began, after(today)))
    assert [one.step for one in found] == ([missing] if missing else [])
    assert list(of_contacts(contacts, Level.TAUGHT, terms, began, after(today))) == []


MONTHS = [date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1)]


@pytest.mark.parametrize(
    ("attended", "step"),
    [((20, 20, 20), None), ((20, 20, 16), 85), ((15, 15, 15), 80), ((16, 15, 15), 85), ((15, 15, 17), None)],
)
def test_b_rule_10_the_monthly_rule_is_there_and_off_until_it_is_cited(attended: tuple[int, ...], step: int | None):
    months = [(month, Tally(n, 20, classes=20, min_events=4)) for month, n in zip(MONTHS, attended, strict=True)]
    rule = Monthly(85, 80, 3, "§ 5.4")
    assert [one.step for one in of_months(months, Level.BELOW_DEGREE, rule)] == ([step] if step else [])
    assert list(of_months(months, Level.BELOW_DEGREE, None)) == []
    assert list(of_months(months, Level.DEGREE, rule)) == []


BEGAN = TODAY - timedelta(days=60)
KEPT = Kept(Sign.POLICY, 21, BEGAN, BEGAN + timedelta(days=21))


@pytest.mark.parametrize(
    ("contacts", "ended"),
    [
        ([0], None),
        ([0, 21], Ended.ENGAGED),
        ([0, 30], Ended.ENGAGED),
        ([0, 20], Ended.CORRECTED),  # it came to be known later that the student was there before
        ([], Ended.CORRECTED),  # the contact that it began with was none
    ],
)
def test_b_rule_2_a_sign_that_is_over_says_why(contacts: list[int], ended: Ended | None):
    days = [BEGAN + timedelta(days=n) for n in contacts]
    clock = no_engagement(days, [], 60, TODAY, begins=BEGAN)
    assert how_ended(KEPT, [], clock) == ended


def test_a_sign_of_something_else_is_over_when_it_is_not_found_again():
    kept = Kept(Sign.PERMISSION, 90, after(90), TODAY)
    assert how_ended(kept, [Found(Sign.PERMISSION, 60, after(90), after(30))], None) is None
    assert how_ended(kept, [Found(Sign.PERMISSION, 60, after(91), after(30))], None) == Ended.OVER
    assert how_ended(KEPT, [], None) == Ended.OVER


# How it is taught


@pytest.mark.parametrize(
    ("remote", "allowed", "light"),
    [(179, 20, Light.GREEN), (180, 20, Light.AMBER), (200, 20, Light.AMBER), (201, 20, Light.RED), (201, 40, Light.GREEN)],
)
def test_b12_one_fifth_of_what_is_taught_or_two_with_permission(remote: int, allowed: int, light: Light):
    assert Share(1000, remote).light(Decimal(allowed)) == light
    assert Share().light(Decimal(allowed)) == Light.GREEN


def test_b12_what_may_be_joined_remotely_counts_as_remote():
    found = share_of([(60, "in_person"), (60, "hybrid_optional"), (120, "remote")])
    assert (found, found.percent) == (Share(240, 180), 75.0)


LONDON = ZoneInfo("Europe/London")


@pytest.mark.parametrize(
    ("starts", "hours", "minutes"),
    [
        ("2026-11-23T09:00", 2, 120),
        ("2026-11-23T07:00", 2, 60),
        ("2026-11-23T17:00", 2, 60),
        ("2026-11-23T18:00", 2, 0),
        ("2026-11-28T10:00", 2, 0),  # a Saturday
        ("2026-07-06T17:30", 1, 30),  # by the clock on the wall, in summer too
    ],
)
def test_b13_daytime_is_from_eight_to_six_from_monday_to_friday(starts: str, hours: int, minutes: int):
    begin = datetime.fromisoformat(starts).replace(tzinfo=LONDON)
    assert daytime_minutes(begin, begin + timedelta(hours=hours), LONDON) == minutes


def test_b13_weeks_with_fewer_than_fifteen_hours():
    monday = TODAY
    full = [Lesson(n, monday + timedelta(days=n % 5), 180) for n in range(5)]
    short = [Lesson(10, monday + timedelta(days=7), 899), Lesson(10, monday + timedelta(days=7), 899)]
    weeks = [monday, monday + timedelta(days=7), monday + timedelta(days=14)]
    assert weeks_below([*full, *short], weeks, Decimal(15)) == [(weeks[1], 899), (weeks[2], 0)]

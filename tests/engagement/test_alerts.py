"""Alerts through their real verbs: found at night, held, looked at, told, put right, closed."""

from datetime import timedelta

import pytest

from adsum.accounts.rules import Role, StopReason
from adsum.attendance.models import Query, ReportedPeriod
from adsum.attendance.outages import declare_outage
from adsum.attendance.queries import raise_query
from adsum.attendance.reported import report_period
from adsum.attendance.rules import Reason, Status
from adsum.checkin.rules import Refusal
from adsum.checkin.services import open_checkin
from adsum.checkin.writer import record_scans
from adsum.core.errors import AdsumError
from adsum.engagement import alerts, evaluation
from adsum.engagement.alert_life import Back, State
from adsum.engagement.case_rules import Reply, Way
from adsum.engagement.contacts import log_contact
from adsum.engagement.keeping_back import backs_of
from adsum.engagement.models import Alert, AlertClass, Case, Told
from adsum.engagement.not_checked import Sign, not_checked
from adsum.engagement.reminders import promise_of
from adsum.engagement.stopping import stop_contact
from adsum.timetable.models import Enrolment
from tests.kit.alerted import DAY, NIGHT, Missing, minute, night
from tests.kit.marking import answer_query, confirm, mark_students, propose
from tests.kit.scans import attempt
from tests.kit.world import NINE, cancel_class

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def missing(db: None) -> Missing:
    return Missing()


def test_a_friendly_word_is_found_at_night_waits_a_day_and_is_told_in_working_hours_with_all_it_rests_on(missing: Missing):
    missing.week("PAA+")
    assert night(NINE + 2 * DAY + NIGHT) == 1  # Wednesday night
    assert night(NINE + 2 * DAY + NIGHT + HOUR) == 0
    alert = missing.alert()
    assert (alert.stage, alert.state, alert.rule, alert.version) == (0, State.HELD, "0a", missing.version.number)
    assert [(row.session, row.missed) for row in alert.classes.order_by("session")] == [
        (missing.classes[1], True),
        (missing.classes[2], True),
    ]
    minute(NINE + 3 * DAY + HOUR)  # Thursday: its window is not over
    assert missing.told() == []
    minute(NINE + 4 * DAY - HOUR)  # Friday, eight o'clock
    assert missing.told() == []
    minute(NINE + 4 * DAY)
    minute(NINE + 4 * DAY + timedelta(minutes=1))
    assert missing.told() == ["reminder_word"]
    assert missing.told(missing.tutor) == ["reminder_copy"]
    assert missing.states() == [(0, State.TOLD)]


def told_a_word(missing: Missing, line: str = "PAA++") -> Alert:
    """Alice has had a friendly word on the Friday."""
    missing.week(line)
    night(NINE + 2 * DAY + NIGHT)
    minute(NINE + 4 * DAY)
    return missing.alert()


# Put right


def test_an_alert_withdraws_itself_within_a_minute_of_an_amendment_and_everyone_who_was_told_hears_it(missing: Missing):
    """Pitfall 23: students are warned although they were there."""
    alert = told_a_word(missing)
    at = NINE + 4 * DAY + 2 * HOUR
    missing.mark(missing.classes[2], Status.PRESENT, at=at)
    minute(at + timedelta(minutes=1))
    alert.refresh_from_db()
    assert alert.state == State.WITHDRAWN
    assert missing.told() == ["reminder_word", "reminder_wrong"]
    assert missing.told(missing.tutor) == ["reminder_copy", "reminder_wrong"]
    assert not Told.objects.filter(corrected_at=None).exists()
    minute(at + timedelta(minutes=2))
    assert len(missing.told()) == 2
    # the mark is taken back again: the same classes start nothing twice, one more does
    missing.mark(missing.classes[2], Status.ABSENT, at=at + HOUR)
    assert night(at + NIGHT) == 0
    missing.mark(missing.classes[3], Status.ABSENT, at=at + HOUR)
    assert night(at + NIGHT + HOUR) == 1


def test_one_that_is_held_is_withdrawn_without_a_word(missing: Missing):
    missing.week("PAA")
    night(NINE + 2 * DAY + NIGHT)
    missing.mark(missing.classes[1], Status.PRESENT, at=NINE + 3 * DAY)
    minute(NINE + 3 * DAY + timedelta(minutes=1))
    minute(NINE + 4 * DAY)
    assert missing.states() == [(0, State.WITHDRAWN)]
    assert missing.told() == []


def test_one_that_the_student_overtakes_by_coming_is_not_told(missing: Missing):
    missing.week("PAAP")
    night(NINE + 2 * DAY + NIGHT)
    minute(NINE + 4 * DAY)
    assert missing.states() == [(0, State.RECOVERED)]
    assert missing.told() == []


@pytest.mark.parametrize("grave", ["outcome", "report"])
def test_after_an_outcome_or_a_report_an_amendment_opens_an_urgent_review_instead(missing: Missing, grave: str):
    alert = told_a_word(missing)
    at = NINE + 4 * DAY + HOUR
    if grave == "outcome":
        Alert.objects.filter(pk=alert.pk).update(stage=3, released_by=missing.team)
        alerts.close(alert, "The panel met.", act=missing.act(at), outcome="warned")
    else:
        officer = missing.person(Role.COMPLIANCE_UKVI)
        monday = NINE.date()
        report_period(
            ReportedPeriod.Body.UKVI, starts_on=monday, ends_on=monday + 4 * DAY, student=missing.alice, by=officer, at=at
        )
    missing.mark(missing.classes[2], Status.PRESENT, at=at + HOUR, by=missing.team)
    minute(at + HOUR + timedelta(minutes=1))
    alert.refresh_from_db()
    assert alert.state == State.REVIEW
    assert missing.told() == ["reminder_word"]
    assert missing.told(missing.team) == ["alert_review"]
    alerts.take_back(alert, "She was there.", act=missing.act(at + 2 * HOUR))
    minute(at + 2 * HOUR)
    assert missing.told() == ["reminder_word", "reminder_wrong"]


def test_an_older_one_comes_up_for_review_although_another_of_its_stage_is_open(missing: Missing):
    alert = told_a_word(missing)
    at = NINE + 4 * DAY + HOUR
    Alert.objects.filter(pk=alert.pk).update(stage=3, released_by=missing.team)
    alerts.close(alert, "The panel met.", act=missing.act(at), outcome="warned")
    again = {"student": missing.alice, "stage": 3, "rule": "0a", "version": missing.version.number, "facts": {}}
    later = Alert.objects.create(**again, state=State.TOLD, found_at=at, held_until=at, told_at=at, released_by=missing.team)
    AlertClass.objects.create(alert=later, session=missing.classes[2], status=Status.ABSENT, missed=True)
    missing.mark(missing.classes[2], Status.PRESENT, at=at + HOUR, by=missing.team)
    minute(at + HOUR + timedelta(minutes=1))
    assert missing.states() == [(3, State.REVIEW), (3, State.WITHDRAWN)]


# In doubt


def test_a_class_under_query_is_left_out_and_the_rule_computed_again(missing: Missing):
    missing.week("PPPPP", monday=NINE - 7 * DAY)
    sessions = missing.week("PAAA+")
    night(NINE + 3 * DAY + NIGHT)
    at = NINE + 4 * DAY
    for session in sessions[2:4]:
        raise_query(session, missing.alice, at=at)
    minute(NINE + 7 * DAY)  # Monday: 6 of 9 were less than 80 %, and 6 of 7 are not
    assert missing.states() == [(0, State.HELD)]
    assert backs_of([missing.alert()], NINE + 7 * DAY)[missing.alert().pk] == Back.DOUBT
    query = Query.objects.get(session=sessions[2])
    answer_query(query, by=missing.ada, at=NINE + 7 * DAY + HOUR, reason="I looked: not there.")
    minute(NINE + 7 * DAY + 2 * HOUR)  # 6 of 8 are, so the other query holds nothing
    assert missing.told() == ["reminder_word"]


def test_a_query_upheld_withdraws_it(missing: Missing):
    told_a_word(missing)
    at = NINE + 4 * DAY + HOUR
    query = raise_query(missing.classes[2], missing.alice, at=at)
    minute(at + timedelta(minutes=1))
    assert missing.states() == [(0, State.TOLD)]
    answer_query(query, by=missing.ada, at=at + HOUR, reason="She was there.", status=Status.PRESENT)
    minute(at + HOUR + timedelta(minutes=1))
    assert missing.told() == ["reminder_word", "reminder_wrong"]


def test_an_outage_that_is_declared_later_takes_it_back(missing: Missing):
    told_a_word(missing)
    at = NINE + 4 * DAY + HOUR
    starts = missing.classes[2].starts_at
    declare_outage(by=missing.team, at=at, starts_at=starts - HOUR, ends_at=starts + HOUR, reason="The network was down")
    night(at + NIGHT)
    minute(at + NIGHT)
    assert missing.states() == [(0, State.WITHDRAWN)]


def test_a_register_that_is_completed_late_starts_no_stage(missing: Missing):
    lead = missing.person(Role.ATTENDANCE_TEAM)
    for session in missing.week("P++")[1:]:
        at = session.ends_at + 15 * DAY
        asked = propose(session, [missing.alice], Status.ABSENT, by=missing.team, at=at, reason_code=Reason.PAPER)
        confirm(asked, by=lead, at=at)
    assert night(NINE + 20 * DAY) == 0


# Held back


def test_a_welfare_hold_and_a_suspension_hold_it(missing: Missing):
    missing.week("PAA")
    night(NINE + 2 * DAY + NIGHT)
    at = NINE + 4 * DAY
    alerts.hold_for_welfare(missing.alice, review_on=(at + 14 * DAY).date(), act=missing.act(at))
    minute(at)
    assert missing.told() == []
    with pytest.raises(AdsumError, match="welfare hold"):
        alerts.release(missing.alert(), act=missing.act(at))
    alerts.end_welfare_hold(missing.alice, act=missing.act(at))
    Enrolment.objects.filter(person=missing.alice).update(status=Enrolment.Status.SUSPENDED)
    minute(at + timedelta(minutes=1))
    assert backs_of([missing.alert()], at)[missing.alert().pk] == Back.SUSPENDED
    Enrolment.objects.filter(person=missing.alice).update(status=Enrolment.Status.ENROLLED)
    minute(at + timedelta(minutes=2))
    assert missing.told() == ["reminder_word"]


def test_those_that_are_kept_back_hold_up_no_others(missing: Missing, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(evaluation, "MOST_AT_ONCE", 1)
    for session in missing.week("PAA")[1:]:
        mark_students(session, [missing.other], Status.ABSENT, by=missing.ada, at=session.ends_at)
    assert night(NINE + 2 * DAY + NIGHT) == 2
    at = NINE + 4 * DAY
    alerts.hold_for_welfare(missing.alice, review_on=(at + DAY).date(), act=missing.act(at))
    minute(at)
    assert (missing.told(), missing.told(missing.other)) == ([], ["reminder_word"])


def test_a_person_holds_one_back_and_lets_it_go(missing: Missing):
    missing.week("PAA")
    night(NINE + 2 * DAY + NIGHT)
    at = NINE + 4 * DAY
    alerts.hold(missing.alert(), "I know her, and ask first.", act=missing.act(at - HOUR))
    minute(at)
    assert missing.told() == []
    alerts.release(missing.alert(), act=missing.act(at))
    minute(at)
    assert missing.told() == ["reminder_word"]


def test_nothing_leaves_once_nobody_writes_to_a_student_any_more(missing: Missing):
    told_a_word(missing)
    stop_contact(missing.alice, StopReason.WITHDRAWN, act=missing.act(NINE + 4 * DAY + HOUR))
    assert missing.states() == [(0, State.CLOSED)]
    missing.week("AAAAA", monday=NINE + 7 * DAY)
    night(NINE + 11 * DAY + NIGHT)
    minute(NINE + 15 * DAY)
    assert backs_of([missing.alert()], NINE + 15 * DAY)[missing.alert().pk] == Back.NO_CONTACT
    assert missing.told() == ["reminder_word"]


# From stage to stage


def test_no_stage_without_the_one_before_having_been_told_read_and_waited_out(missing: Missing):
    told_a_word(missing, "AAA++")
    for session in missing.classes[3:]:
        missing.mark(session, Status.ABSENT, at=session.ends_at)
    missing.week("AAAAA", monday=NINE + 7 * DAY)
    assert night(NINE + 8 * DAY) == 0  # four days since the word
    assert night(NINE + 11 * DAY + NIGHT) == 1
    assert (missing.alert(1).stage, missing.alert(1).rule) == (1, "2a")  # less than 60 %, and the reminder comes first
    minute(NINE + 15 * DAY)
    assert missing.told() == ["reminder_word", "reminder"]
    night(NINE + 22 * DAY + NIGHT)
    assert missing.states() == [(0, State.TOLD), (1, State.TOLD)]  # unread is not refused: nothing goes on
    missing.read(at=NINE + 23 * DAY)
    night(NINE + 29 * DAY)
    assert len(missing.states()) == 2  # read, and not waited out
    night(NINE + 30 * DAY + NIGHT)
    assert missing.states()[2:] == [(2, State.HELD)]


def test_a_student_who_answers_pauses_it(missing: Missing):
    told_a_word(missing, "AAA++")
    log_contact(missing.alice, Way.EMAIL, Reply.THEY_ANSWERED, act=missing.act(NINE + 5 * DAY))
    minute(NINE + 5 * DAY + timedelta(minutes=1))
    assert missing.states() == [(0, State.PAUSED)]
    missing.week("AAAAA", monday=NINE + 7 * DAY)
    assert night(NINE + 13 * DAY) == 0
    assert alerts.resume_all(missing.alice, act=missing.act(NINE + 13 * DAY)) == 1
    minute(NINE + 13 * DAY)
    assert night(NINE + 13 * DAY + HOUR) == 1


def test_a_record_closes_by_coming_back_and_says_thank_you_once(missing: Missing):
    told_a_word(missing, "AAA+.")
    alert = missing.alert()
    coming = missing.week("+++++", monday=NINE + 7 * DAY)
    promised = promise_of(alert, NINE + 6 * DAY)
    assert promised is not None
    assert (promised.attend, promised.classes, promised.by) == (3, coming[:4], coming[3].starts_on)
    for session in coming[:3]:
        assert missing.told() == ["reminder_word"]
        missing.mark(session, Status.PRESENT, at=session.ends_at)
        minute(session.ends_at + timedelta(minutes=1))
    assert missing.states() == [(0, State.RECOVERED)]
    minute(NINE + 10 * DAY)
    assert missing.told() == ["reminder_word", "reminder_thanks"]


def test_who_has_come_back_is_not_reminded_again_of_what_they_came_back_from(missing: Missing):
    told_a_word(missing, "AAAA.")
    missing.week("PPP..", monday=NINE + 7 * DAY)
    minute(NINE + 10 * DAY)
    assert missing.states() == [(0, State.RECOVERED)]
    assert night(NINE + 14 * DAY) == 0  # 3 of 7 is still less than 60 %
    missing.week("A....", monday=NINE + 14 * DAY)
    assert night(NINE + 14 * DAY + NIGHT) == 1


def test_too_few_classes_are_left_and_a_person_decides(missing: Missing):
    alert = told_a_word(missing, "AAA+.")
    missing.week("+", monday=NINE + 7 * DAY)
    assert promise_of(alert, NINE + 6 * DAY) is None


# What was not checked


def test_the_student_with_nothing_by_card_was_right(missing: Missing):
    """Pitfall 23: the adjudicator's case, 0 % by card, and the provider had never searched its own fault and help-desk
    records."""
    sessions = missing.week("+++++")
    for n, session in enumerate(sessions):
        opening = open_checkin(session, by=missing.ada, at=session.starts_at)
        seen = {
            "first_seen_at": session.starts_at + timedelta(minutes=n),
            "finished_at": session.starts_at + timedelta(minutes=n),
        }
        record_scans([attempt(opening, missing.alice, verdict=Refusal.STALE_CODE, **seen)])
        missing.mark(session, Status.ABSENT, at=session.ends_at)
    night(NINE + 4 * DAY + NIGHT)
    minute(NINE + 7 * DAY)
    missing.week("+++++", monday=NINE + 7 * DAY)
    night(NINE + 14 * DAY + NIGHT)
    minute(NINE + 16 * DAY)
    missing.read(at=NINE + 16 * DAY)
    night(NINE + 28 * DAY + NIGHT)
    alert, at = missing.alert(2), NINE + 30 * DAY
    found = not_checked(missing.alice.pk, sessions, at)
    assert [[one.sign for one in found[session.pk]] for session in sessions] == [[Sign.REFUSED_SCAN]] * 5
    with pytest.raises(AdsumError, match="Look at each class"):
        alerts.release(alert, act=missing.act(at))
    missing.tick(alert, at=at)
    late = raise_query(sessions[0], missing.alice, at=at)
    with pytest.raises(AdsumError, match="Look at each class"):  # there is more to show since
        alerts.release(alert, act=missing.act(at + HOUR))
    answer_query(
        late, by=missing.team, at=at + HOUR, reason="The scanner of that room was known to fail.", status=Status.PRESENT
    )
    minute(at + HOUR + timedelta(minutes=1))
    missing.tick(alert, at=at + 2 * HOUR)
    alerts.release(alert, act=missing.act(at + 2 * HOUR))
    minute(at + 2 * HOUR)
    assert missing.told()[-1] == "reminder_meeting"
    assert Case.objects.get().owner == missing.tutor


def test_what_was_ticked_and_has_changed_since_does_not_leave(missing: Missing):
    told_a_word(missing, "AAAA.")
    alert = missing.alert()
    Alert.objects.filter(pk=alert.pk).update(stage=2, state=State.HELD, told_at=None)
    at = NINE + 7 * DAY
    missing.tick(alert, at=at)
    alerts.release(missing.alert(2), act=missing.act(at))
    cancel_class(missing.classes[0], at=at, actor="system:feed")
    minute(at + timedelta(minutes=1))
    assert missing.told() == ["reminder_word"]
    assert missing.states() == [(2, State.HELD)]

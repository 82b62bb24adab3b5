"""The year, day by day: people come or do not, and everything that Adsum learns of it goes through the verbs that pages, the
gate and the jobs use, each at its hour."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import NamedTuple
from uuid import UUID

from adsum.absence.decisions import decide
from adsum.absence.models import AbsenceRequest
from adsum.absence.reports import span_of
from adsum.absence.rules import Outcome, Spell
from adsum.absence.services import Telling
from adsum.absence.services import tell as tell_of_absence
from adsum.accounts.models import Person
from adsum.attendance import amendments
from adsum.attendance import services as register
from adsum.attendance.ahead import Origin, Says
from adsum.attendance.foreseen import foresee
from adsum.attendance.models import Query
from adsum.attendance.outages import declare_outage
from adsum.attendance.rules import Needs, Reason, Status
from adsum.attendance.weighing import UNSAID, Act, Entry, Why
from adsum.checkin import held
from adsum.checkin.models import Opening, Scan
from adsum.checkin.rules import Attempt, Refusal
from adsum.checkin.services import close_classes, open_checkin, query_mark
from adsum.checkin.writer import record_scans
from adsum.core.errors import AdsumError
from adsum.engagement import alerts
from adsum.engagement.alert_life import TICKED_FROM, State
from adsum.engagement.attention import attention_of
from adsum.engagement.case_rules import Reply, Way
from adsum.engagement.contacts import log_contact
from adsum.engagement.covering import name_fallback
from adsum.engagement.evaluation import evaluate, follow
from adsum.engagement.models import Alert, Fallback, RuleSwitch
from adsum.engagement.monday import first
from adsum.engagement.not_checked import fingerprint, not_checked
from adsum.engagement.notice_days import notice_days
from adsum.engagement.presets import UK_TAUGHT
from adsum.engagement.silence import silent_among
from adsum.engagement.versions import make_version, put
from adsum.messages import unopened
from adsum.messages.models import HandOver, Message
from adsum.messages.services import open_message
from adsum.messages.telling import tell
from adsum.messages.topics import reminders
from adsum.ops.jobs import AT_ONCE, due_for_closing
from adsum.timetable.models import ClassSession
from bench.scans import scanned
from bench.year import truths as rates
from bench.year.truths import Truth
from bench.year.university import LONDON, MORNING, TUTEES, University, build, is_term, mondays

AFTERWARDS = timedelta(days=14)
"""How long the last term is followed after its end."""
KEPT_UNREAD = timedelta(days=5)
SILENT_WEEKS = 2


class Came(NamedTuple):
    """One class of one student, as it truly was."""

    on: date
    came: bool
    excused: bool
    """Away with leave: ill and told, or on placement."""


class Dark(NamedTuple):
    """An outage of a building."""

    starts_at: datetime
    ends_at: datetime
    site: int
    declared_at: datetime

    def touches(self, session: ClassSession, site: int) -> bool:
        """Whether part of the check-in of a class (ten minutes before it to half an hour into it) fell into it."""
        begins = session.starts_at
        opens, shuts = begins - timedelta(minutes=10), begins + timedelta(minutes=30)
        return site == self.site and self.starts_at < shuts and self.ends_at > opens


@dataclass(slots=True)
class Truths:
    """What truly happened, and what was seen on Mondays. The services read none of it."""

    people: list[Truth]
    came: set[tuple[int, int]] = field(default_factory=set)
    """(student, class), by their keys in the database."""
    history: list[list[Came]] = field(default_factory=list)
    dark: list[Dark] = field(default_factory=list)
    silent: dict[date, set[int]] = field(default_factory=dict)
    """By Monday, the students listed as silent."""
    named: list[tuple[date, int]] = field(default_factory=list)
    """The names that tutors saw on Mondays."""


class Year:
    """A made-up university, and its year."""

    def __init__(self, *, students: int, weeks: int, seed: int) -> None:
        self.random = Random(seed)
        self.weeks = mondays(weeks)
        self.truths = Truths(rates.people(students, self.weeks, self.random), history=[[] for _ in range(students)])
        self.university: University = build(self.truths.people, self.weeks, self.random)
        self.number = {one.pk: n for n, one in enumerate(self.university.students)}
        self.classes = {one.pk: one for one in self.university.classes}
        self.by_day = defaultdict[date, list[ClassSession]](list)
        for one in sorted(self.university.classes, key=lambda one: (one.starts_at, one.pk)):
            self.by_day[one.starts_on].append(one)
        self.wrong = set[tuple[int, int]]()
        """(student, class): they were there, and the record does not say so."""
        self.asked = set[tuple[int, int]]()
        self.later = defaultdict[date, list[Callable[[datetime], None]]](list)
        """What staff do on the evening of a day."""

    @property
    def team(self) -> Person:
        return self.university.team[0]

    def act(self, by: Person, at: datetime) -> Act:
        return Act(by, at, proved_at=at)

    def live(self, step: Callable[[date], None] = lambda _: None) -> None:
        """From the first day to two weeks after the last."""
        self._before()
        last = self.weeks[-1] + timedelta(days=6) + AFTERWARDS
        day = self.weeks[0]
        while day <= last:
            if is_term(day) or is_term(day - AFTERWARDS) or day > last - AFTERWARDS:
                self._day(day)
                step(day)
            day += timedelta(days=1)

    def _before(self) -> None:
        version = make_version(UK_TAUGHT, name="UK taught", by=self.team, at=MORNING)
        put(RuleSwitch.Place.IN_FORCE, version, by=self.team, at=MORNING, reason="The made-up year")
        for duty in (Fallback.Duty.CASES, Fallback.Duty.WELLBEING):
            name_fallback(None, duty, self.team, act=self.act(self.team, MORNING))
        for n, truth in enumerate(self.truths.people):
            if truth.placement is not None:
                there = [pk for pk, who in self.university.expected.items() if n in who]
                wanted = {pk: Says.ON_PLACEMENT for pk in there if truth.placement.holds(self.classes[pk].starts_on)}
                act = self.act(self.team, MORNING)
                foresee(Origin.PLACEMENT, self._ref(), self.university.students[n], wanted, act=act)

    def _ref(self) -> UUID:
        return UUID(int=self.random.getrandbits(128), version=4)

    def _day(self, day: date) -> None:
        def at(hour: int, minute: int = 0) -> datetime:
            return datetime.combine(day, time(hour, minute), tzinfo=LONDON)

        evaluate(at=at(2))
        if day.weekday() == 0 and is_term(day):
            self._monday(day, at(8))
        self._tell_of_illness(day, at(8, 30))
        if notice_days().is_one(day):
            self._team_looks(at(9, 20))
            tell(reminders.TOPIC, at=at(9, 30))
        self._teach(day)
        over = due_for_closing(at(18, 55), since=at(0) - timedelta(days=8))
        for some in range(0, len(over), AT_ONCE):
            close_classes(over[some : some + AT_ONCE], at=at(18, 55))
        self._students_look(day, at(19))
        for due in sorted(one for one in self.later if one <= day):
            for do in self.later.pop(due):
                do(at(19, 30))
        if notice_days().is_one(day):
            self._staff_ring(at(19, 40))
        follow(at=at(20))
        tell(reminders.TOPIC, at=at(20))

    # In class

    def _teach(self, day: date) -> None:
        today = self.by_day.get(day, [])
        out = self._outage(day) if today else None
        by_hour = defaultdict[datetime, list[ClassSession]](list)
        for session in today:
            by_hour[session.starts_at].append(session)
        for together in by_hour.values():
            taken = [one for one in together if self.random.random() >= rates.NO_REGISTER.share]
            opened = {one.pk: self._opened(one) for one in taken}
            scans = list[Attempt]()
            for session in together:
                scans += self._held(session, opened, out)
            if scans:
                record_scans(scans)
        refused = Scan.objects.filter(session__in=today, refusal=Refusal.NOT_EXPECTED, decision=None)
        for scan in refused.select_related("session__module", "student").order_by("pk"):
            lecturer = self.university.lecturer[scan.session_id]
            held.decide_held(scan, accept=True, act=self.act(lecturer, scan.session.ends_at))
            self.wrong -= {(scan.student_id, pk) for pk, beside in self.university.beside.items() if beside == scan.session_id}

    def _opened(self, session: ClassSession) -> Opening:
        lecturer = self.university.lecturer[session.pk]
        return open_checkin(session, by=lecturer, at=session.starts_at - timedelta(minutes=10))

    def _outage(self, day: date) -> Dark | None:
        if self.random.random() >= rates.OUTAGES.share:
            return None
        site = self.random.choice(self.university.sites)
        begins = datetime.combine(day, time(self.random.randrange(10, 15)), tzinfo=LONDON)
        ends = begins + timedelta(hours=3)
        declared = day + timedelta(days=self.random.choice((0, 0, 0, 3)))

        def say(at: datetime) -> None:
            why = "The network of the building was away"
            declare_outage(by=self.team, at=at, starts_at=begins, ends_at=ends, reason=why, site=site)
            self.truths.dark.append(Dark(begins, ends, site.pk, at))

        self.later[declared].append(say)
        return Dark(begins, ends, site.pk, ends)

    def _held(self, session: ClassSession, opened: dict[int, Opening], out: Dark | None) -> Iterable[Attempt]:
        """One class: who truly came, and the scans that come of it."""
        random, pk, day = self.random, session.pk, session.starts_on
        dark = out is not None and out.site == self.university.site[pk] and out.starts_at <= session.starts_at < out.ends_at
        trouble = random.random() < rates.TROUBLE.share
        by_hand, on_paper, beside = list[int](), list[int](), self.university.beside.get(pk)
        for n in self.university.expected[pk]:
            truth, student = self.truths.people[n], self.university.students[n].pk
            came = random.random() < truth.chance(day)
            excused = truth.away(day) and (truth.tells or truth.placement is not None)
            self.truths.history[n].append(Came(day, came, excused))
            if not came:
                continue
            self.truths.came.add((student, pk))
            if pk not in opened or dark:
                continue  # nobody is recorded, and nobody counts
            if trouble and random.random() < 0.5:
                on_paper.append(n)
            elif random.random() < truth.phone:
                if random.random() < rates.TICKED.share:
                    by_hand.append(n)
                    continue
            elif random.random() < truth.forgets:
                pass
            elif beside in opened and random.random() < rates.WRONG_ROOM.share:
                yield self._scan(opened[beside], student, Refusal.NOT_EXPECTED)
            else:
                yield self._scan(opened[pk], student, None)
                continue
            self.wrong.add((student, pk))
        if by_hand:
            self._mark(session, by_hand, session.starts_at + timedelta(minutes=20))
        if on_paper and random.random() >= rates.NO_LIST.share:
            late = random.random() < rates.LATE_LIST.share
            days = random.randint(16, 20) if late else random.randint(1, 6)
            self.later[day + timedelta(days=days)].append(lambda at: self._mark(session, on_paper, at))

    def _scan(self, opening: Opening, student: int, verdict: Refusal | None) -> Attempt:
        seen = opening.session.starts_at + timedelta(seconds=self.random.randrange(-300, 600))
        return scanned(opening, student, seen, ref=self._ref(), ticket=self._ref(), verdict=verdict)

    def _mark(self, session: ClassSession, numbers: list[int], at: datetime) -> None:
        """Staff mark these students present: the lecturer in time, the team after that, two people where it takes two."""
        soon = at < session.ends_at + timedelta(days=6, hours=23)
        by = self.university.lecturer[session.pk] if soon else self.team
        entries = [Entry(self.university.students[n], Status.PRESENT) for n in numbers]
        seen = Why(Reason.SEEN_IN_CLASS, "On the paper list") if at > session.ends_at else UNSAID
        answer = register.mark(session, entries, act=self.act(by, at), why=seen)
        if isinstance(answer, register.Proposed):
            amendments.confirm(answer.proposal, act=self.act(self.university.team[1], at))
        assert not isinstance(answer, Needs), answer
        self.wrong -= {(one.student.pk, session.pk) for one in entries}

    # Students

    def _tell_of_illness(self, day: date, at: datetime) -> None:
        for n, truth in enumerate(self.truths.people):
            for spell in truth.ill if truth.tells else ():
                if spell.first == day:
                    self._tell(self.university.students[n], Spell(*spell), at)

    def _tell(self, student: Person, spell: Spell, at: datetime) -> None:
        starts_at, ends_at = span_of(spell)
        telling = Telling("illness", starts_at, ends_at, spell.first, spell.last, ref=self._ref())
        try:
            request = tell_of_absence(student, telling, act=self.act(student, at))
        except AdsumError as refused:
            if refused.code not in {"no_class", "told_already"}:
                raise
            return
        if request.due_on is not None:
            self.later[at.date() + timedelta(days=2)].append(lambda then: self._decide(request, then))

    def _decide(self, request: AbsenceRequest, at: datetime) -> None:
        decide(request, Outcome.WHOLE, act=self.act(self.team, at))

    def _students_look(self, day: date, at: datetime) -> None:
        """Some notice what is wrong on the same evening; all who open a reminder see it there."""
        today = {one.pk for one in self.by_day.get(day, ())}
        for student, pk in sorted(key for key in self.wrong if key[1] in today):
            if self.random.random() < rates.NOTICES.share:
                self._ask(student, pk, day, at)
        kinds = reminders.OF_STAGE.values()
        unread = Message.objects.filter(kind__in=kinds, opened_at=None, created_at__gt=at - KEPT_UNREAD)
        for message in unread.select_related("person").order_by("pk"):
            if self.random.random() < self.truths.people[self.number[message.person_id]].reads:
                open_message(message, at=at)
                rests_on = Alert.objects.get(ref=message.facts["alert"]).classes.filter(missed=True)
                for pk in rests_on.order_by("session").values_list("session", flat=True):
                    wrong = (message.person_id, pk) in self.wrong
                    if self.random.random() < (rates.QUERIES.share if wrong else rates.CLAIMS.share):
                        self._ask(message.person_id, pk, day, at)

    def _ask(self, student: int, pk: int, day: date, at: datetime) -> None:
        """A student queries a mark, once; it is answered within three days."""
        if (student, pk) in self.asked:
            return
        self.asked.add((student, pk))
        query = query_mark(self.classes[pk], self.university.students[self.number[student]], at=at, text="I was there")
        self.later[day + timedelta(days=self.random.randint(1, 3))].append(lambda then: self._answer(query, then))

    def _answer(self, query: Query, at: datetime) -> None:
        key = query.student_id, query.session_id
        session = self.classes[query.session_id]
        by = self.university.lecturer[session.pk] if at < session.ends_at + timedelta(days=6) else self.team
        right = key in self.truths.came and self.random.random() < rates.UPHELD.share
        reason = "I remember you there." if right else "I did not see you there."
        answer = held.answer_query(query, act=self.act(by, at), reason=reason, status=Status.PRESENT if right else None)
        assert not isinstance(answer, Needs), answer
        if right:
            self.wrong.discard(key)

    # Staff

    def _team_looks(self, at: datetime) -> None:
        """What was not checked is looked at, and what is not in question is let go."""
        waiting = Alert.objects.filter(state=State.HELD, stage__gte=TICKED_FROM, held_by=None, held_until__lte=at)
        for alert in waiting.order_by("pk"):
            rows = alert.classes.filter(missed=True).select_related("session__module").order_by("session")
            found = not_checked(alert.student_id, [row.session for row in rows], at)
            act = self.act(self.team, at)
            alerts.tick(alert, {row.session: fingerprint(found[row.session_id]) for row in rows}, act=act)
            try:
                alerts.release(alert, act=act)
            except AdsumError as back:
                if back.code not in alerts.NO_ONE_LETS_GO:
                    raise

    def _staff_ring(self, at: datetime) -> None:
        """Who did not open a formal message is rung; nobody answers, and the matter goes on."""
        unopened.follow(at=at)
        due = HandOver.objects.filter(closed_at=None, due_on__lte=at.date()).select_related("message__person", "owner")
        for task in due.order_by("pk"):
            log_contact(task.message.person, Way.CALL, Reply.NO_ANSWER, act=self.act(task.owner, at))
            unopened.go_on(task, by=task.owner, at=at)

    def _monday(self, day: date, at: datetime) -> None:
        """What the page of silent weeks lists, and the names that each tutor sees."""
        students = Person.objects.filter(pk__in=self.number)
        self.truths.silent[day] = {one.student.pk for one in silent_among(students, weeks=SILENT_WEEKS, at=at)}
        tutees = defaultdict[int, list[int]](list)
        for n, one in enumerate(self.university.students):
            tutees[n // TUTEES].append(one.pk)
        for mine in tutees.values():
            known = [one.known for one in attention_of(mine, at).values()]
            self.truths.named += [(day, one.student) for one, _ in first(known, today=day, at=at)]


def in_need(history: list[Came], day: date) -> bool:
    """Whether a tutor should truly look at a student that morning: two classes missed in a row, fewer than four of five in four
    weeks, or none in two. What they were excused from counts neither way."""
    lately = [one for one in history if day - timedelta(days=28) <= one.on < day and not one.excused]
    row = [one.came for one in lately[-2:]]
    silent = [one.came for one in lately if one.on >= day - timedelta(days=14)]
    seldom = len(lately) >= 4 and sum(one.came for one in lately) < 0.8 * len(lately)
    return seldom or (len(row) == 2 and not any(row)) or (len(silent) >= 2 and not any(silent))

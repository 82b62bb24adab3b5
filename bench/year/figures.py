"""What became of the year, held against the truth, and the tables that say it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import NamedTuple

from adsum.attendance.models import Mark, MarkChange, Query
from adsum.engagement.alert_life import State
from adsum.engagement.models import Alert
from adsum.engagement.presets import UK_TAUGHT
from adsum.engagement.recovery import Recovery
from adsum.timetable.models import ClassSession
from bench.year import oracle
from bench.year.play import Dark, Year, in_need
from bench.year.truths import KINDS, ODD, RATES, Kind
from bench.year.university import LONDON, is_term

THE_END = datetime.max.replace(tzinfo=UTC)
NOTICED_WITHIN = 14
"""Days of term."""
STAGES = ("a friendly word", "a reminder", "a meeting", "a panel")
TAKEN_BACK = (State.WITHDRAWN, State.REVIEW)
NAMES = {
    Kind.USUAL: "as most",
    Kind.STRUGGLING: "struggling",
    Kind.STOPPED: "silently stopped",
    Kind.ILL: "ill for some days, and told",
    Kind.UNTOLD: "ill for some days, and told nobody",
    Kind.PART_TIME: "part-time",
    Kind.PLACEMENT: "on placement for a while",
    Kind.WEAK_PHONE: "with a weak phone",
    Kind.FORGETFUL: "forgetful",
}


class Share(NamedTuple):
    """So many of so many."""

    part: int
    whole: int

    @property
    def value(self) -> float:
        return self.part / self.whole if self.whole else 0.0

    def __str__(self) -> str:
        return f"{self.part:,} of {self.whole:,}" + (f" ({100 * self.value:.1f} %)" if self.whole else "")


NONE = Share(0, 0)


@dataclass(slots=True)
class Figures:
    """All that the tables say."""

    students: int
    classes: int
    marks: int
    stages: list[tuple[int, Share, int, int]] = field(default_factory=list)
    """By stage: alerts found, students told of it, alerts that never left, alerts withdrawn after they were told."""
    met_the_rules: Share = NONE
    from_mistakes: Share = NONE
    put_right: Share = NONE
    """Of the alerts told that the record disproved later: withdrawn by themselves."""
    never_put_right: int = 0
    noticed: Share = NONE
    noticed_after: list[int] = field(default_factory=list)
    called: dict[Kind, tuple[Share, Share]] = field(default_factory=dict)
    """By kind, students told anything, and students told of stage 1 or more."""
    silent: Share = NONE
    silent_wrong: Share = NONE
    promises: Share = NONE
    names: Share = NONE

    def against_others(self, which: int) -> float:
        """How often the innocent but odd are called, against others."""
        odd = [self.called[kind][which] for kind in ODD]
        share = Share(sum(one.part for one in odd), sum(one.whole for one in odd)).value
        usual = self.called[Kind.USUAL][which].value
        return share / usual if usual else float(share > 0)


class _Record:
    """One student's record with all that ever happened to it."""

    def __init__(self, student: int, year: Year) -> None:
        self._year, self._student = year, student
        self._steps = defaultdict[int, list[tuple[datetime, str, str]]](list)
        steps = MarkChange.objects.filter(student=student).order_by("pk")
        for session, at, after, source in steps.values_list("session", "at", "after", "source"):
            self._steps[session].append((at, after, source))
        self._sessions = ClassSession.objects.in_bulk(self._steps)
        asked = Query.objects.filter(student=student).values_list("session", "raised_at", "answered_at")
        self._asked = [(session, begin, end) for session, begin, end in asked]

    def known(self, at: datetime, until: datetime, *, truly: bool = False) -> list[oracle.Mark]:
        """The classes that had begun `until` then, by what was known `at` then; `truly`: with every attendance that was
        missed put right."""
        return [mark for _, mark in sorted(self._known(at, until, truly))]

    def _known(self, at: datetime, until: datetime, truly: bool) -> Iterator[tuple[tuple[datetime, int], oracle.Mark]]:
        for pk, steps in self._steps.items():
            session, past = self._sessions[pk], [one for one in steps if one[0] <= at]
            if not past or session.starts_at > until:
                continue
            changed, status, source = past[-1]
            if truly and status == "absent_unauthorised" and (self._student, pk) in self._year.truths.came:
                status = "present"
            late = status == "absent_unauthorised" and source != "absence" and changed > session.ends_at + timedelta(days=14)
            doubtful = late or status == "absent_pending" or self._queried(pk, at) or self._dark(session, at)
            yield (session.starts_at, pk), oracle.Mark(session.starts_on, status, doubtful)

    def _queried(self, pk: int, at: datetime) -> bool:
        return any(one == pk and begin <= at and (end is None or at < end) for one, begin, end in self._asked)

    def _dark(self, session: ClassSession, at: datetime) -> bool:
        site, dark = self._year.university.site[session.pk], self._year.truths.dark
        return any(one.declared_at <= at and Dark.touches(one, session, site) for one in dark)

    def counted_after(self, at: datetime, most: int) -> list[tuple[datetime, bool]]:
        """The first classes that counted and began after then: when each was over, and whether it was attended."""
        known = sorted(self._known(THE_END, THE_END, truly=False))
        found = [(self._sessions[pk].ends_at, mark.came) for (begins, pk), mark in known if begins >= at and mark.counts]
        return found[:most]


def measure(year: Year) -> Figures:
    """Look at all that was kept."""
    numbers = year.number
    made = Figures(len(numbers), len(year.university.classes), Mark.objects.count())
    alerts = list(Alert.objects.order_by("found_at", "pk"))
    told = [one for one in alerts if one.told_at is not None]
    for stage in range(len(STAGES)):
        own = [one for one in alerts if one.stage == stage]
        reached = {one.student_id for one in own if one.told_at is not None}
        unsaid = sum(one.told_at is None for one in own)
        back = sum(one.told_at is not None and one.state in TAKEN_BACK for one in own)
        made.stages.append((len(own), Share(len(reached), len(numbers)), unsaid, back))
    records = {pk: _Record(pk, year) for pk in {one.student_id for one in told}}
    _right_and_wrong(made, told, records)
    _promises(made, told, records)
    _noticed(made, alerts, year)
    for kind in Kind:
        people = {pk for pk, n in numbers.items() if year.truths.people[n].kind == kind}
        any_, formal = ({one.student_id for one in told if one.stage >= least} & people for least in (0, 1))
        made.called[kind] = Share(len(any_), len(people)), Share(len(formal), len(people))
    _mondays(made, year)
    return made


def _today(at: datetime) -> date:
    return at.astimezone(LONDON).date()


def _right_and_wrong(made: Figures, told: Sequence[Alert], records: dict[int, _Record]) -> None:
    met, mistakes, disproved, back = 0, 0, 0, 0
    for alert in told:
        record, found, left = records[alert.student_id], alert.found_at, alert.told_at
        assert left is not None
        met += not oracle.holds(alert.rule, record.known(left, left), _today(left), is_term)
        truly = oracle.holds(alert.rule, record.known(left, found, truly=True), _today(found), is_term)
        now = oracle.holds(alert.rule, record.known(THE_END, found), _today(found), is_term)
        mistakes += not truly
        disproved += not now
        back += not now and alert.state in TAKEN_BACK
        made.never_put_right += not truly and now
    made.met_the_rules, made.from_mistakes = Share(met, len(told)), Share(mistakes, len(told))
    made.put_right = Share(back, disproved)


def _promises(made: Figures, told: Sequence[Alert], records: dict[int, _Record]) -> None:
    """Whoever attended enough of the classes that they were promised saw their record close."""
    recovery = {rule.code: rule.recovery for rule in UK_TAUGHT}
    kept, promised = 0, 0
    for alert in told:
        assert alert.told_at is not None
        terms: Recovery = recovery[alert.rule]
        ahead = records[alert.student_id].counted_after(alert.told_at, terms.of)
        over = next(
            (when for n, (when, _) in enumerate(ahead) if sum(came for _, came in ahead[: n + 1]) >= terms.attend), None
        )
        later = any(
            one.student_id == alert.student_id and one.told_at and alert.told_at < one.told_at and over and one.told_at < over
            for one in told
        )
        if over is None or later or alert.state in TAKEN_BACK:
            continue
        promised += 1
        kept += alert.state == State.RECOVERED
    made.promises = Share(kept, promised)


def _noticed(made: Figures, alerts: Sequence[Alert], year: Year) -> None:
    stopped = {pk: year.truths.people[n].stops_on for pk, n in year.number.items()}
    gone = {pk: day for pk, day in stopped.items() if day is not None}
    for pk, day in sorted(gone.items()):
        times = [
            one.told_at for one in alerts if one.student_id == pk and one.told_at is not None and _today(one.told_at) >= day
        ]
        if times:
            last = _today(min(times))
            made.noticed_after.append(sum(is_term(day + timedelta(days=n)) for n in range(1, (last - day).days + 1)))
    made.noticed = Share(sum(days <= NOTICED_WITHIN for days in made.noticed_after), len(gone))


def _mondays(made: Figures, year: Year) -> None:
    truths, students = year.truths, year.university.students
    planted, found, listed, wrong = 0, 0, 0, 0
    for monday, silent in truths.silent.items():
        since = monday - timedelta(days=14)
        for n, truth in enumerate(truths.people):
            lately = [one for one in truths.history[n] if since <= one.on < monday]
            if truth.stops_on is not None and truth.stops_on <= since and lately:
                planted, found = planted + 1, found + (students[n].pk in silent)
        for pk in silent:
            lately = [one for one in truths.history[year.number[pk]] if since <= one.on < monday]
            listed, wrong = listed + 1, wrong + any(one.came for one in lately)
    made.silent, made.silent_wrong = Share(found, planted), Share(wrong, listed)
    right = sum(in_need(truths.history[year.number[pk]], day) for day, pk in truths.named)
    made.names = Share(right, len(truths.named))


# The tables


def tables(made: Figures, *, seed: int, weeks: int) -> str:
    """As they stand in docs/fairness.md."""
    after = f"{median(made.noticed_after):g}" if made.noticed_after else "–"
    lines = [
        f"{made.students:,} students, {weeks} weeks of teaching, {made.classes:,} classes, {made.marks:,} marks; seed {seed}.",
        "",
        "| what was asked | aim | found |",
        "|---|---|---|",
        f"| reminders to students who had met the rules by what was known then | 0 | {made.met_the_rules} |",
        f"| reminders that the record disproved later, and that withdrew by themselves | all | {made.put_right} |",
        f"| reminders that rested on a mistake of recording | – | {made.from_mistakes} |",
        f"| of these, mistakes that nobody ever put right | – | {made.never_put_right:,} |",
        f"| students who silently stopped and were noticed within {NOTICED_WITHIN} days of term | ≥ 95 % | {made.noticed} |",
        f"| days of term until they were, in the middle | – | {after} |",
        f"| the innocent but odd who are told anything, against others | ≤ 1.5 × | {made.against_others(0):.2f} × |",
        f"| the same, of a reminder or more | ≤ 1.5 × | {made.against_others(1):.2f} × |",
        f"| silent weeks that were planted, and found | all | {made.silent} |",
        f"| silent weeks listed of students who had been in class | – | {made.silent_wrong} |",
        f"| promises that were met, and closed the record | all | {made.promises} |",
        f"| names on a tutor's Monday that were truly in need | – | {made.names} |",
        "",
        "| stage | found | students told | never left | withdrawn after it was told |",
        "|---|---:|---:|---:|---:|",
        *(
            f"| {n}: {STAGES[n]} | {found:,} | {told} | {unsaid:,} | {back:,} |"
            for n, (found, told, unsaid, back) in enumerate(made.stages)
        ),
        "",
        "| students | told anything | told of a reminder or more |",
        "|---|---:|---:|",
        *(f"| {NAMES[kind]} | {any_} | {formal} |" for kind, (any_, formal) in made.called.items()),
    ]
    return "\n".join(lines)


def assumptions() -> str:
    """The rates that the year is made of, and where each comes from."""
    rows = [*((rate.share, "students of whom each " + rate.what, rate.source) for rate in KINDS.values()), *RATES]
    return "\n".join(
        [
            "| how often | what | from |",
            "|---:|---|---|",
            *(f"| {100 * share:g} % | {what} | {source} |" for share, what, source in rows),
        ]
    )

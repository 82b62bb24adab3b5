"""Changes of the timetable: a class is cancelled, moved, covered, added, or for other groups."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.accounts.models import Person
from adsum.attendance.labels import DELIVERIES
from adsum.attendance.models import Mark
from adsum.attendance.rules import Status
from adsum.audit.following import Reader
from adsum.messages.letter import MOST, Facts, Item, Letter, named, place, rest, span, when
from adsum.messages.rules import KEPT_DUE, STALE, About, is_settled, is_urgent
from adsum.messages.topic import Draft, Kind, Pending, Reading, Topic, class_named
from adsum.timetable.history import Before, ClassThen, classes_before, expected_as_of
from adsum.timetable.models import ClassChange, ClassSession
from adsum.timetable.reports import expected_in, staff_of, studying
from adsum.timetable.rules import ClassStatus, differs

CHANGED = "class_changes"
COMPARED = ("status", "starts_at", "ends_at", "rooms", "delivery", "groups", "staff")
"""What of a class people are told of when it changes."""


def class_changes(reader: Reader, at: datetime, zone: ZoneInfo) -> Pending:
    """Changes of classes, gathered: one draft for each person they concern, with what was and what is."""
    rows = reader.left(ClassChange.objects.filter(at__gt=at - STALE)).select_related("session__module")
    by_class: dict[int, list[ClassChange]] = defaultdict(list)
    for row in rows:
        by_class[row.session_id].append(row)
    if not by_class:
        return Pending()
    sessions = {pk: steps[0].session for pk, steps in by_class.items()}
    made = [row.at for steps in by_class.values() for row in steps]
    settled = is_settled(first=min(made), latest=max(made), at=at, zone=zone)
    told = [pk for pk in by_class if settled or _cannot_wait(sessions[pk], by_class[pk], at)]
    left = [row.pk for pk in by_class.keys() - set(told) for row in by_class[pk]]
    done = [row.pk for pk in told for row in by_class[pk]]
    steps = [step for pk in told if (step := _net(sessions[pk], by_class[pk], at))]
    return Pending(_class_drafts(steps, at), done, min(left, default=None))


class NetStep(NamedTuple):
    """What became of a class over all its untold changes."""

    session: ClassSession
    first: ClassChange
    before: dict[str, Any] | None
    after: dict[str, Any]
    last: int
    by: frozenset[str]
    """Who made the changes. A person who made all of them need not be told."""
    over: bool
    """The class is over: it is no longer a matter of when and where, but of whether it counts."""


def _cannot_wait(session: ClassSession, steps: list[ClassChange], at: datetime) -> bool:
    if _is_over(steps[0].before, steps[-1].after, at):
        return False
    starts = [session.starts_at, *(datetime.fromisoformat(row.before["starts_at"]) for row in steps if row.before)]
    return any(is_urgent(starts_at=start, at=at) for start in starts)


def _is_over(before: dict[str, Any] | None, after: dict[str, Any], at: datetime) -> bool:
    return max(datetime.fromisoformat(facts["ends_at"]) for facts in (before, after) if facts) <= at


def _net(session: ClassSession, steps: list[ClassChange], at: datetime) -> NetStep | None:
    """None for what need not be told: undone meanwhile, over (unless its marks no longer count, or count again), or a
    class that only now came with its timetable."""
    first, last = steps[0], steps[-1]
    before, after = first.before, last.after
    over = _is_over(before, after, at)
    if over and (before is None or before["status"] == after["status"]):
        return None
    if before is None and (after["status"] != ClassStatus.SCHEDULED or not _is_extra(session, first)):
        return None
    if before is not None and not any(differs(before, after, name) for name in COMPARED):
        return None
    return NetStep(session, first, before, after, last.pk, frozenset(row.actor for row in steps), over)


def _is_extra(session: ClassSession, birth: ClassChange) -> bool:
    """Whether a new class is one more of a module people already have a timetable for: added by hand, or by a later import."""
    if birth.import_run_id is None:
        return birth.actor.startswith("person:")
    earlier = ClassChange.objects.filter(session__module=session.module_id, pk__lt=birth.pk, at__lt=birth.at)
    return earlier.exclude(import_run=birth.import_run_id).exists()


class Concerned(NamedTuple):
    """A person whom a change of a class concerns, and what became of the class for them."""

    person: Person
    change: str
    certain: bool = True
    """Whether it is known by id that the class was theirs."""


def _class_drafts(steps: list[NetStep], at: datetime) -> list[Draft]:
    pks = [step.session.pk for step in steps]
    expected, staff = expected_in(pks) | _marked_in([step.session.pk for step in steps if step.over]), staff_of(pks)
    before = classes_before([step.first for step in steps])
    were = _people(_expected_before(steps, before), {pk: one.staff for pk, one in before.items()})
    told: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    people: dict[int, Person] = {}
    until: dict[tuple[str, int], datetime] = {}
    for step in steps:
        pk, was = step.session.pk, before.get(step.session.pk)
        audiences = {
            "student": _students(step, was, were.students.get(pk, {}), expected[pk]),
            "staff": _staff(step, was, were.staff.get(pk, {}), staff[pk]),
        }
        for audience, concerned in audiences.items():
            for one in concerned:
                person = one.person
                if step.by == {person.actor} or not person.is_active:
                    continue
                people[person.pk] = person
                told[audience, person.pk].append(_item(step, one))
                ends = [datetime.fromisoformat(facts["ends_at"]) for facts in (step.before, step.after) if facts]
                end = at + KEPT_DUE if step.over else max(ends)
                until[audience, person.pk] = max(end, until.get((audience, person.pk), end))
    last = max((step.last for step in steps), default=0)
    return [
        Draft(
            people[pk],
            CHANGED,
            f"{CHANGED}:{audience}:{pk}:{last}",
            {"audience": audience, "classes": sorted(items, key=lambda item: str(item["starts_at"]))},
            until[audience, pk],
            at_once=True,  # `class_changes` has let the night pass where there was time
        )
        for (audience, pk), items in told.items()
    ]


class Were(NamedTuple):
    """Whose classes were before they changed, by class and person."""

    students: dict[int, dict[int, Person]]
    staff: dict[int, dict[int, Person]]


def _people(students: Mapping[int, Collection[int]], staff: Mapping[int, Collection[int]]) -> Were:
    found = Person.objects.in_bulk({pk for each in (students, staff) for ids in each.values() for pk in ids})
    return Were(*({key: {pk: found[pk] for pk in sorted(ids)} for key, ids in each.items()} for each in (students, staff)))


def _expected_before(steps: Iterable[NetStep], before: Mapping[int, Before]) -> dict[int, set[int]]:
    """By class id, who was expected when it first changed, as it was known then (two queries for each moment, one a day)."""
    moments: dict[datetime, dict[int, ClassThen]] = defaultdict(dict)
    days: dict[date, set[int]] = defaultdict(set)
    for step in steps:
        pk = step.session.pk
        if pk in before and _is_for_others(step, before[pk].then):
            moments[step.first.at][pk] = before[pk].then
    expected = {pk: who for at, thens in moments.items() for pk, who in expected_as_of(thens, at).items()}
    for pk, who in expected.items():
        days[before[pk].then.session.starts_on] |= who
    on_course = {day: studying(people, day) for day, people in days.items()}
    return {pk: who & on_course[before[pk].then.session.starts_on] for pk, who in expected.items()}


def _is_for_others(step: NetStep, then: ClassThen) -> bool:
    """Whether others may be expected than were: it has other groups, or is on another day. One that is over has its marks."""
    if step.before is None or step.over:
        return False
    return differs(step.before, step.after, "groups") or then.session.starts_on != step.session.starts_on


def _marked_in(sessions: list[int]) -> dict[int, dict[int, Person]]:
    """By class id, who has a mark that counts in it while it takes place (one query)."""
    marked: dict[int, dict[int, Person]] = {pk: {} for pk in sessions}
    marks = Mark.objects.filter(session__in=sessions).exclude(status=Status.NOT_OBSERVED) if sessions else Mark.objects.none()
    for mark in marks.select_related("student"):
        marked[mark.session_id][mark.student_id] = mark.student
    return marked


def _item(step: NetStep, one: Concerned) -> dict[str, Any]:
    shown = ("starts_at", "ends_at", "rooms", "delivery")
    before, after = step.before or {}, step.after
    return {
        **class_named(step.session),
        "change": one.change,
        "before": {name: before[name] for name in shown if name in before},
        "after": {name: after[name] for name in shown},
        "staff_changed": bool(before) and differs(before, after, "staff"),
        "over": step.over,
        "certain": one.certain,
    }


def _word(step: NetStep) -> str:
    """What became of the class, for those who were and are concerned."""
    before, after = step.before, step.after
    if before is None:
        return "new"
    if before["status"] != after["status"]:
        return "cancelled" if after["status"] == ClassStatus.CANCELLED else "restored"
    moved = any(differs(before, after, name) for name in ("starts_at", "ends_at", "rooms"))
    return "moved" if moved else "changed"


def _students(step: NetStep, was: Before | None, were: Mapping[int, Person], expected: Mapping[int, Person]) -> list[Concerned]:
    """Students concerned, and what became of the class for each."""
    word = _word(step)
    if step.before is None or was is None:
        return [Concerned(person, word) for person in expected.values()]
    if not _is_for_others(step, was.then):
        were = expected
    quiet = word == "changed" and not any(differs(step.before, step.after, name) for name in ("delivery", "staff"))
    told = [Concerned(person, word if pk in were else "new") for pk, person in expected.items() if pk not in were or not quiet]
    return told + [Concerned(person, "gone", was.then.certain) for pk, person in were.items() if pk not in expected]


def _staff(step: NetStep, was: Before | None, were: Mapping[int, Person], now: Mapping[int, Person]) -> list[Concerned]:
    word = _word(step)
    if step.before is None or was is None or not differs(step.before, step.after, "staff"):
        return [Concerned(person, word) for person in now.values()]
    told = [Concerned(person, word if pk in were else "new") for pk, person in now.items()]
    return told + [Concerned(person, "gone", was.certain) for pk, person in were.items() if pk not in now]


# What it says


def _letter(facts: Facts) -> Letter:
    classes, staff = facts["classes"], facts["audience"] == "staff"
    path = "/teaching/" if staff else "/today/"
    if len(classes) == 1:
        subject = _subject(classes[0], staff=staff)
    else:
        subject = ngettext("%(n)s class has changed", "%(n)s of your classes have changed", len(classes)) % {"n": len(classes)}
    return Letter(
        subject=subject,
        opening=ngettext("This is what changed in your timetable:", "These are the changes in your timetable:", len(classes)),
        items=[_changed(item, staff=staff) for item in classes[:MOST]],
        closing=[*rest(len(classes)), *_comfort(classes, staff=staff)],
        action=(_("See my classes") if staff else _("See my timetable"), path),
    )


def _comfort(classes: list[dict[str, Any]], *, staff: bool) -> list[str]:
    cancelled = any(item["change"] == "cancelled" for item in classes)
    return [_("A cancelled class counts against nobody.")] if cancelled and not staff else []


def _subject(item: Facts, *, staff: bool) -> str:
    words = {"title": item["title"], "when": when((item["before"] or item["after"])["starts_at"])}
    if item["change"] == "new":
        words["when"] = when(item["after"]["starts_at"])
    if item.get("over"):
        gone = item["change"] == "cancelled"
        return (_("Counts no longer: %(title)s, %(when)s") if gone else _("Counts again: %(title)s, %(when)s")) % words
    subjects = {
        "cancelled": _("Cancelled: %(title)s, %(when)s"),
        "moved": _("Moved: %(title)s, %(when)s"),
        "restored": _("Takes place after all: %(title)s, %(when)s"),
        "new": _("You now teach %(title)s, %(when)s") if staff else _("An extra class: %(title)s, %(when)s"),
        "gone": _("No longer yours: %(title)s, %(when)s"),
        "changed": _("Changed: %(title)s, %(when)s"),
    }
    return subjects[item["change"]] % words


def _changed(item: Facts, *, staff: bool) -> Item:
    before, after = item["before"], item["after"]
    if item.get("over"):
        gone = item["change"] == "cancelled"
        line = (
            _("It was cancelled after it was over. Marks in it stay, and count for nothing.")
            if gone
            else _("It took place after all. Marks in it count again.")
        )
        return Item(named(item), [line], _class_path(item, staff=staff))
    now = _("Now: %(when)s, %(where)s") % {"when": span(after), "where": place(after)}
    was = _("Before: %(when)s, %(where)s") % {"when": span(before), "where": place(before)} if before else ""
    planned = {"when": span(before or after), "where": place(before or after)}
    lines = {
        "cancelled": [_("Cancelled. It was to be on %(when)s, %(where)s.") % planned],
        "moved": [_("Moved."), was, now],
        "restored": [_("It takes place after all."), now],
        "new": [_("You teach this class now.") if staff else _("You are expected in this class."), now],
        "gone": [_("You no longer teach this class.") if staff else _("You are no longer expected in this class."), was],
        "changed": [now],
    }[item["change"]]
    if item["change"] in {"moved", "changed", "restored"}:
        if item["staff_changed"]:
            lines.append(_("Somebody else teaches it."))
        if before and before["delivery"] != after["delivery"]:
            ways = {"before": DELIVERIES[before["delivery"]], "after": DELIVERIES[after["delivery"]]}
            lines.append(_("It was %(before)s and is now %(after)s.") % ways)
    if not item.get("certain", True):
        lines.append(_("Only names now say whose class it was. If it was never yours, nothing changes for you."))
    path = "" if item["change"] == "gone" else _class_path(item, staff=staff)  # it is not theirs to open any more
    return Item(f"{item['code']} {item['title']}", [line for line in lines if line], path)


def _class_path(item: Facts, *, staff: bool) -> str:
    return f"/classes/{item['session']}/" if staff else f"/record/classes/{item['session']}/"


TOPIC = Topic(
    kinds=(Kind(CHANGED, gettext_lazy("Changes of the timetable"), _letter, pushed=About.CHANGES),),
    readings=(Reading("class_change", class_changes, follows=ClassChange),),
)

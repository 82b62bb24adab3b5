"""Marks that a person changed."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.attendance.labels import REASONS
from adsum.attendance.models import MarkChange
from adsum.attendance.rules import Reason, Source, Status
from adsum.audit.following import Reader
from adsum.messages.letter import MOST, Facts, Item, Letter, named, rest, status_word, when
from adsum.messages.rules import KEPT_DUE, STALE, About, digest_at
from adsum.messages.topic import Draft, Kind, Pending, Reading, Topic, class_named
from adsum.timetable.models import ClassSession

CHANGED = "mark_changes"


def mark_changes(reader: Reader, at: datetime, zone: ZoneInfo) -> Pending:
    """Marks that a person changed, gathered until the next digest: one draft for each student."""
    changed = ~Q(before="") | Q(after__in=[Status.OTHER_GROUP, Status.SWAPPED])
    by_hand = MarkChange.objects.filter(changed, by__isnull=False, at__gt=at - STALE).exclude(source=Source.ABSENCE)
    rows = reader.left(by_hand.exclude(reason_code__in=[Reason.QUERY_UPHELD, Reason.ABSENCE_DECIDED]))
    by_student: dict[int, list[MarkChange]] = defaultdict(list)
    for row in rows.select_related("session__module", "student", "by"):
        by_student[row.student_id].append(row)
    pending = Pending()
    taught: dict[int, set[int]] = {}
    for student, steps in by_student.items():
        if not any(digest_at(row.at, zone) <= at for row in steps):
            pending.first_left = min(steps[0].pk, pending.first_left or steps[0].pk)
            continue
        pending.done += [row.pk for row in steps]
        marks = [mark for mark in _net_marks(steps, taught) if mark]
        if marks and steps[0].student.is_active:
            key = f"{CHANGED}:{student}:{steps[-1].pk}"
            pending.drafts.append(Draft(steps[0].student, CHANGED, key, {"marks": marks}, at + KEPT_DUE))
    return pending


def _net_marks(steps: list[MarkChange], taught: dict[int, set[int]]) -> Iterable[dict[str, Any]]:
    """One line for each class: from the first mark to the last; none where they are the same again."""
    by_class: dict[int, list[MarkChange]] = defaultdict(list)
    for row in steps:
        if row.by_id != row.student_id:
            by_class[row.session_id].append(row)
    for pk, rows in by_class.items():
        first, last = rows[0], rows[-1]
        if len(rows) > 1 and first.before == last.after:
            continue
        if last.after == Status.EXPECTED:
            continue  # a first mark was taken back before anyone was told of it
        by = last.by
        if by is not None and by.pk not in taught:
            mine = ClassSession.objects.taught_by(by).filter(pk__in=[row.session_id for row in steps])
            taught[by.pk] = set(mine.values_list("pk", flat=True))
        teaches = by is not None and pk in taught[by.pk]
        if by is not None and last.after == Status.SWAPPED:  # said by a lecturer of the class that was visited, mostly
            teaches = ClassSession.objects.taught_by(by).filter(module=last.session.module_id).exists()
        capacity = "lecturer" if teaches else "team"
        yield {
            **class_named(last.session),
            "before": first.before,
            "after": last.after,
            "minutes_late": last.minutes_late,
            "by": capacity,
            "reason": last.reason_code,
            "at": last.at.isoformat(),
        }


# What it says


def _letter(facts: Facts) -> Letter:
    marks = facts["marks"]
    if len(marks) == 1:
        subject = _("Your mark in %(title)s has changed: %(status)s")
        subject %= {"title": marks[0]["title"], "status": status_word(marks[0]["after"])}
    else:
        subject = ngettext("%(n)s mark has changed", "%(n)s of your marks have changed", len(marks)) % {"n": len(marks)}
    return Letter(
        subject=subject,
        opening=_("Somebody changed your attendance record. This is what it says now:"),
        items=[_mark(mark) for mark in marks[:MOST]],
        closing=[*rest(len(marks)), _("Is something wrong? Open the class and choose “My mark is wrong”. It takes a minute.")],
        action=(_("See my record"), "/record/"),
    )


def _mark(mark: Facts) -> Item:
    steps = {"before": status_word(mark["before"]), "after": status_word(mark["after"], mark["minutes_late"])}
    words = {"when": when(mark["at"])}
    by = {
        "lecturer": _("Changed by your lecturer on %(when)s.") % words,
        "team": _("Changed by the attendance team on %(when)s.") % words,
    }[mark["by"]]
    lines = [_("%(before)s → %(after)s") % steps, by]
    if mark["reason"]:
        lines.append(_("The reason: %(reason)s.") % {"reason": REASONS[Reason(mark["reason"])]})
    return Item(named(mark), lines, f"/record/classes/{mark['session']}/")


TOPIC = Topic(
    kinds=(Kind(CHANGED, gettext_lazy("Changes of marks"), _letter, pushed=About.ANSWERS),),
    readings=(Reading("mark_change", mark_changes, follows=MarkChange),),
)

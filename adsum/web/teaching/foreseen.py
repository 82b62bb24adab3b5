"""What a register knows before the class: proposals that one tap accepts, instructions, and a note for those away."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.accounts.models import Person
from adsum.attendance import services
from adsum.attendance.ahead import Word
from adsum.attendance.catching_up import catch_ups, leave_catch_up
from adsum.attendance.known import KnownBefore, known_before
from adsum.attendance.labels import WORDS, instructions
from adsum.attendance.reports import Line, absent_before, elsewhere_then
from adsum.attendance.rules import Status
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import expected_students
from adsum.web.acts import carry_out, not_done
from adsum.web.guards import of_class
from adsum.web.middleware import PersonRequest
from adsum.web.templatetags.adsum_ui import status_label
from adsum.web.times import time_of_day

WHY = {
    Word.TOLD: gettext_lazy("Told us of an absence. Nobody has authorised it."),
    Word.UNDER_DECISION: gettext_lazy("Told us of an absence. It is under decision."),
    Word.AUTHORISED: gettext_lazy("The absence is authorised."),
    Word.NOT_EXPECTED: gettext_lazy("Is not expected in this class. Nothing to do."),
    Word.ELSEWHERE: gettext_lazy("Was seen in another class at this time."),
}
"""The reason of a proposal, in the words that teachers may see."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """What a register proposes of one student without a mark."""

    student: Person
    word: str
    why: str
    acceptable: bool
    by_hand: bool = False
    """Accepting it is the teacher's own mark, and never one of many at once: the student may still come."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """What is known of the students of one register."""

    known: KnownBefore
    elsewhere: set[int]
    before: Mapping[int, datetime]
    """Who was absent in the class before, and when it ended."""
    session: int

    def word(self, line: Line) -> Word | None:
        """Why a student without a mark may be away; None where nothing is known, or there is a mark."""
        if not line.expected or (line.mark is not None and line.mark.status != Status.NOT_OBSERVED):
            return None
        word = self.known.word(self.session, line.student.pk)
        return word or (Word.ELSEWHERE if line.student.pk in self.elsewhere else None)

    def about(self, line: Line) -> dict[str, Any]:
        """What the student's seat says of it."""
        word = self.word(line)
        told = {"instruction": " · ".join(instructions(self.known.allowance(self.session, line.student.pk)))}
        return told | ({"note": f"· {WORDS[word]}"} if word else {})

    def proposed(self, lines: Iterable[Line]) -> list[Proposed]:
        """What is proposed, by name."""
        found = (self._proposed(line, self.word(line)) for line in lines)
        return [one for one in found if one is not None]

    def _proposed(self, line: Line, word: Word | None) -> Proposed | None:
        if word:
            return Proposed(line.student, str(WORDS[word]), str(WHY[word]), word != Word.NOT_EXPECTED)
        ended = self.before.get(line.student.pk) if line.expected and line.mark is None else None
        if ended is None:
            return None
        why = _("Was absent in the class before, which ended at %(time)s.") % {"time": time_of_day(ended)}
        return Proposed(line.student, str(status_label(Status.ABSENT)), why, acceptable=True, by_hand=True)


def ahead_of(session: ClassSession, lines: Iterable[Line]) -> Ahead:
    """What is known before this class (four queries)."""
    unmarked = [line.student.pk for line in lines if line.expected and line.mark is None]
    before = absent_before(session, unmarked)
    return Ahead(known_before([session]), elsewhere_then(session, unmarked), before, session.pk)


@of_class("POST")
def accept(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """Accept what is foreseen of one student, or of all."""
    given = request.POST.get("student")
    chosen = [pk for pk, one in expected_students(session).items() if str(one.ref) == given] if given else None
    answer = carry_out(request, lambda act: services.accept_foreseen(session, chosen, act=act))
    if not isinstance(answer, services.Done):
        return not_done(request, answer, session)
    count = len(answer.marks)
    told = ngettext("%(count)s student marked as proposed.", "%(count)s students marked as proposed.", count)
    messages.success(request, told % {"count": count} if count else _("Nothing to accept: they have a mark already."))
    return redirect("class_register", session.ref)


class CatchUpForm(forms.Form):
    """How those who were away catch up."""

    note = forms.CharField(
        label=gettext_lazy("Note"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Students who were absent, or away with permission, read it in their record of this class."),
    )
    link = forms.CharField(
        label=gettext_lazy("Link"),
        required=False,
        max_length=500,
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
        help_text=gettext_lazy("Slides, a recording, a page of the course."),
    )


def catch_up_form(session: ClassSession) -> CatchUpForm:
    """What was last left for those who were away (one query)."""
    known = catch_ups([session.pk]).get(session.pk)
    return CatchUpForm(auto_id="catch_up_%s", initial={"note": known.note, "link": known.link} if known else {})


@of_class("POST")
def catch_up(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """Leave a note or a link, change it, or take it back by emptying both."""
    given = {name: request.POST.get(name, "") for name in ("note", "link")}
    left = leave_catch_up(session, **given, by=request.user, at=request.at)
    messages.success(request, _("Saved. Those who were away can read it now.") if left else _("There is no note now."))
    return redirect("class_register", session.ref)

"""Absences as tests tell of them: days of the week of NINE, in as few words as possible."""

from datetime import timedelta
from typing import Any

from adsum.absence import evidence, terms
from adsum.absence import services as absences
from adsum.absence.decisions import decide, give_absence
from adsum.absence.models import AbsenceRequest
from adsum.absence.reports import span_of
from adsum.absence.rules import PRESETS, Cleaned, FileKind, Limits, Outcome, Spell
from adsum.absence.services import Telling, tell
from adsum.accounts.models import Person
from adsum.attendance.weighing import Act
from tests.kit.deed import Deed, with_
from tests.kit.world import NINE

MONDAY = NINE.date()


def telling(first: int = 0, last: int | None = None, category: str = "illness", **fields: Any) -> Telling:
    """Whole days, counted from the Monday of NINE."""
    spell = Spell(MONDAY + timedelta(days=first), MONDAY + timedelta(days=first if last is None else last))
    starts_at, ends_at = span_of(spell)
    return Telling(category, starts_at, ends_at, spell.first, spell.last, **fields)


def told(student: Person, first: int = 0, last: int | None = None, *, by: Person | None = None, **said: Any) -> AbsenceRequest:
    """A student told of these days, at NINE."""
    at = said.pop("at", NINE)
    return tell(student, telling(first, last, **said), act=Act(by or student, at))


# The deeds

LETTER = Cleaned(FileKind.PDF, b"a letter")


def sent(u: Any) -> Any:
    """A letter that alice sent with what she told."""
    return evidence.keep(told(u.alice, category="jury"), LETTER, act=Act(u.alice, NINE))


def route(u: Any) -> Any:
    everything = {"category": "", "group": u.group, "department": None, "by": u.colleague, "at": NINE}
    return terms.add_route(decider=u.lecturer, deputy=u.colleague, **everything)


ABSENCES: dict[str, Deed] = {
    "absence.tell": Deed(lambda u: lambda: told(u.alice), ["absence.tell", "foreseen.change"], "alice"),
    "absence.withdraw": Deed(
        lambda u: with_(told(u.alice), lambda one: absences.withdraw(one, act=Act(u.alice, NINE))),
        ["absence.withdraw", "foreseen.change"],
        "alice",
    ),
    "absence.share": Deed(
        lambda u: with_(told(u.alice), lambda one: absences.share(one, True, act=Act(u.alice, NINE))),
        ["absence.share"],
        "alice",
    ),
    "absence.decide": Deed(
        lambda u: with_(told(u.alice, category="jury"), lambda one: decide(one, Outcome.WHOLE, act=u.act())),
        ["absence.decide", "foreseen.change"],
        "lecturer",
    ),
    "absence.give_absence": Deed(
        lambda u: with_(told(u.alice, category="jury"), lambda one: give_absence(one, u.colleague, act=u.act())),
        ["absence.give"],
        "lecturer",
    ),
    "absence.keep": Deed(
        lambda u: with_(told(u.alice), lambda one: evidence.keep(one, LETTER, act=Act(u.alice, NINE))),
        ["absence.evidence_add"],
        "alice",
    ),
    "absence.read": Deed(
        lambda u: with_(sent(u), lambda one: evidence.read(one, act=u.act())), ["absence.evidence_read"], "lecturer"
    ),
    "absence.delete": Deed(
        lambda u: with_(sent(u), lambda one: evidence.delete(one, act=Act(u.alice, NINE))), ["absence.evidence_delete"], "alice"
    ),
    "absence.make_terms": Deed(
        lambda u: (
            lambda: terms.make_terms(
                Limits(), valid_from=NINE.date() + timedelta(days=1), today=NINE.date(), by=u.lecturer, at=NINE
            )
        ),
        ["absence.terms"],
        "lecturer",
    ),
    "absence.save_category": Deed(
        lambda u: lambda: terms.save_category(PRESETS["jury"], by=u.lecturer, at=NINE), ["absence.category"], "lecturer"
    ),
    "absence.add_route": Deed(lambda u: lambda: route(u), ["absence.route"], "colleague"),
    "absence.end_route": Deed(
        lambda u: with_(route(u), lambda one: terms.end_route(one, by=u.lecturer, at=NINE)), ["absence.route_end"], "lecturer"
    ),
}
"""Each public verb once, as `actions.DEEDS` has them."""

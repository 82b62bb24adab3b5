"""What messages say, in the language that is active: the letter, its HTML and the page in the product are the same words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.attendance.labels import DELIVERIES, REASONS, STATUSES
from adsum.attendance.rules import QUERY_TO_TEAM_AFTER, TO_DEPARTMENT_AFTER, Reason, Status
from adsum.audit.encoding import Wrong
from adsum.audit.rules import Unusual
from adsum.messages.rules import Kind

MOST = 40
"""How many classes one message names; the rest are a number and a link."""


@dataclass(frozen=True, slots=True)
class Item:
    """One class of a letter: its name and when it is, and what there is to say of it, one sentence a line."""

    title: str
    lines: list[str]
    path: str = ""
    """Where more is said of it."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What one message says. Paths lead from the university's address of Adsum."""

    subject: str
    opening: str
    items: list[Item] = field(default_factory=list)
    closing: list[str] = field(default_factory=list)
    action: tuple[str, str] = ("", "")
    """What the one link at the end says, and where it leads."""


def letter_of(kind: str, facts: Mapping[str, Any]) -> Letter:
    """The letter for one message."""
    return LETTERS[Kind(kind)](facts)


def when(iso: str) -> str:
    """Such as "Monday 23 November, 09:00", in the university's zone."""
    at = localtime(datetime.fromisoformat(iso))
    return f"{date_format(at, 'l j F')}, {at:%H:%M}"


def _span(facts: Mapping[str, Any]) -> str:
    end = localtime(datetime.fromisoformat(facts["ends_at"]))
    return f"{when(facts['starts_at'])}–{end:%H:%M}"


def _place(facts: Mapping[str, Any]) -> str:
    return ", ".join(facts["rooms"]) or _("no room given")


def _named(facts: Mapping[str, Any]) -> str:
    return f"{facts['code']} {facts['title']}, {when(facts['starts_at'])}"


def _rest(found: int) -> list[str]:
    more = found - MOST
    return [ngettext("And %(n)s more class.", "And %(n)s more classes.", more) % {"n": more}] if more > 0 else []


# Classes that changed


def _class_changes(facts: Mapping[str, Any]) -> Letter:
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
        closing=[*_rest(len(classes)), *_comfort(classes, staff=staff)],
        action=(_("See my classes") if staff else _("See my timetable"), path),
    )


def _comfort(classes: list[dict[str, Any]], *, staff: bool) -> list[str]:
    cancelled = any(item["change"] == "cancelled" for item in classes)
    return [_("A cancelled class counts against nobody.")] if cancelled and not staff else []


def _subject(item: Mapping[str, Any], *, staff: bool) -> str:
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


def _changed(item: Mapping[str, Any], *, staff: bool) -> Item:
    before, after = item["before"], item["after"]
    if item.get("over"):
        gone = item["change"] == "cancelled"
        line = (
            _("It was cancelled after it was over. Marks in it stay, and count for nothing.")
            if gone
            else _("It took place after all. Marks in it count again.")
        )
        return Item(_named(item), [line], _class_path(item, staff=staff))
    now = _("Now: %(when)s, %(where)s") % {"when": _span(after), "where": _place(after)}
    was = _("Before: %(when)s, %(where)s") % {"when": _span(before), "where": _place(before)} if before else ""
    planned = {"when": _span(before or after), "where": _place(before or after)}
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
        lines.append(_("Whose class it was is read from names alone. If it was never yours, nothing changes for you."))
    path = "" if item["change"] == "gone" else _class_path(item, staff=staff)  # it is not theirs to open any more
    return Item(f"{item['code']} {item['title']}", [line for line in lines if line], path)


def _class_path(item: Mapping[str, Any], *, staff: bool) -> str:
    return f"/classes/{item['session']}/" if staff else f"/record/classes/{item['session']}/"


# Marks


def status_word(status: str, minutes_late: int = 0) -> str:
    """A status in words, with how late."""
    word = str(STATUSES[Status(status)]) if status else _("No mark")
    return _("%(word)s, %(minutes)s min") % {"word": word, "minutes": minutes_late} if minutes_late else word


def _mark_changes(facts: Mapping[str, Any]) -> Letter:
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
        closing=[*_rest(len(marks)), _("Is something wrong? Open the class and choose “My mark is wrong”. It takes a minute.")],
        action=(_("See my record"), "/record/"),
    )


def _mark(mark: Mapping[str, Any]) -> Item:
    steps = {"before": status_word(mark["before"]), "after": status_word(mark["after"], mark["minutes_late"])}
    words = {"when": when(mark["at"])}
    by = {
        "lecturer": _("Changed by your lecturer on %(when)s.") % words,
        "team": _("Changed by the attendance team on %(when)s.") % words,
    }[mark["by"]]
    lines = [_("%(before)s → %(after)s") % steps, by]
    if mark["reason"]:
        lines.append(_("The reason: %(reason)s.") % {"reason": REASONS[Reason(mark["reason"])]})
    return Item(_named(mark), lines, f"/record/classes/{mark['session']}/")


# Queries


def _query_answered(facts: Mapping[str, Any]) -> Letter:
    upheld = facts["outcome"] == "upheld"
    words = {"title": facts["title"], "status": status_word(facts["mark"])}
    return Letter(
        subject=_("Your query about %(title)s is answered: %(status)s") % words,
        opening=_("You said that a mark of yours was wrong. Somebody has looked at it."),
        items=[
            Item(
                _named(facts),
                [
                    _("The mark was changed: %(status)s.") % words
                    if upheld
                    else _("The mark stays as it is: %(status)s.") % words
                ],
                f"/record/classes/{facts['session']}/",
            )
        ],
        closing=[_("The answer and its reason are on the page of the class.")],
        action=(_("Read the answer"), f"/record/classes/{facts['session']}/"),
    )


def _query_raised(facts: Mapping[str, Any]) -> Letter:
    classes = facts["classes"]
    count = sum(item["queries"] for item in classes)
    waiting = ngettext("%(n)s student asks about a mark.", "%(n)s students ask about their marks.", count) % {"n": count}
    return Letter(
        subject=ngettext("%(n)s query waits for you", "%(n)s queries wait for you", count) % {"n": count},
        opening=waiting,
        items=[_asked(item) for item in classes[:MOST]],
        closing=[*_rest(len(classes)), _("Until you answer, the mark is under query and counts against nobody.")],
        action=(_("See my classes"), "/teaching/"),
    )


def _query_escalated(facts: Mapping[str, Any]) -> Letter:
    classes = facts["classes"]
    count = sum(item["queries"] for item in classes)
    return Letter(
        subject=ngettext("%(n)s query is now yours to answer", "%(n)s queries are now yours to answer", count) % {"n": count},
        opening=ngettext(
            "The lecturers have not answered it in %(days)s working days, so it is the attendance team’s too:",
            "The lecturers have not answered them in %(days)s working days, so they are the attendance team’s too:",
            count,
        )
        % {"days": QUERY_TO_TEAM_AFTER},
        items=[_asked(item) for item in classes[:MOST]],
        closing=[*_rest(len(classes)), _("Until somebody answers, the mark is under query and counts against nobody.")],
        action=(_("See the queries"), "/office/queries/?who=team"),
    )


def _asked(item: Mapping[str, Any]) -> Item:
    count = ngettext("%(n)s query", "%(n)s queries", item["queries"]) % {"n": item["queries"]}
    return Item(_named(item), [count], f"/classes/{item['session']}/")


# Registers


def _no_code(facts: Mapping[str, Any]) -> Letter:
    return Letter(
        subject=_("%(title)s has begun: show the code?") % {"title": facts["title"]},
        opening=_("Your class is under way, and nobody has checked in yet."),
        items=[Item(_named(facts), [_("One tap on “Show code” opens check-in.")], f"/classes/{facts['session']}/")],
        closing=[
            _("No projector? Read the typed code aloud, or tick names by hand."),
            _("If the class does not take place, say so on its page: then it counts against nobody."),
        ],
        action=(_("Open the register"), f"/classes/{facts['session']}/"),
    )


def _not_observed(facts: Mapping[str, Any]) -> Letter:
    classes = facts["classes"]
    subject = ngettext("No register was taken in %(n)s class", "No register was taken in %(n)s classes", len(classes))
    return Letter(
        subject=subject % {"n": len(classes)},
        opening=_("These classes closed without a register, so they count for nobody:"),
        items=[Item(_named(item), [], f"/classes/{item['session']}/") for item in classes[:MOST]],
        closing=[*_rest(len(classes)), _("Have you a list on paper? You can still enter it on the page of the class.")],
        action=(_("See my classes"), "/teaching/"),
    )


def _register_overdue(facts: Mapping[str, Any]) -> Letter:
    classes = facts["classes"]
    subject = ngettext("%(n)s register is now yours to complete", "%(n)s registers are now yours to complete", len(classes))
    return Letter(
        subject=subject % {"n": len(classes)},
        opening=_("No register was taken, and in %(days)s working days no lecturer has completed it:")
        % {"days": TO_DEPARTMENT_AFTER},
        items=[Item(_named(item), [], f"/classes/{item['session']}/") for item in classes[:MOST]],
        closing=[*_rest(len(classes)), _("Complete it, or say why there is none: until then the class counts for nobody.")],
        action=(_("See the registers"), "/office/registers/"),
    )


# Changes that need a second person


def _proposed(item: Mapping[str, Any], *more: str) -> Item:
    text = ngettext("%(n)s mark to become: %(status)s.", "%(n)s marks to become: %(status)s.", item["marks"])
    line = text % {"n": item["marks"], "status": status_word(item["status"])}
    return Item(_named(item), [line, *more], f"/classes/{item['session']}/")


def _proposal_waiting(facts: Mapping[str, Any]) -> Letter:
    classes = facts["classes"]
    subject = ngettext("%(n)s change waits for a second person", "%(n)s changes wait for a second person", len(classes))
    return Letter(
        subject=subject % {"n": len(classes)},
        opening=_("A colleague asks for marks to be changed, which takes two:"),
        items=[_proposed(item) for item in classes[:MOST]],
        closing=[*_rest(len(classes)), _("Until somebody confirms it nothing changes.")],
        action=(_("Decide"), "/office/amendments/"),
    )


def _proposal_decided(facts: Mapping[str, Any]) -> Letter:
    confirmed, words = facts["outcome"] == "confirmed", {"title": facts["title"]}
    subject = _("Your change in %(title)s is confirmed") if confirmed else _("Your change in %(title)s is declined")
    told = _("The marks have changed.") if confirmed else _("Nothing has changed. The register says why, for two weeks.")
    return Letter(
        subject=subject % words,
        opening=_("You asked for marks to be changed, and a colleague has decided."),
        items=[_proposed(facts, told)],
        action=(_("Open the register"), f"/classes/{facts['session']}/"),
    )


# For those who watch over the logs


UNUSUAL = {
    Unusual.MANY_OUTSIDE: gettext_lazy("Many records from outside in one day"),
    Unusual.OUTSIDE: gettext_lazy("Opened from outside the usual relationship"),
    Unusual.MANY_PEOPLE: gettext_lazy("Very many records in one day"),
    Unusual.COLLEAGUE: gettext_lazy("Record of a student who also works here"),
    Unusual.REPEATED: gettext_lazy("One record again and again"),
    Unusual.AT_NIGHT: gettext_lazy("Looked at night"),
    Unusual.MANY_LISTED: gettext_lazy("Very many people in lists in one day"),
    Unusual.MANY_CLASSES: gettext_lazy("Very many registers and modules in one day"),
}
WRONG = {
    Wrong.ALTERED: gettext_lazy("an event was altered"),
    Wrong.REMOVED: gettext_lazy("an event was removed"),
    Wrong.INSERTED: gettext_lazy("an event was inserted afterwards"),
    Wrong.REORDERED: gettext_lazy("events were reordered"),
    Wrong.TRUNCATED: gettext_lazy("the log was cut off"),
    Wrong.REWRITTEN: gettext_lazy("the log was rewritten"),
    Wrong.ROLLED_BACK: gettext_lazy("an older state was restored"),
    Wrong.UNSIGNED: gettext_lazy("a checkpoint is not signed by a key of ours"),
    Wrong.NAMELESS: gettext_lazy("who somebody is was removed, and nobody erased them"),
    Wrong.TREE: gettext_lazy("the stored tree is damaged, the events are right"),
}


def _record_opened(facts: Mapping[str, Any]) -> Letter:
    opened, waiting = facts["opened"], facts["waiting"]
    subject = ngettext("A record was opened from outside", "%(n)s records were opened from outside", opened) % {"n": opened}
    left = ngettext("%(n)s in all waits to be read.", "%(n)s in all wait to be read.", waiting) % {"n": waiting}
    return Letter(
        subject=subject,
        opening=_("Somebody gave a reason and opened a student’s record outside the usual relationship."),
        closing=[_("Who, whose record, for which purpose and in which words, is on the page “Who looked”."), left],
        action=(_("Read the reasons"), "/privacy/access/"),
    )


def _unusual_looks(facts: Mapping[str, Any]) -> Letter:
    monday = date.fromisoformat(facts["monday"])
    week = {"first": date_format(monday, "j F"), "last": date_format(monday + timedelta(days=6), "j F Y")}
    numbers = {Unusual(kind): n for kind, n in facts["numbers"].items()}
    count = sum(numbers.values())
    found = ngettext("%(n)s unusual look at records", "%(n)s unusual looks at records", count) % {"n": count}
    return Letter(
        subject=(found if count else _("No unusual looks at records")) + ", " + _("%(first)s to %(last)s") % week,
        opening=_("A line accuses nobody: most looks have a good reason. It is what you may want to ask about.")
        if count
        else _("Nothing in the access log of this week was unusual."),
        items=[Item(str(UNUSUAL[kind]), [str(n)]) for kind, n in numbers.items()],
        action=(_("See the week"), f"/privacy/access/?week={monday.isoformat()}"),
    )


def _log_wrong(facts: Mapping[str, Any]) -> Letter:
    what = {"what": WRONG[Wrong(facts["wrong"])], "place": facts["place"], "when": when(facts["at"])}
    return Letter(
        subject=_("The event log is not as it was"),
        opening=_("The verification of %(when)s found something wrong. First of all, %(what)s: place %(place)s.") % what,
        closing=[_("Have whoever runs Adsum change nothing, keep a copy of the database, and read docs/audit.md, “Verify”.")],
        action=(_("See the event log"), "/audit/"),
    )


# For the timetabling team


TOUCHED = {
    "new": gettext_lazy("an extra class"),
    "status": gettext_lazy("whether it takes place"),
    "when": gettext_lazy("its time"),
    "rooms": gettext_lazy("its room"),
    "staff": gettext_lazy("who teaches it"),
    "groups": gettext_lazy("for whom it is"),
    "delivery": gettext_lazy("online, or in the room"),
}
"""What a report from the room speaks of."""


def _feed_silent(facts: Mapping[str, Any]) -> Letter:
    feeds = facts["feeds"]
    subject = ngettext("The feed %(name)s is silent", "%(n)s feeds are silent", len(feeds))
    return Letter(
        subject=subject % {"n": len(feeds), "name": feeds[0]["name"]},
        opening=_("Adsum has asked for too long and had no answer. The timetable stays as it was said last."),
        items=[
            Item(
                feed["name"],
                [_("Last answer: %(when)s.") % {"when": when(feed["since"])} if feed["since"] else _("It has never answered.")],
                f"/imports/feeds/{feed['feed']}/",
            )
            for feed in feeds[:MOST]
        ],
        closing=[
            _("The page of the feed says why. It is asked again by itself, and this is the only message until it answers.")
        ],
        action=(_("See how the feeds are"), "/imports/feeds/"),
    )


def _feed_waits(facts: Mapping[str, Any]) -> Letter:
    feeds = facts["feeds"]
    subject = ngettext("What the feed %(name)s says waits for you", "What %(n)s feeds say waits for you", len(feeds))
    return Letter(
        subject=subject % {"n": len(feeds), "name": feeds[0]["name"]},
        opening=_("It would change more than is applied by itself, so nothing of it holds yet and nobody has been told."),
        items=[
            Item(feed["name"], [_("Since %(when)s.") % {"when": when(feed["since"])}], f"/imports/{feed['run']}/")
            for feed in feeds[:MOST]
        ],
        closing=[_("Read the changes, then apply them or set the file aside.")],
        action=(_("See the imports"), "/imports/"),
    )


def _class_reported(facts: Mapping[str, Any]) -> Letter:
    classes = facts["classes"]
    subject = ngettext("%(n)s report from the room waits for you", "%(n)s reports from the room wait for you", len(classes))
    return Letter(
        subject=subject % {"n": len(classes)},
        opening=_("It holds already, and no import changes it. Confirm it, or undo it:"),
        items=[
            Item(
                _named(item), [", ".join(str(TOUCHED[name]) for name in item["touches"])], f"/classes/{item['session']}/change/"
            )
            for item in classes[:MOST]
        ],
        closing=_rest(len(classes)),
        action=(_("Decide them"), "/imports/reports/"),
    )


LETTERS: dict[Kind, Callable[[Mapping[str, Any]], Letter]] = {
    Kind.CLASS_CHANGES: _class_changes,
    Kind.MARK_CHANGES: _mark_changes,
    Kind.QUERY_ANSWERED: _query_answered,
    Kind.QUERY_RAISED: _query_raised,
    Kind.QUERY_ESCALATED: _query_escalated,
    Kind.NO_CODE: _no_code,
    Kind.NOT_OBSERVED: _not_observed,
    Kind.REGISTER_OVERDUE: _register_overdue,
    Kind.PROPOSAL_WAITING: _proposal_waiting,
    Kind.PROPOSAL_DECIDED: _proposal_decided,
    Kind.FEED_SILENT: _feed_silent,
    Kind.FEED_WAITS: _feed_waits,
    Kind.CLASS_REPORTED: _class_reported,
    Kind.RECORD_OPENED: _record_opened,
    Kind.UNUSUAL_LOOKS: _unusual_looks,
    Kind.LOG_WRONG: _log_wrong,
}
KINDS = {
    Kind.CLASS_CHANGES: gettext_lazy("Changes of the timetable"),
    Kind.MARK_CHANGES: gettext_lazy("Changes of marks"),
    Kind.QUERY_ANSWERED: gettext_lazy("An answer to a query"),
    Kind.QUERY_RAISED: gettext_lazy("Queries that wait"),
    Kind.QUERY_ESCALATED: gettext_lazy("Queries that have waited too long"),
    Kind.NO_CODE: gettext_lazy("A class without its code"),
    Kind.NOT_OBSERVED: gettext_lazy("A class without a register"),
    Kind.REGISTER_OVERDUE: gettext_lazy("Registers for the department to complete"),
    Kind.PROPOSAL_WAITING: gettext_lazy("Changes that wait for a second person"),
    Kind.PROPOSAL_DECIDED: gettext_lazy("What became of a change one asked for"),
    Kind.FEED_SILENT: gettext_lazy("A feed without an answer"),
    Kind.FEED_WAITS: gettext_lazy("A feed that waits to be read"),
    Kind.CLASS_REPORTED: gettext_lazy("Reports from the room that wait"),
    Kind.RECORD_OPENED: gettext_lazy("A record opened from outside"),
    Kind.UNUSUAL_LOOKS: gettext_lazy("The week’s unusual looks"),
    Kind.LOG_WRONG: gettext_lazy("An event log that is wrong"),
}

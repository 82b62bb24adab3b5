"""What an event of the log says, in the words of somebody who reads it: never its code alone."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.accounts.rules import Role
from adsum.attendance.labels import STATUSES
from adsum.attendance.rules import Status
from adsum.web.oversight.events_of_classes import OF_CLASSES
from adsum.web.oversight.events_of_people import OF_PEOPLE
from adsum.web.role_labels import ROLES

SENTENCES = OF_CLASSES | OF_PEOPLE
FAMILIES = {
    "scan": gettext_lazy("Tried to check in"),
    "export": gettext_lazy("Took a list or a record as a file"),
    "import": gettext_lazy("Changed by an import"),
    "gate": gettext_lazy("Noticed something about check-in"),
    "sample": gettext_lazy("Drew a sample for evidence packs"),
    "privacy": gettext_lazy("Ended data, or decided about it"),
    "message": gettext_lazy("Something became of a message"),
}
"""Kinds that come in as many forms as there are things: what is said of those without a sentence of their own."""
IMPORTED = {
    "new": gettext_lazy("Added by an import: %(thing)s"),
    "changed": gettext_lazy("Changed by an import: %(thing)s"),
    "gone": gettext_lazy("Taken out by an import: %(thing)s"),
}
THINGS = {
    "person": gettext_lazy("a person"),
    "grant": gettext_lazy("a role"),
    "leader": gettext_lazy("the leading of a module"),
    "identifier": gettext_lazy("a number of another system"),
    "enrolment": gettext_lazy("an enrolment"),
    "group_staff": gettext_lazy("the teaching of a group"),
    "department": gettext_lazy("a department"),
    "group": gettext_lazy("a group"),
    "module": gettext_lazy("a module"),
    "course": gettext_lazy("a course"),
    "term": gettext_lazy("a term"),
    "room": gettext_lazy("a room"),
    "site": gettext_lazy("a site"),
    "place": gettext_lazy("a place in a group"),
}
SUBJECTS = {
    "session": gettext_lazy("a class that is gone"),
    "alert": gettext_lazy("a reminder"),
    "absence": gettext_lazy("an absence"),
    "message": gettext_lazy("a message"),
    "module": gettext_lazy("a module"),
    "group": gettext_lazy("a group"),
    "import": gettext_lazy("an import"),
    "gate": gettext_lazy("check-in"),
    "opening": gettext_lazy("check-in of a class"),
    "key": gettext_lazy("a key"),
    "rights": gettext_lazy("a request about personal data"),
    "access_file": gettext_lazy("a file of personal data"),
    "erasure": gettext_lazy("an erasure"),
    "retention": gettext_lazy("a run of retention"),
    "alias": gettext_lazy("a name in the log"),
    "checkpoint": gettext_lazy("a checkpoint"),
    "looks": gettext_lazy("who looked"),
    "role": gettext_lazy("a role"),
    "application": gettext_lazy("an application"),
    "webhook": gettext_lazy("a webhook"),
}
"""What an event is about, where it is no person and no class that is still here."""
DETAILS = {
    "after": gettext_lazy("after"),
    "before": gettext_lazy("before"),
    "query": gettext_lazy("query"),
    "reason": gettext_lazy("reason"),
    "reason_code": gettext_lazy("kind of reason"),
    "change": gettext_lazy("change"),
    "scan": gettext_lazy("scan"),
    "state": gettext_lazy("state"),
    "role": gettext_lazy("role"),
    "department": gettext_lazy("department"),
    "slot": gettext_lazy("screen"),
    "fields": gettext_lazy("what changed"),
    "student": gettext_lazy("student"),
    "person": gettext_lazy("person"),
    "purpose": gettext_lazy("purpose"),
    "source": gettext_lazy("source"),
    "outcome": gettext_lazy("outcome"),
    "classes": gettext_lazy("classes"),
    "version": gettext_lazy("version"),
}


def sentence_of(verb: str) -> str:
    """An event's kind as a sentence; for a kind that nobody gave one, that of its family."""
    if verb in SENTENCES:
        return str(SENTENCES[verb])
    family, _dot, rest = verb.partition(".")
    thing, _dot, how = rest.partition(".")
    if family == "import" and how in IMPORTED:
        return str(IMPORTED[how]) % {"thing": THINGS.get(thing, thing.replace("_", " "))}
    if family.startswith("sample_"):
        family = "sample"
    return str(FAMILIES.get(family, verb))


def has_a_sentence(verb: str) -> bool:
    """Whether a kind of event is said in words, and not by its code."""
    return sentence_of(verb) != verb


def subject_of(kind: str) -> str:
    """What an event is about, from the kind of its subject."""
    return str(SUBJECTS.get(kind, kind.replace("_", " ")))


def actor_of(text: str) -> str:
    """Who did it, where it was no person: Adsum itself."""
    return _("Adsum") if text.startswith("system:") or not text else text


def detail_name(name: str) -> str:
    """What a detail is called."""
    return str(DETAILS.get(name, name.replace("_", " ")))


def detail_value(name: str, value: str) -> str:
    """A detail in words: the name of a status or a role, yes and no."""
    if name in {"before", "after", "status"} and value in set(Status):
        return str(STATUSES[Status(value)])
    if name == "role" and value in set(Role):
        return str(ROLES[Role(value)])
    return {"True": _("yes"), "False": _("no")}.get(value, value)

"""Everything people are told, by topic: a new one is a file here that says TOPIC, and one line below."""

from importlib import import_module

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.messages.letter import MOST, Facts, Item, Letter
from adsum.messages.models import WEEK
from adsum.messages.topic import Kind, Topic

NAMES = (
    "classes",
    "marks",
    "queries",
    "registers",
    "absences",
    "adjustments",
    "amendments",
    "feeds",
    "ordered",
    "oversight",
    "funding",
    "rehearsal",
    "reminders",
    "reaching",
    "rights",
    "support",
    "decisions",
    "compliance",
)  # fmt: skip
TOPICS: dict[str, Topic] = {name: import_module(f"{__package__}.{name}").TOPIC for name in NAMES}


def _week(facts: Facts) -> Letter:
    """The week's letter: each message by what it says first, and where to read the rest."""
    letters = [letter_of(kind, its) for kind, its in facts["messages"]]
    count = len(letters)
    return Letter(
        subject=ngettext("Your week: %(n)s message", "Your week: %(n)s messages", count) % {"n": count},
        opening=_("This is what there is to tell you since the last letter. You can read all of it in Adsum."),
        items=[Item(one.subject, [one.opening, *(item.title for item in one.items)], "/messages/") for one in letters[:MOST]],
        closing=[_("Would you rather have each at once, or none by mail? Choose under Messages.")],
        action=(_("Read my messages"), "/messages/"),
    )


KINDS: dict[str, Kind] = {kind.name: kind for topic in TOPICS.values() for kind in topic.kinds}
KINDS[WEEK] = Kind(WEEK, gettext_lazy("The week’s letter"), _week, mutable=False)


def formal_kinds() -> list[str]:
    """The kinds that are formal."""
    return [kind.name for kind in KINDS.values() if kind.formal]


def followed_kinds() -> list[str]:
    """Those of them that go on from channel to channel until they are opened."""
    return [kind.name for kind in KINDS.values() if kind.formal and not kind.everywhere]


def letter_of(kind: str, facts: Facts) -> Letter:
    """The letter for one message."""
    return KINDS[kind].letter(facts)

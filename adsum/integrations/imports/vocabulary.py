"""The words that timetables use, in the languages we have met, for the kinds of class and ways of teaching we know."""

import re

from adsum.timetable.rules import Delivery, Kind

KINDS = {
    Kind.LECTURE: "lecture lectures lec plenary darlith darlithoedd föreläsning forelasning genomgång",
    Kind.SEMINAR: "seminar seminars sem seminarium seminarau",
    Kind.TUTORIAL: "tutorial tutorials tut tiwtorial tiwtorialau exercise exercises övning räkneövning",
    Kind.LAB: "lab labs laboratory practical practicals prac labordy ymarferol laboration datorlaboration datorövning",
    Kind.WORKSHOP: "workshop workshops gweithdy gweithdai studio fieldwork grupparbete",
    Kind.SUPERVISION: "supervision meeting goruchwyliaeth handledning konsultation",
    Kind.EXAM: "exam exams examination test arholiad arholiadau tentamen omtentamen dugga examination",
    Kind.OTHER: "other arall övrigt",
}
WORDS = {word: kind for kind, words in KINDS.items() for word in words.split()}
DELIVERIES = {
    Delivery.IN_PERSON: {"in_person", "in-person", "in person", "campus", "face-to-face", ""},
    Delivery.REMOTE: {"remote", "online", "virtual", "distance"},
    Delivery.HYBRID_OPTIONAL: {"hybrid_optional", "hybrid", "hyflex"},
}
YES = frozenset({"true", "yes", "1", "y"})
NO = frozenset({"false", "no", "0", "n"})


def kind_in(text: str, own: dict[str, Kind] | None = None) -> Kind | None:
    """The first word of the text that names a kind of class; a source's own words come first."""
    for word in re.findall(r"\w+", text.casefold()):
        found = (own or {}).get(word) or WORDS.get(word)
        if found:
            return found
    return None


def delivery_in(text: str) -> Delivery | None:
    """How a class is taught, when the text is one of the words for it."""
    wanted = text.strip().casefold()
    return next((delivery for delivery, words in DELIVERIES.items() if wanted in words), None)

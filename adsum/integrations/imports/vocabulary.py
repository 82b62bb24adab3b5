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
_OFF = (
    r"(?:cancell?ed|wedi\W?i (?:g|ch)anslo|wedi ei (?:g|ch)anslo|wedi\W?u canslo|canslwyd|(?:curtha )?ar ceal|abgesagt|"
    r"entfällt|entfallen|fällt aus|ausgefallen|annulée?|cancelad[oa]|cancel·lad[oa]|annullat[oa]|anulat|geannuleerd|afgelast|"
    r"inställ[td]|avbokad|avlyst|aflyst|peruttu|peruutettu|odwołan[eya]|zrušen[oeýá]|lemondva|törölve|отмен[её]н[ао]?|"
    r"скасован[оа]|ακυρώθηκε|iptal(?: edildi)?|已取消|キャンセル(?:済み)?|취소됨)"
)
CANCELLED = rf"(?:{_OFF}|cancellation)"
"""Ways to say it that calendars put into a title, ours among them (`files/calendars.py`)."""
_CLASS = r"(?:event|class|lecture|seminar|session|meeting|tutorial|workshop|lab)"
_WHY = r" (?:due to|because|owing to|as|by|until|this week|today)\b"
_BEFORE = re.compile(
    rf"^\W*(?:{CANCELLED}(?: {_CLASS})?|(?:this )?{_CLASS} (?:is |was |has been )?{_OFF})"
    r"(?: ?[\])}*!:：,.|/–—-]\W*|$|(?-i: (?=[A-Z]{2,}[ -]?\d)))",
    re.IGNORECASE,
)
_LOUD = re.compile(rf"^\W*({CANCELLED})\W+", re.IGNORECASE)
_WITHIN = re.compile(
    rf" ?[\[({{*|] ?(?:{_CLASS} )?{CANCELLED}(?:(?: ?[:,;–—-]|{_WHY})[^\])}}*|]{{0,100}})? ?[\])}}*|] ?", re.IGNORECASE
)
_AFTER = re.compile(
    r"(?<=[ \[({*:：,;|/–—-])(?<!not )(?<!not been )(?<!no longer )(?:(?:is|was|has been) )?"
    rf"(?:{CANCELLED}|(?<=[:：,;|/–—-] )(?:{_CLASS} )?{_OFF}{_WHY}.{{0,100}})[ \])}}*!.]*$",
    re.IGNORECASE,
)
_EDGES = " :：,;|/–—-[({*"
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


def cancelled_in(title: str) -> tuple[bool, str]:
    """Whether a title says that its class is cancelled, and the title without that: “Canceled: Algorithms”, “[CANCELLED]
    Algorithms”, “Algorithms – cancelled”. A class about something cancelled is not."""
    title = " ".join(title.split())
    if (loud := _LOUD.match(title)) and loud[1].isupper():
        return True, title[loud.end() :]
    for pattern in (_BEFORE, _WITHIN, _AFTER):
        if pattern.search(title):
            return True, pattern.sub(" ", title, count=1).strip(" ").rstrip(_EDGES)
    return False, title

"""What a student reads first at each stage, where a university has words of its own. Placeholders stand in braces. Pure.

Only the subject and the opening are theirs: the classes, the sum, how to say that a mark is wrong, what closes the record and
what happens next stand in every message (docs/rules.md A 16).
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

FIRST = "en-gb"
"""The language in which a university writes its wording first. Words in others are used once a named reader has read them."""
PLACEHOLDERS = ("name", "why", "classes")
"""The student's name; the sentence that says why; how many missed classes it rests on."""
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
LONGEST_SUBJECT, LONGEST_BODY = 150, 1_000


class Wording(NamedTuple):
    """The words of one stage in one language."""

    stage: int
    language: str
    subject: str
    body: str

    def wrong(self) -> str | None:
        """What is wrong with it, as a code; None: nothing. `unknown_placeholder`, `half`, `too_long` or `brace`."""
        both = f"{self.subject} {self.body}"
        if not self.subject.strip() or not self.body.strip():
            return "half"
        if len(self.subject) > LONGEST_SUBJECT or len(self.body) > LONGEST_BODY:
            return "too_long"
        if any(name not in PLACEHOLDERS for name in _PLACEHOLDER.findall(both)):
            return "unknown_placeholder"
        return "brace" if set(_PLACEHOLDER.sub("", both)) & {"{", "}"} else None


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders filled in, once: what is filled in is never read for more."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def chosen(wordings: Iterable[Wording], stage: int, language: str) -> Wording | None:
    """The words of a stage in a reader's language. Another language never stands in for it: then Adsum's own words do."""
    return next((one for one in wordings if (one.stage, one.language) == (stage, language)), None)

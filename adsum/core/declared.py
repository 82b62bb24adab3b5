"""What each field is kept for: why, what kind of data it is, where it comes from, how long it is kept and what happens then.

Each table has a declaration beside it, as its attribute `declared`:

    declared = declare("student", Keep.CASES, For.SUPPORT, From.STAFF, people="by", facts="at", words="words")

Retention, subject access, erasure and docs/data.md read nothing else. A field that no declaration names fails a test
(tests/privacy/test_declared.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class For(StrEnum):
    """What data is kept for (docs/rules.md D 1). The controller gives each its lawful basis."""

    TEACHING = "teaching_engagement"
    SUPPORT = "pastoral_support"
    FUNDING = "funding_assurance"
    SPONSOR = "sponsor_compliance"
    FRAUD = "fraud_prevention"
    AUDIT = "system_audit"
    RIGHTS = "data_protection_rights"
    """Requests, complaints and disclosures under data-protection law."""
    SERVICE = "running_the_service"
    """Signing in, sending mail, knowing where classes are: what nothing works without."""


class Class(StrEnum):
    ORDINARY = "ordinary"
    SPECIAL = "special"
    """Special category, such as health; and text in somebody's own words, which may always hold some."""
    SECRET = "secret"  # noqa: S105 (the class, not one of them)
    """A password, key or credential, or its fingerprint."""


class From(StrEnum):
    """Where it comes from."""

    PERSON = "person"
    """The person it is about."""
    STAFF = "staff"
    RECORDS = "records"
    """The student record, the timetable or another system of the university."""
    BROWSER = "browser"
    """What a phone or browser sends."""
    ADSUM = "adsum"
    """Worked out here."""


class Keep(StrEnum):
    """How long: a class of retention. Each student has a key of their own for each class that holds sealed text."""

    NETWORK = "network"
    SCANS = "scans"
    SIGN_INS = "sign_ins"
    IMPORTS = "imports"
    EVIDENCE = "evidence"
    LOOKS = "looks"
    CONTACT = "contact"
    MESSAGES = "messages"
    ATTENDANCE = "attendance"
    CASES = "cases"
    COMPLIANCE = "compliance"
    RIGHTS = "rights"
    ACCOUNTS = "accounts"
    FOREVER = "forever"


class After(StrEnum):
    """What a life is counted from."""

    EVENT = "event"
    """The moment that the table names (`Table.since`)."""
    RELATIONSHIP = "relationship"
    """The day on which the last enrolment ended."""
    OWN = "own"
    """A day kept in the row itself, or set by the verb that ends it."""
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Life:
    """So many days after something; longer for sponsored students."""

    after: After
    days: int = 0
    sponsored: int = 0
    """For students who were sponsored; 0: the same as for everyone."""

    def days_for(self, *, sponsored: bool) -> int:
        return max(self.days, self.sponsored) if sponsored else self.days


YEAR = 365
LIVES: Mapping[Keep, Life] = {
    Keep.NETWORK: Life(After.EVENT, 30),
    Keep.SCANS: Life(After.EVENT, 90),
    Keep.SIGN_INS: Life(After.OWN),
    Keep.IMPORTS: Life(After.EVENT, 90),
    Keep.EVIDENCE: Life(After.OWN),
    Keep.LOOKS: Life(After.EVENT, 2 * YEAR),
    Keep.CONTACT: Life(After.RELATIONSHIP, YEAR),
    Keep.MESSAGES: Life(After.RELATIONSHIP, YEAR, sponsored=2 * YEAR),
    Keep.ATTENDANCE: Life(After.RELATIONSHIP, YEAR, sponsored=2 * YEAR),
    Keep.CASES: Life(After.RELATIONSHIP, 6 * YEAR),
    Keep.COMPLIANCE: Life(After.RELATIONSHIP, 6 * YEAR),
    Keep.RIGHTS: Life(After.RELATIONSHIP, 6 * YEAR),
    Keep.ACCOUNTS: Life(After.RELATIONSHIP, 6 * YEAR),
    Keep.FOREVER: Life(After.NEVER),
}
"""How long each class is kept (docs/rules.md D 5)."""


class AtEnd(StrEnum):
    """What happens to a field at the end of its life, or when its person is erased."""

    ERASE = "erase"
    """Emptied, or gone with its row."""
    PSEUDONYMISE = "pseudonymise"
    """It leads to a person of whom nothing is known any more."""
    KEEP = "keep"
    """It stays, and the ground says why it may."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field, declared. (`klass`: `class` is Python's word.)"""

    purpose: For
    klass: Class
    source: From
    keep: Keep
    at_end: AtEnd
    ground: str = ""
    """Why it is kept, where it is; in words that a data-protection officer reads."""
    text: bool = False
    """It may hold somebody’s words or name: what an erasure has to find."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table, declared."""

    fields: Mapping[str, Field]
    keep: Keep
    """How long its rows are kept; a field may have a shorter life."""
    person: str = ""
    """How a row leads to the person it is about (`student`, `request__student`); empty when it is about no one."""
    rows: AtEnd = AtEnd.PSEUDONYMISE
    """Whether rows go at the end (ERASE), or stay with their fields emptied."""
    since: str = ""
    """The moment from which a life is counted that does not hang on the relationship, such as `created_at`."""
    nightly: str = ""
    """The verb of its feature that ends what is over by its own time, by its dotted name: called every night with `at`."""
    verb: str = ""
    """The verb of its feature that ends rows of students who left, where following the declaration is not enough: called with
    the ids of rows (of people, where no path leads to them) and `at`."""

    @property
    def about_people(self) -> bool:
        return bool(self.person)


PART_OF_THE_RECORD = "It says nothing of anybody once the person that it leads to is erased, and sums stay right."


def declare(
    person: str,
    keep: Keep,
    purpose: For,
    source: From,
    *,
    facts: str = "",
    people: str = "",
    names: str = "",
    words: str = "",
    special: str = "",
    secrets: str = "",
    sooner: Mapping[Keep, str] | None = None,
    goes: bool = False,
    since: str = "",
    nightly: str = "",
    verb: str = "",
    ground: str = PART_OF_THE_RECORD,
) -> Table:
    """The declaration of a table, its fields named in groups, separated by spaces:

    `facts` tell nothing of anybody without the person the row leads to: times, states, codes, references to classes;
    `people` lead to a person (the first is `person` itself, where that is a column of the table); `names` are by themselves
    what a person is called or reached by; `words` are free text; `special` is special category; `secrets` are credentials.
    `sooner` gives some of them a shorter life than the rest, at the end of which they are emptied. `goes`: the whole row goes
    at the end.
    """
    if person not in {"", "id"} and "__" not in person:
        people = f"{person} {people}"
    stays = AtEnd.ERASE if goes else AtEnd.KEEP
    groups = (
        (facts, Class.ORDINARY, stays, False),
        (people, Class.ORDINARY, AtEnd.ERASE if goes else AtEnd.PSEUDONYMISE, False),
        (names, Class.ORDINARY, AtEnd.ERASE, True),
        (words, Class.SPECIAL, AtEnd.ERASE, True),
        (special, Class.SPECIAL, AtEnd.ERASE, False),
        (secrets, Class.SECRET, AtEnd.ERASE, True),
    )
    early = {name: one for one, listed in (sooner or {}).items() for name in listed.split()}
    fields: dict[str, Field] = {}
    for listed, klass, at_end, text in groups:
        for name in listed.split():
            if name in fields:
                raise ValueError(f"{name} is declared twice")
            end = AtEnd.ERASE if name in early else at_end
            because = ground if end == AtEnd.KEEP else ""
            fields[name] = Field(purpose, klass, source, early.get(name, keep), end, because, text)
    if unknown := early.keys() - fields.keys():
        raise ValueError(f"{', '.join(sorted(unknown))} end sooner, but belong to no group")
    return Table(fields, keep, person, AtEnd.ERASE if goes else AtEnd.PSEUDONYMISE, since, nightly, verb)


SETTING = "It is how the university works, and tells nothing of a student."


def about_no_one(facts: str, *, people: str = "", words: str = "", secrets: str = "", keep: Keep = Keep.FOREVER) -> Table:
    """The declaration of a table that tells nothing of a student: what the university is made of, and how it works.
    `people` are staff who set it; `words` are theirs, and meant to be read."""
    texts, hidden = words.split(), secrets.split()
    kept = dict.fromkeys([*facts.split(), *texts], AtEnd.KEEP)
    kept |= dict.fromkeys(people.split(), AtEnd.PSEUDONYMISE) | dict.fromkeys(hidden, AtEnd.ERASE)
    return Table(
        {
            name: Field(
                For.SERVICE,
                Class.SECRET if name in hidden else Class.ORDINARY,
                From.STAFF,
                keep,
                end,
                SETTING if end == AtEnd.KEEP else "",
                text=name in texts or name in hidden,
            )
            for name, end in kept.items()
        },
        keep,
        rows=AtEnd.KEEP,
    )

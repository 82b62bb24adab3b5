"""What only the university can say about its use of data: who is responsible, and for each purpose on what lawful basis
(docs/rules.md D 1). Until it has said that, an installation is not ready.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from adsum.core.declared import For


class Document(StrEnum):
    """Documents that fill themselves in."""

    STUDENT_NOTICE = "student_notice"
    STAFF_NOTICE = "staff_notice"
    DPIA = "dpia"
    PROCESSING = "processing"
    """The record of processing."""
    ACCESSIBILITY = "accessibility"


class Basis(StrEnum):
    """Article 6 of the UK GDPR."""

    PUBLIC_TASK = "public_task"
    LEGAL_OBLIGATION = "legal_obligation"
    CONTRACT = "contract"
    LEGITIMATE_INTERESTS = "legitimate_interests"
    RECOGNISED_INTERESTS = "recognised_interests"
    """Such as safeguarding, since 2026."""
    VITAL_INTERESTS = "vital_interests"
    CONSENT = "consent"


class Condition(StrEnum):
    """Article 9, where special-category data is used for the purpose."""

    NONE = ""
    PUBLIC_INTEREST = "public_interest"
    """Substantial public interest, with Schedule 1 of the Data Protection Act 2018."""
    SOCIAL_PROTECTION = "social_protection"
    HEALTH_CARE = "health_care"
    EXPLICIT_CONSENT = "explicit_consent"
    LEGAL_CLAIMS = "legal_claims"


ALWAYS = frozenset({For.TEACHING, For.SUPPORT, For.AUDIT, For.RIGHTS, For.SERVICE, For.FRAUD})
"""Purposes without which there is no Adsum. The others a university may not pursue at all."""
MAY_BE_SPECIAL = frozenset({For.SUPPORT})
"""Purposes for which reasons of absences, evidence and notes are kept, which may be about health: they need a condition."""


@dataclass(frozen=True, slots=True)
class Pursued:
    """What a university says of one purpose."""

    basis: str = ""
    condition: str = ""
    recipients: str = ""
    """To whom it goes outside the university, in its own words."""
    pursued: bool = True


@dataclass(frozen=True, slots=True)
class Says:
    """What a university says of itself as controller."""

    controller: str = ""
    """Its legal name."""
    address: str = ""
    registration: str = ""
    """Its number in the Information Commissioner's register."""
    officer_email: str = ""
    officer_telephone: str = ""
    officer_post: str = ""
    accessibility_email: str = ""
    transfers: str = ""
    """To which countries outside the United Kingdom data goes, and with which safeguard; empty: to none."""
    purposes: Mapping[For, Pursued] = field(default_factory=dict)

    def of(self, purpose: For) -> Pursued:
        return self.purposes.get(purpose, Pursued())

    def pursued(self) -> list[For]:
        """The purposes that it pursues, in their order."""
        return [one for one in For if one in ALWAYS or self.of(one).pursued]

    def as_json(self) -> dict[str, Any]:
        kept = {name: getattr(self, name) for name in self.__slots__ if name != "purposes"}
        return kept | {"purposes": {one.value: asdict(said) for one, said in sorted(self.purposes.items())}}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Says":
        plain = {name: kept.get(name, "") for name in cls.__slots__ if name != "purposes"}
        known = {one.value for one in For}
        purposes = {For(one): Pursued(**said) for one, said in kept.get("purposes", {}).items() if one in known}
        return cls(**plain, purposes=purposes)


class Missing(StrEnum):
    """What has to be said before people come."""

    CONTROLLER = "controller"
    CONTACT = "contact"
    """A mailbox and another way to reach the data-protection officer."""
    BASIS = "basis"
    CONDITION = "condition"
    ACCESSIBILITY = "accessibility"


def missing(says: Says) -> list[tuple[Missing, For | None]]:
    """What is not said yet; an installation is ready when nothing is."""
    found: list[tuple[Missing, For | None]] = []
    if not says.controller or not says.address:
        found.append((Missing.CONTROLLER, None))
    if not says.officer_email or not (says.officer_telephone or says.officer_post):
        found.append((Missing.CONTACT, None))
    if not says.accessibility_email:
        found.append((Missing.ACCESSIBILITY, None))
    for purpose in says.pursued():
        said = says.of(purpose)
        if not said.basis:
            found.append((Missing.BASIS, purpose))
        if purpose in MAY_BE_SPECIAL and not said.condition:
            found.append((Missing.CONDITION, purpose))
    return found

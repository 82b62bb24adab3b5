"""What a provider's answer is worth: whether it proves two factors, which roles it gives. Pure; the tables are in the tests.

Sources: RFC 8176 (amr), OpenID Connect Core 2 (acr), Entra's authentication contexts (acrs), SAML 2.0 Authentication
Context, the REFEDS MFA profile.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from adsum.accounts.rules import NEVER_CLAIMED, STAFF, Role
from adsum.integrations.sign_in.claims import is_plain

SPEAKS_OF_FACTORS = ("amr", "acr", "acrs", "context")
"""Where a provider says how a person signed in: three claims of OpenID Connect, and SAML's AuthnContextClassRef."""
ASKABLE = ("acr", "acrs", "context")
"""Those that can be asked for; `amr` only reports."""

OIDC_RULE = ("amr=mfa", "acr=https://refeds.org/profile/mfa", "acr=phr", "acr=phrh")
ENTRA_RULE = ("amr=mfa", "amr=ngcmfa")
SAML_RULE = (
    "context=https://refeds.org/profile/mfa",
    "context=http://schemas.microsoft.com/claims/multipleauthn",
    "context=urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract",
)
"""What counts unless the provider's own rule says otherwise."""


def entry(line: str) -> tuple[str, frozenset[str]] | None:
    """One line of a rule, such as `acr=phr` or `amr=pwd+otp` (all of them); None when it is not one."""
    name, sign, wanted = line.strip().partition("=")
    parts = wanted.split("+") if name == "amr" else [wanted]
    values = frozenset(part.strip() for part in parts)
    return (name, values) if sign and name in SPEAKS_OF_FACTORS and all(values) else None


def proves_two_factors(rule: Iterable[str], said: Mapping[str, frozenset[str]]) -> bool:
    """Whether what was said meets one line of the rule. If nothing was said, nothing is proved."""
    lines = [found for line in rule if (found := entry(line))]
    return any(values <= said.get(name, frozenset()) for name, values in lines)


def to_ask_for(rule: Iterable[str]) -> dict[str, list[str]]:
    """What a provider can be asked for so that the rule is met: values by the place they will be said."""
    asked: dict[str, list[str]] = {}
    for found in map(entry, rule):
        if found and found[0] in ASKABLE:
            asked.setdefault(found[0], []).extend(found[1])
    return asked


def values_of(said: Any) -> frozenset[str]:
    """The texts in a claim, whether it is one or a list of them, in any order. Anything else says nothing."""
    several = said if isinstance(said, list | tuple) else [said]
    texts = (one.strip() for one in several if isinstance(one, str))
    return frozenset(text for text in texts if text and is_plain(text))


class SecondStep(StrEnum):
    """What happens about the second factor at a sign-in through a provider."""

    PROVEN = "proven"
    NOT_NEEDED = "not_needed"
    HERE = "here"
    """Not proved there, but the person has a second step here: it is asked for."""
    MISSING = "missing"
    """Refused."""


def second_step(*, proven: bool, roles: Iterable[Role], students_too: bool, has_one_here: bool) -> SecondStep:
    """Staff need two factors, always; everyone else where the provider's policy says so."""
    if proven:
        return SecondStep.PROVEN
    if not (students_too or STAFF & frozenset(roles)):
        return SecondStep.NOT_NEEDED
    return SecondStep.HERE if has_one_here else SecondStep.MISSING


def roles_claimed(
    rules: Sequence[Mapping[str, str]], said: frozenset[str], *, administrators: bool
) -> frozenset[tuple[Role, str]]:
    """The roles that values of the claim stand for, each with its department's code ('' for the whole university).

    `rules` are rows of value, role and department. They give the role of an administrator only where the provider may do so,
    and never a role in NEVER_CLAIMED.
    """
    known = {(row["value"], Role(row["role"]), row.get("department", "")) for row in rules if row["role"] in set(Role)}
    barred = NEVER_CLAIMED if administrators else NEVER_CLAIMED | {Role.ADMINISTRATOR}
    return frozenset((role, department) for value, role, department in known if value in said and role not in barred)

"""How what a provider says is read: which one value a claim holds, in whatever form it came, and how two are compared. Pure.

Sources: JSON Web Token (RFC 7519), SAML Subject Identifier Attributes 1.0 (3.3.1, 3.4.1: compared without case), eduPerson
(eduPersonPrincipalName: caseIgnoreMatch), Entra ID's optional claims and group overage.
"""

import unicodedata
from collections.abc import Mapping
from typing import Any

WITHOUT_CASE = frozenset(
    {
        "eppn",
        "edupersonprincipalname",
        "eduperson_principal_name",
        "subject-id",
        "subject_id",
        "pairwise-id",
        "pairwise_id",
        "upn",
        "urn:oid:1.3.6.1.4.1.5923.1.1.1.6",
        "urn:oasis:names:tc:saml:attribute:subject-id",
        "urn:oasis:names:tc:saml:attribute:pairwise-id",
    }
)
"""Names of claims, and kinds of identifier, whose values mean the same in capitals."""
NAMES_OF_GUESTS = ("preferred_username", "upn", "unique_name", "email")
EXTERNAL = "#EXT#"
"""What Entra ID writes into the user name of a guest from elsewhere."""
MOST_DIGITS = 40


def is_plain(text: str) -> bool:
    """Whether a text holds nothing that a database or a page cannot: no control character, no half of a surrogate pair."""
    return not any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in text)


def text_of(value: Any) -> str:
    """The one text in a claim: a text (spaces around it are dropped), a whole number, or a list with only one such value. ''
    when there is none, or several."""
    if isinstance(value, list | tuple):
        several = {text_of(one) for one in value if not isinstance(one, list | tuple)}
        return several.pop() if len(several) == 1 else ""
    if isinstance(value, bool):
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if isinstance(value, int):
        return str(value) if 0 <= value < 10**MOST_DIGITS else ""
    text = value.strip() if isinstance(value, str) else ""
    return text if is_plain(text) else ""


def kind_of(value: Any) -> str:
    """The form in which a claim came, for the log; never its content."""
    match value:
        case None:
            return "missing"
        case bool():
            return "true or false"
        case int() | float():
            return "number"
        case str():
            return "text" if is_plain(value.strip()) else "text with control characters"
        case list() | tuple():
            return f"list of {len(value)}"
        case _:
            return "object"


def shape_of(text: str) -> str:
    """A hint of a value: its ends and its length. Enough to find it in a list, too little to use it."""
    return f"{text[:2]}…{text[-1:]} ({len(text)} characters)" if len(text) > 4 else f"{len(text)} characters"


def compared_without_case(*names: str) -> bool:
    """Whether the standard behind a claim, or behind a kind of identifier, says so."""
    return any(name.strip().casefold() in WITHOUT_CASE for name in names)


def left_out(claims: Mapping[str, Any], name: str) -> bool:
    """Whether the provider says that it has this claim, and that it was too long to send: Entra ID with more than two hundred
    groups. That is not the same as none."""
    elsewhere = claims.get("_claim_names")
    listed = isinstance(elsewhere, Mapping) and name in elsewhere
    return name not in claims and (listed or (name == "groups" and claims.get("hasgroups") in (True, "true", 1, "1")))


def is_guest(claims: Mapping[str, Any]) -> bool:
    """Whether this is a guest account: of a person from elsewhere who was invited there."""
    named = any(EXTERNAL in text_of(claims.get(name)).upper() for name in NAMES_OF_GUESTS)
    return named or text_of(claims.get("acct")) == "1"

"""What documents are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from adsum.core.declared import For, Keep
from adsum.privacy.purpose_labels import BASES, CONDITIONS, KEPT, PURPOSES, how_long
from adsum.privacy.purposes import Basis, Condition, Says

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document: sentences, points, and a table."""

    heading: str
    text: Sequence[str] = ()
    points: Sequence[str] = ()
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = field(default_factory=list)


def says_of(facts: Facts) -> Says:
    """What the university said when the document was made."""
    return Says.from_json(facts["says"])


def not_said(value: str) -> str:
    """A value, or that it is not said yet."""
    return value or _("[the university has not said this yet]")


def purposes_table(facts: Facts, *, recipients: bool) -> Section:
    """Each purpose that is pursued, with its lawful basis."""
    says, rows = says_of(facts), []
    for purpose in says.pursued():
        said = says.of(purpose)
        name, what = PURPOSES[purpose]
        basis = str(BASES[Basis(said.basis)]) if said.basis else not_said("")
        if said.condition:
            basis = f"{basis}; {CONDITIONS[Condition(said.condition)]}"
        row = [str(name), str(what), basis]
        rows.append([*row, said.recipients or _("nobody outside the university")] if recipients else row)
    head = [_("Purpose"), _("What it is"), _("Lawful basis")]
    return Section(
        _("What it is used for, and on what basis"), head=[*head, _("Who gets it")] if recipients else head, rows=rows
    )


def retention_table(facts: Facts) -> Section:
    """How long each class of data is kept."""
    return Section(
        _("How long it is kept"),
        text=[_("At the end it is erased, or nothing of it leads to a person any more. A legal hold can make that later.")],
        head=[_("What"), _("How long")],
        rows=[[str(KEPT[Keep(keep)]), how_long(life)] for keep, life in facts["kept"].items()],
    )


def contact(facts: Facts) -> Section:
    """Who is responsible, and how to reach them."""
    says = says_of(facts)
    ways = [one for one in (says.officer_email, says.officer_telephone, says.officer_post) if one]
    points = [
        f"{_('Controller')}: {not_said(says.controller)}, {not_said(says.address)}",
        f"{_('Data-protection officer')}: {not_said(' · '.join(ways))}",
    ]
    if says.registration:
        points.append(f"{_('Number in the register of the Information Commissioner')}: {says.registration}")
    return Section(_("Who is responsible, and whom to ask"), points=points)


def has(facts: Facts, purpose: For) -> bool:
    """Whether the university pursues this purpose."""
    return purpose in says_of(facts).pursued()

"""The tables of compliance; `adsum/models.py` lists them all."""

from adsum.compliance.models.duty import Duty, DutyStep
from adsum.compliance.models.funding import (
    ChangeOfCircumstance,
    Confirmation,
    Funding,
    FundingLeftOver,
    LiabilityPoint,
    TheirWorklist,
    WorklistLayout,
    WorklistRow,
)
from adsum.compliance.models.representation import Representation

__all__ = [
    "ChangeOfCircumstance",
    "Confirmation",
    "Duty",
    "DutyStep",
    "Funding",
    "FundingLeftOver",
    "LiabilityPoint",
    "Representation",
    "TheirWorklist",
    "WorklistLayout",
    "WorklistRow",
]

"""The tables of compliance; `adsum/models.py` lists them all."""

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

__all__ = [
    "ChangeOfCircumstance",
    "Confirmation",
    "Funding",
    "FundingLeftOver",
    "LiabilityPoint",
    "TheirWorklist",
    "WorklistLayout",
    "WorklistRow",
]

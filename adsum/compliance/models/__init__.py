"""The tables of compliance; `adsum/models.py` lists them all."""

from adsum.compliance.models.duty import Duty, DutyStep
from adsum.compliance.models.edition import Edition, EditionNumber
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
from adsum.compliance.models.partner import PartnerCheck
from adsum.compliance.models.representation import Representation
from adsum.compliance.models.sample import Sample, SampledStudent
from adsum.compliance.models.sponsorship import ArrivalStep, SponsorProfile
from adsum.compliance.models.terms import RemotePermission, SponsorTerms, StudyVacation
from adsum.compliance.models.visas import VisaDecisions
from adsum.compliance.models.watching import LateChange, LeaveApproval, SponsorAlert, SponsorStanding

__all__ = [
    "ArrivalStep",
    "ChangeOfCircumstance",
    "Confirmation",
    "Duty",
    "DutyStep",
    "Edition",
    "EditionNumber",
    "Funding",
    "FundingLeftOver",
    "LateChange",
    "LeaveApproval",
    "LiabilityPoint",
    "PartnerCheck",
    "RemotePermission",
    "Representation",
    "Sample",
    "SampledStudent",
    "SponsorAlert",
    "SponsorProfile",
    "SponsorStanding",
    "SponsorTerms",
    "StudyVacation",
    "TheirWorklist",
    "VisaDecisions",
    "WorklistLayout",
    "WorklistRow",
]

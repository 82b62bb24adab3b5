"""The tables of data protection."""

from adsum.privacy.models.access_file import AccessFile
from adsum.privacy.models.disclosure import Disclosure
from adsum.privacy.models.documents import DocumentVersion, Particulars
from adsum.privacy.models.retention import Ended, Erasure, LegalHold, RetentionRun
from adsum.privacy.models.rights import ReviewedText, RightsRequest, RightsStep

__all__ = [
    "AccessFile",
    "Disclosure",
    "DocumentVersion",
    "Ended",
    "Erasure",
    "LegalHold",
    "Particulars",
    "RetentionRun",
    "ReviewedText",
    "RightsRequest",
    "RightsStep",
]

"""A new version of a document is made when what it is made of has changed."""

from datetime import datetime

from django.db import transaction

from adsum.audit import services as audit_log
from adsum.core.university import civil_date
from adsum.privacy.documents import digest_of, facts_of, latest
from adsum.privacy.models import DocumentVersion
from adsum.privacy.particulars import is_ready
from adsum.privacy.purposes import Document


def publish_documents(*, at: datetime) -> list[DocumentVersion]:
    """Make the versions that are due. None before the installation is ready: nobody is told what is not said yet."""
    return [made for document in Document if (made := _publish(document, at)) is not None] if is_ready() else []


@transaction.atomic
def _publish(document: Document, at: datetime) -> DocumentVersion | None:
    facts, before = facts_of(document, civil_date(at)), latest(document)
    digest = digest_of(facts)
    if before is not None and before.digest == digest:
        return None
    number = before.number + 1 if before else 1
    made, new = DocumentVersion.objects.get_or_create(
        document=document, number=number, defaults={"since": at, "digest": digest, "facts": facts}
    )
    if not new:
        return None
    audit_log.record(
        actor="system:documents", verb="rights.publish", subject=f"document:{document}", at=at, number=number, digest=digest
    )
    return made

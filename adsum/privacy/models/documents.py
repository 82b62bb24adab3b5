"""What the university says about its use of data, version by version, and the documents that follow from it."""

from __future__ import annotations

from django.db import models

from adsum.accounts.models import Person
from adsum.core.declared import about_no_one
from adsum.privacy.purposes import Document


class Particulars(models.Model):
    """One version of what the university alone can say: who is responsible, whom to ask, and for each purpose the lawful basis,
    the recipients and whether it is pursued. The newest counts. Never changed once made."""

    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    says = models.JSONField()

    declared = about_no_one("made_at says", people="made_by")

    def __str__(self) -> str:
        return f"particulars {self.pk}"


class DocumentVersion(models.Model):
    """One version of a document that fills itself in: what it is made of, in no language. The next is made when that
    changes."""

    document = models.CharField(max_length=14, choices=[(one.value, one.value) for one in Document])
    number = models.PositiveIntegerField()
    since = models.DateTimeField()
    digest = models.CharField(max_length=64)
    """SHA-256 of what it is made of."""
    facts = models.JSONField()

    declared = about_no_one("document number since digest facts")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["document", "number"], name="one_document_version_per_number")]

    def __str__(self) -> str:
        return f"{self.document} {self.number}"

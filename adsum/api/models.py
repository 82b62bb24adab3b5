"""The answers that are kept so that a call which is sent again is not done again."""

from django.db import models

from adsum.accounts.application_tables import Application
from adsum.core.declared import For, From, Keep, declare


class KeptAnswer(models.Model):
    """What was answered to a call with this idempotency key; without a status while it is under way."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=128)
    asked = models.CharField(max_length=64)
    """Fingerprint of the method, address, If-Match and body."""
    status = models.PositiveSmallIntegerField(null=True)
    media = models.CharField(max_length=60, blank=True)
    body = models.TextField(blank=True)
    at = models.DateTimeField(db_index=True)

    declared = declare(
        "",
        Keep.NETWORK,
        For.SERVICE,
        From.ADSUM,
        facts="application status media at",
        words="body",
        secrets="key asked",
        since="at",
        goes=True,
        nightly="adsum.api.idempotency.forget_answers",
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["application", "key"], name="one_answer_per_key")]

    def __str__(self) -> str:
        return f"{self.application_id}: {self.status or 'under way'}"

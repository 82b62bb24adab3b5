"""What a mail service says became of letters: signed, as Standard Webhooks has it. There is no sign-in, but a signature."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from adsum.messages.bounces import take_report
from adsum.messages.delivery_reports import DeliveryReport, Said, ref_in

FRESH = timedelta(minutes=5)
"""How far the time of a report may be from ours."""
LARGEST = 64_000


@csrf_exempt
@require_POST
def report(request: HttpRequest) -> HttpResponse:
    """Take one report, of a letter delivered or sent back. Others, and those of letters that are not ours, change nothing."""
    if not settings.MAIL_REPORTS_SECRET:
        raise Http404
    body, at = request.body, datetime.now(UTC)
    if len(body) > LARGEST or not _is_signed(request, body, at):
        return HttpResponse("The signature is missing, wrong or old.\n", status=401, content_type="text/plain")
    found = _read(body)
    if found is not None:
        take_report(found, at=at)
    return HttpResponse(status=204)


def _is_signed(request: HttpRequest, body: bytes, at: datetime) -> bool:
    name, stamp = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "")
    if not name or not stamp.isascii() or not stamp.isdigit() or abs(at.timestamp() - int(stamp[:12])) > FRESH.total_seconds():
        return False
    key = base64.b64decode(settings.MAIL_REPORTS_SECRET.removeprefix("whsec_"))
    wanted = base64.b64encode(hmac.digest(key, f"{name}.{stamp}.".encode() + body, hashlib.sha256))
    given = request.headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(b"v1," + wanted, one.encode()) for one in given)


def _read(body: bytes) -> DeliveryReport | None:
    """`{"type": "bounced", "data": {"message_id": "<…>", "reason": "…"}}`; None for anything else."""
    try:
        told = json.loads(body)
        said, about = Said(told["type"]), told["data"]
        ref = ref_in(str(about["message_id"]))
        return DeliveryReport(ref, said, " ".join(str(about.get("reason", "")).split())) if ref else None
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return None

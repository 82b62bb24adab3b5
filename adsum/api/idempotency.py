"""Idempotency keys: a call that changes something, sent again with the same key, is answered as the first time and not done
again. While the first is under way the second is refused (409); the same key with another call is refused, too (422)."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from adsum.api import looks
from adsum.api.callers import Caller
from adsum.api.models import KeptAnswer
from adsum.api.problems import Problem

HEADER = "Idempotency-Key"
LONGEST = 128
KEPT_FOR = timedelta(hours=24)
UNDER_WAY_FOR = timedelta(minutes=5)
"""After so long a call that has no answer has died: its change was rolled back with it, and may be sent again."""


def once(request: HttpRequest, caller: Caller, at: datetime, do: Callable[[], HttpResponse]) -> HttpResponse:
    """The answer of `do`, or the one that was given before. The change and its answer are kept in one transaction: both or
    neither. Raises Problem 409 and 422."""
    key = request.headers.get(HEADER, "")
    if not key:
        return do()
    if len(key) > LONGEST or not key.isprintable():
        raise Problem(422, "bad_key", _("An idempotency key has 1 to 128 characters, such as a UUID."))
    known = request.headers.get("If-Match", "")
    asked = hashlib.sha256(f"{request.method} {request.get_full_path()}\n{known}\n".encode() + request.body).hexdigest()
    kept = _begin(caller, key, asked, at)
    if kept.status is not None:
        answer = HttpResponse(kept.body, status=kept.status, content_type=kept.media)
        answer["Idempotency-Replayed"] = "true"
        return answer
    try:
        with transaction.atomic():
            answer = _done(do())
            _keep(kept, answer)
    except _NotDone as failed:
        _forget(kept)
        return failed.answer
    except BaseException:
        _forget(kept)
        raise
    return answer


def _keep(kept: KeptAnswer, answer: HttpResponse) -> None:
    """Raises Problem 409 where this took so long that the call was begun anew: the change is rolled back."""
    written = KeptAnswer.objects.filter(pk=kept.pk, status=None).update(
        status=answer.status_code, media=answer.headers.get("Content-Type", ""), body=answer.content.decode()
    )
    if not written:
        raise _under_way()


def _forget(kept: KeptAnswer) -> None:
    """Nothing was done; what was noted of looks went with it."""
    KeptAnswer.objects.filter(pk=kept.pk, status=None).delete()
    looks.forget()


def _under_way() -> Problem:
    detail = _("A call with this idempotency key is under way. Send it again in a moment to get its answer.")
    return Problem(409, "under_way", detail, headers={"Retry-After": "1"})


def _done(answer: HttpResponse) -> HttpResponse:
    """The answer, unless it is about a fault of ours: then nothing is kept."""
    if answer.status_code >= 500:
        raise _NotDone(answer)
    return answer


class _NotDone(Exception):
    def __init__(self, answer: HttpResponse) -> None:
        super().__init__()
        self.answer = answer


def _begin(caller: Caller, key: str, asked: str, at: datetime) -> KeptAnswer:
    """Say that the call is under way; or what was kept of it. Raises Problem 409 and 422."""
    same = KeptAnswer.objects.filter(application=caller.application, key=key)
    same.filter(at__lt=at - KEPT_FOR).delete()
    same.filter(status=None, at__lt=at - UNDER_WAY_FOR).delete()
    kept = same.first()
    if kept is None:
        try:
            with transaction.atomic():
                return KeptAnswer.objects.create(application=caller.application, key=key, asked=asked, at=at)
        except IntegrityError:
            kept = same.first()
    if kept is not None and kept.asked != asked:
        raise Problem(422, "key_used", _("This idempotency key was used for another call. Take a new one for each change."))
    if kept is None or kept.status is None:
        raise _under_way()
    return kept


def forget_answers(*, at: datetime) -> int:
    """Forget answers from before yesterday; how many."""
    return KeptAnswer.objects.filter(at__lt=at - KEPT_FOR).delete()[0]

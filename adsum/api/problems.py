"""What is answered when a call cannot be done: problem details (RFC 9457), with the sentence that a page would say."""

import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from adsum.core.errors import AdsumError

MEDIA = "application/problem+json"
TYPE = "/api/#problem-"
"""Where each code is explained: on the page of this API."""
STATUSES: Mapping[str, int] = {
    "ahead": 409,
    "cancelled": 409,
    "changed": 409,
    "insufficient_scope": 403,
    "needs_proof": 403,
    "needs_reason": 422,
    "nobody": 422,
    "not_started": 409,
    "own_record": 403,
    "reported": 409,
    "second_person": 409,
    "team": 403,
}
"""By the code of a refusal, the status; 409 for any other: the state of things does not allow it."""


class Problem(Exception):
    """A call that cannot be done. `code` for machines, `detail` for the person who reads the log of the application."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        errors: list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.headers, self.errors = dict(headers or {}), errors

    @classmethod
    def of(cls, refused: AdsumError) -> "Problem":
        """What a verb refused."""
        return cls(STATUSES.get(refused.code, 409), str(refused.code), refused.message)

    def answer(self) -> HttpResponse:
        told: dict[str, Any] = {
            "type": f"{TYPE}{self.code}",
            "title": TITLES.get(self.status, "Not done"),
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
        if self.errors is not None:
            told["errors"] = self.errors
        return HttpResponse(json.dumps(told, ensure_ascii=False), status=self.status, content_type=MEDIA, headers=self.headers)


TITLES = {
    400: "Bad request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "No such method",
    409: "Not now",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Not JSON",
    422: "Not as described",
    428: "Say which version",
    429: "Too many calls",
    500: "Our fault",
    503: "Try again in a moment",
}


def not_found() -> Problem:
    """The same for what is not there and for what the application may not see."""
    return Problem(404, "not_found", _("There is nothing here that this application may see."))


def as_written(errors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What pydantic found, without what was sent: it may be about somebody, and answers end up in logs."""
    return [
        {"where": ".".join(str(part) for part in one.get("loc", ())), "code": one.get("type", ""), "detail": one.get("msg", "")}
        for one in errors
    ]

"""The line about each request in the log: its path alone, since a query may carry a sign-in's code or somebody's name, and of
a personal calendar's address not even that; and the address it came from, as far as our own proxies vouch for it."""

import logging
import re

import structlog
from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware

from adsum.core.network import client_address

CALENDAR = re.compile(r"/calendar/[\w-]+\.ics")


def _masked(text: str) -> str:
    return CALENDAR.sub("/calendar/….ics", text)


class RequestLog(RequestMiddleware):
    """django-structlog's middleware, without the query and the secret of a calendar, and without believing headers that
    anyone can write."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {_masked(request.path)}"

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        ip = client_address(request.META.get("REMOTE_ADDR", ""), request.headers.get("X-Forwarded-For", ""))
        structlog.contextvars.bind_contextvars(ip=ip)


class WithoutSecrets(logging.Filter):
    """Takes the secret of a calendar's address out of Django's own lines ("Not Found: …"), whatever they are about; and the
    trace out of those about requests that make no sense (a Host of somebody else, a NUL): no fault of ours, and one line."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.security") or getattr(record, "status_code", 500) < 500:
            record.exc_info = record.exc_text = None
        if isinstance(record.args, tuple):
            record.args = tuple(_masked(part) if isinstance(part, str) else part for part in record.args)
        return True

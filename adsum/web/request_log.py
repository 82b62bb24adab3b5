"""The log line about each request. It has only the path, as a query may hold a sign-in's code or a person's name; the secret
in the path of a personal calendar is left out. It also has the sender's address, as far as our own proxies vouch for it."""

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
    """Removes the secret of a calendar's address from all of Django's own lines ("Not Found: …"). From lines about requests
    that make no sense (another site's Host, a NUL) it removes the trace: they are not our fault, and one line is enough."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.security") or getattr(record, "status_code", 500) < 500:
            record.exc_info = record.exc_text = None
        if isinstance(record.args, tuple):
            record.args = tuple(_masked(part) if isinstance(part, str) else part for part in record.args)
        return True

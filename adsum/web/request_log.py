"""The line about each request in the log: its path alone, since a query may carry a sign-in's code or somebody's name; and
the address it came from, as far as our own proxies vouch for it."""

import structlog
from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware

from adsum.core.network import client_address


class RequestLog(RequestMiddleware):
    """django-structlog's middleware, without the query, and without believing headers that anyone can write."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {request.path}"

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        ip = client_address(request.META.get("REMOTE_ADDR", ""), request.headers.get("X-Forwarded-For", ""))
        structlog.contextvars.bind_contextvars(ip=ip)

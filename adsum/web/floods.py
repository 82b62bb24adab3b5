"""Limits how often strangers can make us write to the database, because each write takes time that check-ins need.

The limit is by address, as nothing else is known. It only guards against floods: it is far above what the thousands behind one
address of a campus do (docs/security.md).
"""

import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from adsum.checkin.gate.limits import Limit
from adsum.core.network import client_address, whose

P = ParamSpec("P")
A_MINUTE = 6_000
"""For each address, in each worker: what a campus behind one address needs when twenty thousand sign in within minutes. What
they make us write waits in a lane of its own meanwhile (lanes.py)."""
writes = Limit(a_minute=A_MINUTE, at_once=A_MINUTE)


def guarded(*methods: str) -> Callable[[Callable[Concatenate[HttpRequest, P], HttpResponse]], Callable[..., HttpResponse]]:
    """For a view that writes for people who are not signed in, when it is asked with one of these methods."""

    def decorate(view: Callable[Concatenate[HttpRequest, P], HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def within(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if request.method in methods and (wait := writes.wait(_whose(request), int(time.monotonic() * 1000))):
                answer = render(request, "429.html", status=429)
                answer["Retry-After"] = str(wait)
                return answer
            return view(request, *args, **kwargs)

        return within

    return decorate


def _whose(request: HttpRequest) -> str:
    return whose(client_address(request.META.get("REMOTE_ADDR", ""), request.headers.get("X-Forwarded-For", "")))

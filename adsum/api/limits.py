"""How often an application may call. Each process counts by itself, in memory: it keeps one application from making others
wait, and check-in never waits for any."""

from time import monotonic

from django.http import HttpResponse
from django.utils.translation import gettext as _

from adsum.accounts.application_tables import Application
from adsum.api.problems import Problem

AT_ONCE = 6
"""An application may make a sixth of its calls of a minute at once."""


class _Bucket:
    """What one application may still call, filling up again as time goes by."""

    __slots__ = ("a_minute", "at", "left")

    def __init__(self, a_minute: int, now: float) -> None:
        self.a_minute, self.left, self.at = a_minute, float(self.most(a_minute)), now

    @staticmethod
    def most(a_minute: int) -> int:
        return max(1, a_minute // AT_ONCE)

    def take(self, now: float) -> float:
        """Take one; the seconds to wait when there is none, else 0."""
        most = self.most(self.a_minute)
        self.left = min(most, self.left + (now - self.at) * self.a_minute / 60)
        self.at = now
        if self.left < 1:
            return (1 - self.left) * 60 / self.a_minute
        self.left -= 1
        return 0.0


_buckets: dict[tuple[int, str], _Bucket] = {}


def forget() -> None:
    """Forget who called: between tests."""
    _buckets.clear()


def count(application: Application, what: str = "calls", a_minute: int | None = None) -> dict[str, str]:
    """Count one call; the headers that say what is left. `what` is counted by itself; without `a_minute`, as often as the
    application may call. Raises Problem 429."""
    now, a_minute = monotonic(), a_minute or application.a_minute
    bucket = _buckets.get((application.pk, what))
    if bucket is None or bucket.a_minute != a_minute:
        bucket = _buckets[application.pk, what] = _Bucket(a_minute, now)
    wait = bucket.take(now)
    most = bucket.most(bucket.a_minute)
    headers = {
        "RateLimit-Policy": f'"{what}";q={bucket.a_minute};w=60',
        "RateLimit": f'"{what}";r={int(bucket.left)};t={max(1, round((most - bucket.left) * 60 / bucket.a_minute))}',
    }
    if wait:
        seconds = str(max(1, -(-int(wait * 1000) // 1000)))
        detail = _("This application calls more often than it may. Wait as long as Retry-After says.")
        raise Problem(429, "too_many_calls", detail, headers={**headers, "Retry-After": seconds})
    return headers


def tell(answer: HttpResponse, headers: dict[str, str]) -> None:
    """Put the headers on an answer."""
    for name, value in headers.items():
        answer.headers.setdefault(name, value)

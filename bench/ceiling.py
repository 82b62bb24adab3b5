"""The ceiling: a bare Starlette endpoint that does only the same batched insert, with the same writer and statements.

No code, no ticket, no pass, no page: what is left is the server, the framework, the queue and the database.
"""

# ruff: noqa: E402 - Django must be set up before its models are imported
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adsum.settings")
django.setup()

from datetime import UTC, datetime
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adsum.checkin.models import Opening
from adsum.checkin.rules import Attempt
from adsum.checkin.writer import DatabaseEngine, Writer

_writer = Writer(DatabaseEngine())
_openings = list(Opening.objects.order_by("pk").values_list("pk", "session_id"))


async def ready(_request: Request) -> Response:
    return Response("ready")


async def insert(request: Request) -> Response:
    """One row in each of the four tables, for the student and class the client names."""
    student, number = map(int, (await request.body()).split(b","))
    opening, session = _openings[number % len(_openings)]
    at = datetime.now(UTC)
    await _writer.submit(
        Attempt(
            ref=uuid4(),
            opening=opening,
            session=session,
            student=student,
            ticket=uuid4(),
            verdict=None,
            late=False,
            minutes_late=0,
            first_seen_at=at,
            finished_at=at,
            typed=False,
            slot=0,
            age_ms=0,
            device="",
            new_device=False,
            network="other",
            network_changed=False,
            signed_in_after=False,
            agent="ios",
        )
    )
    return Response("kept")


application = Starlette(routes=[Route("/in", ready), Route("/insert", insert, methods=["POST"])])

"""Every operation called with what its description allows, and with what it does not: answers are as described, and nothing
breaks (schemathesis). A few examples of each, so that it takes seconds: they are others every time."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from adsum.accounts.models import Person
from adsum.attendance.rules import Status
from adsum.audit.services import seal
from tests.api.conftest import Place
from tests.kit.api import Tool, tool
from tests.kit.marking import mark_students
from tests.kit.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.once]
EXAMPLES = int(os.environ.get("ADSUM_FUZZ", "12"))
schema = schemathesis.openapi.from_wsgi("/api/openapi.json", WSGIHandler())


@pytest.fixture
def one(world: World, place: Place) -> Iterator[Tool]:
    """An application that may everything, beside things to be found; requests leave the test's connection open."""
    mark_students(place.session, place.students[:2], Status.PRESENT, by=place.lecturer, at=place.session.starts_at)
    seal(at=datetime.now(UTC))
    made = tool(world)
    made.application.a_minute = 100_000
    made.application.save()
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield made
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_answers_are_as_described(case: Any, one: Tool, place: Place):
    known = {"/api/v1/classes/{ref}": place.session.ref, "/api/v1/students/{ref}": place.students[0].ref}
    ref = next((ref for start, ref in known.items() if case.path.startswith(start)), None)
    if ref is not None and "ref" in case.path_parameters and len(str(case.path_parameters["ref"])) == 36:
        case.path_parameters["ref"] = str(ref)  # one that is there
    answer = case.call(headers={"Authorization": f"Bearer {one.secret}"})
    case.validate_response(answer, headers={"Authorization": f"Bearer {one.secret}"}, excluded_checks=LEFT_OUT)
    assert Person.objects.count() > 0  # the connection is still good


LEFT_OUT = [positive_data_acceptance]
"""Checks that say nothing here: what is as described is refused all the same where the state of things does not allow it."""

"""T-AUD-6: what people send stays one line of JSON in the log, and no password, code or cookie is ever in it."""

import json
import logging

import pytest
from django.test import Client

from adsum.accounts.services import set_password
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
SECRETS = ("correct horse battery", "0123456789ABCDEFGHJKMNPQRSTVWXYZ0123", "s3cret-state", "48210937")
NASTY = '\n{"event": "forged"}\x1b[31m'


def test_requests_leave_lines_without_secrets(world: World, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    person = world.lecturer()
    set_password(person, SECRETS[0], by="system:test", at=NINE)
    browser = Client(headers={"user-agent": f"phone{NASTY}", "x-request-id": f"id{NASTY}"})
    browser.post("/sign-in/", {"email": person.username})
    browser.post("/sign-in/password/", {"password": SECRETS[0]})
    browser.post("/sign-in/password/", {"password": f"{SECRETS[0]}{NASTY}"})
    browser.get("/oidc/nobody/login/callback/", {"code": SECRETS[1], "state": SECRETS[2]})
    browser.get(f"/receipt/?text={SECRETS[3]}%0a{{}}")
    browser.get(f"/nowhere%0a{{}}%1b[31m/{'x' * 9}/?code={SECRETS[3]}")
    browser.get("/teaching/")
    cookies = [morsel.value for morsel in browser.cookies.values() if len(morsel.value) > 8]
    lines = [record.getMessage() for record in caplog.records if record.name.startswith(("django_structlog", "adsum"))]
    assert len(lines) >= 7
    for line in lines:
        assert "\n" not in line
        assert "\x1b" not in line
        assert isinstance(json.loads(line), dict), "one line, one event"
        assert json.loads(line)["event"] != "forged"
    everything = "\n".join(record.getMessage() for record in caplog.records)
    assert cookies
    for secret in (*SECRETS, *cookies):
        assert secret not in everything

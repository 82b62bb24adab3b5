"""The description of the API: for machines and as a page."""

import pytest
from django.test import Client

from adsum.accounts.application_labels import SCOPE_LABELS
from adsum.accounts.application_rules import ROLES, Scope, scopes_of, text_of
from adsum.accounts.rules import BY_HAND_ONLY
from adsum.api.documents import described
from adsum.api.offers import SCOPES

pytestmark = pytest.mark.django_db


def test_openapi_is_published(client: Client):
    answer = client.get("/api/openapi.json")
    assert answer["Content-Type"].startswith("application/vnd.oai.openapi+json")
    told = answer.json()
    assert told["openapi"] == "3.1.0"
    ids = [one["operationId"] for methods in told["paths"].values() for one in methods.values()]
    assert len(ids) == len(set(ids)) == len(SCOPES)
    assert all(path.startswith("/api/v1/") for path in told["paths"])


def test_every_operation_says_what_it_needs_and_what_may_go_wrong():
    for methods in described()["paths"].values():
        for one in methods.values():
            assert one["summary"]
            assert [scheme for scheme in one["security"] if "oauth" in scheme] == [{"oauth": [one["x-scope"]]}]
            for status in ("401", "403", "404", "422", "429"):
                assert "application/problem+json" in one["responses"][status]["content"]


def test_the_page_needs_no_script_and_names_everything(client: Client):
    page = client.get("/api/").content.decode()
    for methods in described()["paths"].values():
        for one in methods.values():
            assert f'id="{one["operationId"]}"' in page
    for scope in Scope:
        assert scope in page


def test_scopes_and_their_roles():
    assert set(ROLES) == set(SCOPE_LABELS) == set(Scope)
    assert not set(ROLES.values()) & BY_HAND_ONLY  # what watches over people is no application's
    assert scopes_of(text_of(Scope)) == set(Scope)
    assert scopes_of("classes:read something:else") == {Scope.CLASSES_READ}

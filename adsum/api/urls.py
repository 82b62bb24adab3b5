"""The addresses of the API, each behind the door."""

from typing import Any

from django.urls import URLPattern, path

from adsum.api import documents
from adsum.api.door import UNKNOWN, nowhere, through
from adsum.api.oauth import token
from adsum.api.offers import api


def _operations() -> list[URLPattern]:
    patterns: list[Any] = api.urls[0]
    found = [one for one in patterns if one.name != "api-root"]
    return [path(f"{documents.PREFIX}/{one.pattern}", through(one.callback, one.name), name=one.name) for one in found]


urlpatterns = [
    path("api/", documents.reference, name="api"),
    path("api/openapi.json", documents.openapi, name="api_openapi"),
    path("api/oauth/token", token, name="api_token"),
    *_operations(),
    path("api/<path:rest>", through(nowhere, UNKNOWN), name="api_unknown"),
]

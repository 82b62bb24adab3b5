"""The description of the API: as a page for people, as OpenAPI 3.1 for machines. Both come from the operations themselves."""

import copy
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.http import require_safe

from adsum.accounts.application_labels import SCOPE_LABELS
from adsum.api import changes, classes, imports, marks, students, work
from adsum.api.offers import api
from adsum.api.problems import MEDIA, TITLES
from adsum.api.schemas import ProblemDetails

OPERATIONS = (classes, marks, students, changes, work, imports)
"""The files that offer operations: they are offered as they are read."""
PREFIX = "api/v1"
PROBLEM = "#/components/schemas/ProblemDetails"
READS = (400, 401, 403, 404, 405, 422, 429, 500)
WRITES = (409, 412, 413, 415)
LIMITS = {
    "RateLimit": {"description": "What is left: r calls, all of them again in t seconds.", "schema": {"type": "string"}},
    "RateLimit-Policy": {"description": "How many calls may be made: q in w seconds.", "schema": {"type": "string"}},
}
PAGE: dict[str, Any] = {"text/html": {}}
"""What is no text at all is turned away before it is looked at, by the page for that."""
RETRY = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A name for this change, such as a UUID. Sent again with it, a call is answered as before, not done again.",
    "schema": {"type": "string", "maxLength": 128},
}


def _header(name: str, told: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": told, "schema": {"type": "string"}}


@cache
def described() -> dict[str, Any]:
    """The description as OpenAPI has it."""
    told: dict[str, Any] = copy.deepcopy(dict(api.get_openapi_schema(path_prefix=f"{PREFIX}/")))
    told["info"] = {
        "title": "Adsum",
        "version": api.version,
        "description": "Attendance of a university: classes, registers, marks, records and what changed.",
        "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
    }
    told["servers"] = [{"url": settings.ORIGIN}]
    parts = told["components"]
    problem = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
    parts["schemas"] |= problem.pop("$defs", {}) | {"ProblemDetails": problem}
    with translation.override(settings.LANGUAGE_CODE):
        scopes = {scope.value: str(label) for scope, label in SCOPE_LABELS.items()}
    parts["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token that an administrator made."},
        "oauth": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/api/oauth/token", "scopes": scopes}}},
    }
    for path in told["paths"].values():
        for method, operation in path.items():
            _complete(operation, writes=method != "get", etag=operation["operationId"] in {"get_class", "get_register"})
    return told


def _complete(operation: dict[str, Any], *, writes: bool, etag: bool) -> None:
    """What every operation has besides its own: problems, headers."""
    parameters = operation.setdefault("parameters", [])
    answers: dict[str, Any] = {str(status): answer for status, answer in operation["responses"].items()}
    for answer in answers.values():
        answer.setdefault("headers", {}).update(LIMITS)
    if etag:
        parameters.append(_header("If-None-Match", "The ETag that is known: 304 when nothing has changed."))
        answers["304"] = {"description": "Nothing has changed."}
    if writes:
        parameters += [KEY, _header("If-Match", "The ETag of the register as it is known.")]
    for status in sorted({*READS, *(WRITES if writes else ())}):
        answers[str(status)] = {
            "description": TITLES[status],
            "content": {MEDIA: {"schema": {"$ref": PROBLEM}}, **(PAGE if status == 400 else {})},
            **({"headers": RETRY} if status in {409, 429} else {}),
        }
    operation["responses"] = dict(sorted(answers.items()))


@require_safe
def openapi(_request: HttpRequest) -> HttpResponse:
    """OpenAPI 3.1."""
    answer = HttpResponse(classes.text_of(described()), content_type="application/vnd.oai.openapi+json; version=3.1")
    answer["Cache-Control"] = "public, max-age=300"
    return answer


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """The same as a page: it needs no script, and tells nothing of anybody."""
    told = described()
    operations = [
        _row(path, method, one, told["components"]["schemas"])
        for path, methods in told["paths"].items()
        for method, one in methods.items()
    ]
    context = {
        "operations": operations,
        "version": told["info"]["version"],
        "scopes": [(scope.value, label) for scope, label in SCOPE_LABELS.items()],
        "origin": settings.ORIGIN,
        "example": next((one["path"] for one in operations if one["id"] == "list_classes"), ""),
    }
    return render(request, "adsum/api/reference.html", context)


def _row(path: str, method: str, one: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    body = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return {
        "id": one["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": one.get("summary", ""),
        "description": one.get("description", ""),
        "scope": one["x-scope"],
        "parameters": [
            {
                "name": given["name"],
                "where": given["in"],
                "type": _type(given["schema"]),
                "told": given.get("description", given["schema"].get("description", "")),
            }
            for given in one["parameters"]
        ],
        "body": _fields(body, schemas) if body else [],
        "answers": [
            {"status": status, "told": answer["description"], "fields": _fields(_content(answer), schemas)}
            for status, answer in one["responses"].items()
            if status.startswith("2")
        ],
    }


def _content(answer: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = answer.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def _fields(schema: dict[str, Any], schemas: dict[str, Any], before: str = "", depth: int = 0) -> list[dict[str, Any]]:
    """The fields of a body, those inside others with the names of both."""
    found = _resolved(schema, schemas)
    rows = []
    for name, field in found.get("properties", {}).items():
        inner = _inner(field)
        rows.append(
            {
                "name": before + name,
                "type": _type(field),
                "needed": name in found.get("required", ()),
                "told": field.get("description", ""),
            }
        )
        if depth < 3 and inner is not None:
            many = "[]" if field.get("type") == "array" else ""
            rows += _fields(inner, schemas, f"{before}{name}{many}.", depth + 1)
    return rows


def _resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = schemas.get(name, {}) if name else schema
    return found if found.get("properties") else {}


def _inner(field: dict[str, Any]) -> dict[str, Any] | None:
    """What a field holds that has fields of its own."""
    for one in (field, field.get("items", {}), *field.get("anyOf", ())):
        if "$ref" in one:
            found: dict[str, Any] = one
            return found
    return None


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(_type(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return _type(schema.get("items", {})) + "[]"
    return str(schema.get("format") or schema.get("type") or "")

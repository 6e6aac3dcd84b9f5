"""What the OpenAPI description says of every route beside its own: credentials, refusals."""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from django.conf import settings

from shothub.domain.tokens import AGENT_SCOPES
from shothub.server.api.access import ANY, OPEN
from shothub.wire.problems import Problem

_SCHEMAS = "#/components/schemas"
_ALWAYS = (400, 401, 403, 429, 503)
_RETRY = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}
}
_ADDED = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}}},
    429: _RETRY,
    503: _RETRY,
}
_MEDIA = {
    "/stream": "text/event-stream",
    "/connection-table": "text/plain",
    "/me/export": "application/json",
    ".npz": "application/zip",
}
"""By the end of the address: what a route sends that is no message."""
_CONVERTER = re.compile(r"\{[a-z]+:")

Described = dict[str, Any]
Route = tuple[str, str, str]


def complete(schema: Described, routes: Iterable[Route], prefix: str) -> None:
    """Add to a description what all routes have in common.

    Args:
        schema: the description, which is changed.
        routes: method, path and scope of each.
        prefix: of every path.
    """
    used: set[int] = set()
    for method, path, scope in routes:
        address = f"/{prefix.strip('/')}{_CONVERTER.sub('{', path)}"
        operation = schema["paths"][address][method.lower()]
        operation["security"] = _security(scope)
        statuses = _statuses(method, operation)
        used.update(statuses)
        for status in statuses:
            name = HTTPStatus(status).name
            shown = {"$ref": f"#/components/responses/{name}"}
            operation["responses"].setdefault(status, shown)
        for end, media in _MEDIA.items():
            if path.endswith(end):
                operation["responses"][200]["content"] = {media: {}}
    parts = schema["components"]
    parts["responses"] = {HTTPStatus(s).name: _response(s) for s in sorted(used)}
    parts["securitySchemes"] = _schemes()
    parts.setdefault("schemas", {}).update(_problem())


def _security(scope: str) -> list[Mapping[str, list[str]]]:
    """Return by which credentials a route opens, with the scope that they need."""
    if scope == OPEN:
        return []
    needed = [] if scope == ANY else [scope]
    by_token = {"token": needed}
    return [by_token] if scope in AGENT_SCOPES else [by_token, {"session": needed}]


def _statuses(method: str, operation: Described) -> list[int]:
    """Return with which statuses a route may refuse."""
    found = set(_ALWAYS)
    if operation.get("parameters") or "requestBody" in operation:
        found |= {404, 422}
    if "requestBody" in operation or method == "PUT":
        found.add(413)
    if method != "GET":
        found.add(409)
    return sorted(found)


def _response(status: int) -> Described:
    problem = {"schema": {"$ref": f"{_SCHEMAS}/Problem"}}
    answer = {
        "description": HTTPStatus(status).phrase,
        "content": {"application/problem+json": problem},
    }
    return answer | ({"headers": _ADDED[status]} if status in _ADDED else {})


def _schemes() -> Described:
    return {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token; the scopes that a route needs are listed with it.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "A browser's session; what changes something needs the header"
            " X-CSRFToken too.",
        },
    }


def _problem() -> Described:
    template = f"{_SCHEMAS}/{{model}}"
    shown = Problem.model_json_schema(ref_template=template, mode="serialization")
    return {**shown.pop("$defs"), "Problem": shown}

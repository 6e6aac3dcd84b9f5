"""The one place that turns refusals and failures into RFC 9457 problems."""

import errno
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from shothub.domain.faults import Fault
from shothub.server.failures import Failure, kind_of
from shothub.server.refusals import (
    Conflict,
    Forbidden,
    Invalid,
    NotThere,
    Refused,
    TooLarge,
    TooMany,
    Unauthorized,
)
from shothub.server.requests import id_of
from shothub.wire.problems import FaultModel, Problem

MEDIA_TYPE = "application/problem+json"
_STATUS: dict[type[Refused], int] = {
    Unauthorized: 401,
    Forbidden: 403,
    NotThere: 404,
    Conflict: 409,
    TooLarge: 413,
    Invalid: 422,
    TooMany: 429,
}
_CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    500: "internal_error",
}
_TAGS = {"one", "many", "procedure", "script"}
log = structlog.get_logger()


def problem(request: HttpRequest, status: int, faults: Sequence[Fault]) -> HttpResponse:
    """Return the response that says what is wrong; the first fault is the main one."""
    first = faults[0]
    body = Problem(
        type=f"https://shothub.dev/problems/{first.code}",
        title=first.code.replace("_", " ").capitalize(),
        status=status,
        code=first.code,
        detail=first.detail,
        where=first.where,
        hint=first.hint,
        request_id=id_of(request),
        faults=[FaultModel(**vars(fault)) for fault in faults],
    )
    text = body.model_dump_json()
    response = HttpResponse(text, status=status, content_type=MEDIA_TYPE)
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="shothub"'
    return response


def install(api: NinjaAPI) -> None:
    """Answer every exception of a route with a problem."""
    handlers: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
        Refused: refused,
        ValidationError: _invalid,
        AuthenticationError: _no_credential,
        HttpError: _http_error,
        Http404: _not_found,
        DatabaseError: _database,
        InterfaceError: _database,
        OSError: _disk,
        Exception: _failure,
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)


def refused(request: HttpRequest, error: Refused) -> HttpResponse:
    """Return the problem that a refusal is."""
    status = next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
    others = [fault for fault in error.faults if fault != error.fault]
    response = problem(request, status, [error.fault, *others])
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    return problem(request, 422, [_fault_of(entry) for entry in error.errors])


def _fault_of(entry: dict[str, Any]) -> Fault:
    """Return a fault with the path of the field as its sender wrote it."""
    source, *path = entry["loc"]
    if source == "body":
        path = _as_sent(path[1:])
    where = ".".join([str(source), *(str(part)[:60] for part in path)])
    code = str(entry["type"])
    hint = _HINTS.get(code, "")
    return Fault(code=code, detail=f"{entry['msg']}.", where=where, hint=hint)


_TIME = "write it with its zone, as in 2026-12-24T14:30:00Z"
_HINTS = {
    "timezone_aware": _TIME,
    "datetime_parsing": _TIME,
    "datetime_from_date_parsing": _TIME,
    "union_tag_not_found": 'say "kind": "procedure" or "kind": "script"',
}


def _as_sent(path: list[Any]) -> list[Any]:
    """Drop the names of union branches, which nobody wrote: after the start, an index."""
    if path[:1] in (["one"], ["many"]):
        path = path[1:]
    start = 1 if path and isinstance(path[0], int) else 0
    if path[start : start + 1] and path[start] in _TAGS and len(path) > start + 1:
        path = [*path[:start], *path[start + 1 :]]
    return path


def _no_credential(request: HttpRequest, _error: AuthenticationError) -> HttpResponse:
    return refused(request, Unauthorized("A credential is needed."))


def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    if isinstance(error.__cause__, Refused):
        return refused(request, error.__cause__)
    return problem(request, error.status_code, [_fault(error.status_code, str(error))])


def _not_found(request: HttpRequest, _error: Http404) -> HttpResponse:
    return problem(request, 404, [_fault(404, "There is nothing at this address.")])


def _database(request: HttpRequest, error: Exception) -> HttpResponse:
    kind = kind_of(error)
    if kind == Failure.FULL:
        return _full(request, error)
    if kind == Failure.LASTING:
        return _failure(request, error)
    log.warning("database busy", request_id=id_of(request), error=str(error))
    response = problem(
        request,
        503,
        [Fault(code="busy", detail="The database is busy or away.", hint="try again")],
    )
    response.headers["Retry-After"] = "1"
    return response


def _disk(request: HttpRequest, error: OSError) -> HttpResponse:
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    return _full(request, error) if full else _failure(request, error)


def _full(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("disk full", request_id=id_of(request), error=str(error))
    fault = Fault(
        code="disk_full",
        detail="The hub's disk is full; nothing of this request was stored.",
        hint="send it again once the lab has made room",
    )
    response = problem(request, 503, [fault])  # so that whoever retries on 503 does
    response.headers["Retry-After"] = "60"
    return response


def _failure(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("request failed", request_id=id_of(request), exc_info=error)
    return problem(
        request, 500, [_fault(500, "The hub failed. Quote the request id to the lab.")]
    )


def _fault(status: int, detail: str) -> Fault:
    code = _CODES.get(status) or HTTPStatus(status).phrase.lower().replace(" ", "_")
    return Fault(code=code, detail=detail)


def nothing_here(request: HttpRequest) -> HttpResponse:
    """Answer addresses below ``/api`` that are none."""
    return problem(request, 404, [_fault(404, "There is nothing at this address.")])


class Problems:
    """Middleware: whatever error leaves ``/api`` by other ways becomes a problem too."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        answer = self._get_response(request)
        if isinstance(answer, Awaitable):
            return self._later(request, answer)
        return self._checked(request, answer)

    async def _later(self, request: HttpRequest, answer: Awaitable[Any]) -> Any:
        return self._checked(request, await answer)

    def _checked(self, request: HttpRequest, response: Any) -> Any:
        status = response.status_code
        known = response.headers.get("Content-Type") == MEDIA_TYPE
        if status < 400 or known or not request.path_info.startswith("/api/"):
            return response
        detail = f"{HTTPStatus(status).phrase}."
        better = problem(request, status, [_fault(status, detail)])
        if "Allow" in response.headers:
            better.headers["Allow"] = response.headers["Allow"]
        return better

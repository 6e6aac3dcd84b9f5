"""What every request carries: an id to quote, taken from the header or made here."""

import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

_WELL_FORMED = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
HEADER = "X-Request-ID"


def id_of(request: HttpRequest) -> str:
    """Return the id of a request."""
    known = request.META.get("shothub.request_id")
    if known is None:
        given = request.headers.get(HEADER, "")
        known = given if _WELL_FORMED.fullmatch(given) else secrets.token_hex(8)
        request.META["shothub.request_id"] = known
    return str(known)


class RequestId:
    """Middleware: every answer names the request's id."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(
        self, request: HttpRequest
    ) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        answer = self._get_response(request)
        if isinstance(answer, Awaitable):
            return self._later(request, answer)
        return self._marked(request, answer)

    async def _later(
        self, request: HttpRequest, answer: Awaitable[HttpResponseBase]
    ) -> HttpResponseBase:
        return self._marked(request, await answer)

    def _marked(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        response.headers[HEADER] = id_of(request)
        return response

"""What every request carries: an id to quote, and the address it came from."""

import re
import secrets
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

_WELL_FORMED = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
HEADER = "X-Request-ID"
WAIT = "shothub.wait"
"""In a request's META: seconds for which whoever sent the form is to wait."""


def id_of(request: HttpRequest) -> str:
    """Return the id of a request."""
    known = request.META.get("shothub.request_id")
    if known is None:
        given = request.headers.get(HEADER, "")
        known = given if _WELL_FORMED.fullmatch(given) else secrets.token_hex(8)
        request.META["shothub.request_id"] = known
    return str(known)


def address_of(request: HttpRequest) -> str:
    """Return the network address of who asks: as the proxy in front saw it, if any is.

    Of ``X-Forwarded-For`` only the last entry is the proxy's own; whoever asks may have
    written the others.
    """
    peer = str(request.META.get("REMOTE_ADDR") or "")
    if not settings.SHOTHUB.behind_tls:
        return _address(peer)
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    return _address(forwarded.rpartition(",")[2].strip()) or _address(peer)


def _address(text: str) -> str:
    """Return an IP address in its usual form, empty if the text is none."""
    try:
        return str(ip_address(text))
    except ValueError:
        return ""


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

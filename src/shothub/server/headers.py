"""What every answer of the API tells browsers, which have no business with it."""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

_ALWAYS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class ApiHeaders:
    """Middleware: an answer of the API is data, to be kept, framed and run nowhere."""

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
        return harden(answer) if _is_api(request) else answer

    async def _later(
        self, request: HttpRequest, answer: Awaitable[HttpResponseBase]
    ) -> HttpResponseBase:
        given = await answer
        return harden(given) if _is_api(request) else given


def _is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")


def harden(answer: HttpResponseBase) -> HttpResponseBase:
    """Add the headers that an answer does not set itself."""
    for name, value in _ALWAYS.items():
        answer.headers.setdefault(name, value)
    seconds = settings.SECURE_HSTS_SECONDS
    if seconds:
        answer.headers.setdefault("Strict-Transport-Security", f"max-age={seconds}")
    return answer

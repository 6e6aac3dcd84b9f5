"""How many requests one address may make, and how many forms strangers may send."""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.deprecation import MiddlewareMixin

from shothub.runtime import clock
from shothub.server.accounts.rates import count_address, count_form
from shothub.server.api.problems import refused
from shothub.server.refusals import TooMany
from shothub.server.requests import address_of


class LimitsAddresses:
    """Middleware: whoever floods the hub from one address is told to wait."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(
        self, request: HttpRequest
    ) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        refusal = _refusal(request)
        if refusal is None:
            answer: HttpResponseBase | Awaitable[HttpResponseBase]
            answer = self._get_response(request)
            return answer
        return _later(refusal) if self._is_async else refusal


def _refusal(request: HttpRequest) -> HttpResponse | None:
    try:
        count_address(address_of(request), clock.monotonic())
    except TooMany as error:
        if request.path_info.startswith("/api/"):
            return refused(request, error)
        return busy_page(error)
    return None


async def _later(answer: HttpResponse) -> HttpResponse:
    return answer


class LimitsForms(MiddlewareMixin):
    """Middleware of pages: logins, sign-ups and the like are few from one address."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """Refuse one too many."""
        if request.method != "POST" or request.path_info.startswith("/api/"):
            return None
        if request.user.is_authenticated:
            return None
        try:
            count_form(address_of(request), clock.monotonic())
        except TooMany as error:
            return busy_page(error)
        return None


def busy_page(error: TooMany) -> HttpResponse:
    """Return the page that says when to come back."""
    said = {"detail": error.fault.detail, "seconds": error.retry_after}
    answer = HttpResponse(render_to_string("429.html", said), status=429)
    answer.headers["Retry-After"] = str(error.retry_after)
    answer.headers["Cache-Control"] = "no-store"
    return answer

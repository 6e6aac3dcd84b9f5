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
from shothub.server.requests import WAIT, address_of

_ALLAUTHS_LONGEST = 300  # seconds of the windows in which it counts by account


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
    """Middleware of pages: logins, sign-ups and the like are few.

    Here from one address; for one account django-allauth counts those that fail, and its
    answer is given the status that programs understand.
    """

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

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Say in the header too how long to wait, if the page says so."""
        seconds = request.META.get(WAIT)
        if seconds is not None:
            response.status_code = 429
            response.headers["Retry-After"] = str(seconds)
        return response


def slow_down(_request: HttpRequest) -> HttpResponse:
    """Return the page for those whom django-allauth refuses as too many."""
    said = TooMany(
        "Too many of these were tried.",
        code="too_many_requests",
        hint="",
        retry_after=_ALLAUTHS_LONGEST,
    )
    return busy_page(said)


def busy_page(error: TooMany) -> HttpResponse:
    """Return the page that says when to come back."""
    said = {"detail": error.fault.detail, "seconds": error.retry_after}
    answer = HttpResponse(render_to_string("429.html", said), status=429)
    answer.headers["Retry-After"] = str(error.retry_after)
    answer.headers["Cache-Control"] = "no-store"
    return answer

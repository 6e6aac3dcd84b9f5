"""Who acts in each request: nobody, until a credential or a session says who."""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from shothub.server.audit.services import Actor, act_as, acting_as
from shothub.server.requests import address_of


class ActsAsNobody:
    """Middleware: a request begins as nobody's, wherever it was answered before."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(
        self, request: HttpRequest
    ) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self._is_async:
            return self._later(request)
        with acting_as(_nobody(request)):
            answer: HttpResponseBase = self._get_response(request)
            return answer

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        with acting_as(_nobody(request)):
            answer: HttpResponseBase = await self._get_response(request)
            return answer


def _nobody(request: HttpRequest) -> Actor:
    return Actor(by="nobody", address=address_of(request))


class ActsAsUser(MiddlewareMixin):
    """Middleware of pages: the request is that of the session's user."""

    def process_request(self, request: HttpRequest) -> None:
        """Say so, if there is a session."""
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return
        if request.user.is_authenticated:
            act_as(
                Actor(
                    user=request.user.pk,
                    name=request.user.get_username(),
                    by="session",
                    address=address_of(request),
                )
            )

"""Who asks: by token, or by the session of the pages; and the scope each route needs."""

from importlib import import_module

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from ninja.security.base import AuthBase
from ninja.utils import check_csrf

from shothub.domain.tokens import ALL_SCOPES
from shothub.runtime import clock
from shothub.server.accounts.acting import act_for
from shothub.server.accounts.principals import Principal
from shothub.server.accounts.proofs import proved_at
from shothub.server.accounts.queries import principal_of_session
from shothub.server.accounts.rates import (
    count_bad_credential,
    count_open,
    count_request,
)
from shothub.server.accounts.services import authenticate
from shothub.server.refusals import Forbidden, Unauthorized
from shothub.server.requests import address_of

ANY = "any"
"""In place of a scope: every valid credential will do."""
OPEN = "open"
"""In place of a scope: no credential is needed, nor looked at."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Request(HttpRequest):
    """A request whose credential was checked."""

    auth: Principal


def principal_of(request: HttpRequest) -> Principal:
    """Return who asks.

    Raises:
        Unauthorized: there is no valid credential.
        Forbidden: a page's request lacks its CSRF token.
    """
    header = request.META.get("HTTP_AUTHORIZATION", "")
    if header:
        scheme, _, raw = header.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthorized(
                "The credential must be a token.",
                where="header.Authorization",
                hint="Authorization: Bearer shb_…",
            )
        return authenticate(raw.strip(), now=clock.now(), address=address_of(request))
    if settings.SESSION_COOKIE_NAME in request.COOKIES:
        return _of_session(request)
    raise Unauthorized(
        "A credential is needed.",
        where="header.Authorization",
        hint="Authorization: Bearer shb_…",
    )


def _of_session(request: HttpRequest) -> Principal:
    if not hasattr(request, "session"):
        engine = import_module(settings.SESSION_ENGINE)
        key = request.COOKIES[settings.SESSION_COOKIE_NAME]
        request.session = engine.SessionStore(key)
    user = get_user(request)
    if not user.is_authenticated:
        raise Unauthorized("The session is over.", hint="log in again")
    if user.state != "active":
        raise Unauthorized("The lab has not let you in yet.", code="not_active")
    if request.method not in _SAFE and check_csrf(request):
        raise Forbidden("The CSRF token is missing or wrong.", code="csrf")
    return principal_of_session(user, proved_at(request.session))


def _known(request: HttpRequest) -> Principal:
    """Return who asks; of those who show no valid credential only so many are told."""
    try:
        return principal_of(request)
    except Unauthorized:
        count_bad_credential(address_of(request), clock.monotonic())
        raise


class Needs(AuthBase):
    """The scope that a route needs; every route declares one.

    Args:
        scope: its name.
        cost: for how many requests one counts, where it takes the hub long.
    """

    openapi_type = "http"
    openapi_scheme = "bearer"

    def __init__(self, scope: str, *, cost: float = 1.0) -> None:
        if scope not in ALL_SCOPES | {ANY}:
            raise ValueError(f"there is no scope {scope!r}")
        self.scope, self.cost = scope, cost
        super().__init__()

    def __call__(self, request: HttpRequest) -> Principal:
        """Return who asks, if his credential has the scope."""
        principal = _known(request)
        act_for(principal, address_of(request))
        count_request(principal, clock.monotonic(), self.cost)
        if self.scope not in principal.scopes | {ANY}:
            raise Forbidden(
                f"The credential lacks the scope {self.scope}.",
                code="missing_scope",
                where="header.Authorization",
                hint=f"make a token with the scope {self.scope}",
            )
        return principal


class NeedsNothing(Needs):
    """For routes by which one gets his first credential."""

    def __init__(self) -> None:
        super().__init__(ANY)
        self.scope = OPEN

    def __call__(self, request: HttpRequest) -> Principal:
        """Return nobody, who may nothing."""
        count_open(address_of(request), clock.monotonic())
        return Principal(user=0, username="", key="")


class NeedsWhileWaiting(Needs):
    """The same for routes that wait without holding a thread."""

    async def __call__(self, request: HttpRequest) -> Principal:  # type: ignore[override]
        """Return who asks, if his credential has the scope."""
        return await sync_to_async(super().__call__)(request)

"""Routes: all that the hub stores about oneself."""

from django.http.response import HttpResponseBase
from ninja import Router

from shothub.runtime import clock
from shothub.server.accounts.rates import in_turn
from shothub.server.api.access import Needs, Request
from shothub.server.refusals import Forbidden
from shothub.server.results.personal import export
from shothub.server.sending import send_open

router = Router(tags=["accounts"])
_SCOPES = "jobs:read", "results:read", "tokens:read"


@router.get("/me/export", auth=Needs("results:read", cost=100))
def export_me(request: Request) -> HttpResponseBase:
    """Return everything stored about the user, secrets left out, as one JSON document.

    It needs the scopes ``jobs:read``, ``results:read`` and ``tokens:read``, and a token
    that is good for every apparatus.
    """
    _require_all(request)
    with in_turn(request.auth):
        file = export(request.auth, now=clock.now())
    name = f"shothub-{request.auth.username}.json"
    return send_open(request, file, media_type="application/json", name=name)


def _require_all(request: Request) -> None:
    """Refuse a credential that is good for a part only of what would be told."""
    missing = next((s for s in _SCOPES if s not in request.auth.scopes), "")
    if missing:
        raise Forbidden(
            f"The credential lacks the scope {missing}.",
            code="missing_scope",
            where="header.Authorization",
            hint=f"make a token with the scope {missing}",
        )
    if request.auth.only_on:
        raise Forbidden(
            "The token is good for some apparatus only; an export is about all of them.",
            code="only_on",
            where="header.Authorization",
            hint="use a token without --apparatus, or the page Privacy",
        )

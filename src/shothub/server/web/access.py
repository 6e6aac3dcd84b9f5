"""Who may open a page: logged-in users; what is not theirs is not there."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Concatenate, ParamSpec

from allauth.core.exceptions import ReauthenticationRequired
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from shothub.runtime import clock
from shothub.server.accounts.principals import Principal
from shothub.server.accounts.proofs import ProveAgain, proved_at
from shothub.server.accounts.queries import principal_of_session
from shothub.server.accounts.rates import count_request
from shothub.server.refusals import Forbidden, NotThere, Refused, TooMany
from shothub.server.web.problems import problem_page

P = ParamSpec("P")


def member(
    view: Callable[Concatenate[HttpRequest, Principal, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Let a logged-in user in and tell the view who he is; ask others to log in."""

    def guarded(
        request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _ask_to_log_in(request)
        if request.user.state != "active":
            return redirect("welcome")
        principal = principal_of_session(request.user, proved_at(request.session))
        try:
            count_request(principal, clock.monotonic())
            response = view(request, principal, *args, **kwargs)
        except ProveAgain as stale:
            # allauth asks for the proof, and then does what was asked for.
            raise ReauthenticationRequired from stale
        except Refused as refusal:
            response = problem_page(request, refusal, status=_status(refusal))
            if isinstance(refusal, TooMany):
                response.headers["Retry-After"] = str(refusal.retry_after)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    update_wrapper(guarded, view)
    return guarded


def _ask_to_log_in(request: HttpRequest) -> HttpResponseBase:
    if request.headers.get("HX-Request") == "true":
        # A live part whose session has ended: load the whole page, which asks.
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    back = request.get_full_path() if request.method == "GET" else "/"
    return redirect_to_login(back)


def _status(refusal: Refused) -> int:
    if isinstance(refusal, NotThere):
        return 404
    if isinstance(refusal, TooMany):
        return 429
    return 403 if isinstance(refusal, Forbidden) else 400

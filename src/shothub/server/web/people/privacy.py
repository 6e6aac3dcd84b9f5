"""Pages of accounts are nobody's but their reader's."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

_PAGES = ("/account", "/login", "/logout", "/sign-up", "/welcome", "/invitation")

_A_MINUTE = "60"  # of which django-allauth counts what is tried


class KeepsPrivate:
    """Middleware: no cache keeps a page by which one logs in or proves who he is."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a request."""
        answer = self._get_response(request)
        if request.path_info.startswith(_PAGES):
            answer.headers["Cache-Control"] = "private, no-store"
            if answer.status_code == 429:
                answer.headers.setdefault("Retry-After", _A_MINUTE)
        return answer

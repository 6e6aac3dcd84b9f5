"""Sending people to a login provider: by a page of ours, not by a redirect of a form."""

from collections.abc import Callable
from urllib.parse import urlsplit

import structlog
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from requests import RequestException

log = structlog.get_logger()


class Leaving:
    """Middleware: a form that leads elsewhere is answered by a page that goes there.

    Pages may send forms to the hub alone (``form-action 'self'``), and browsers hold a
    redirect of the answer against that rule too.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a request."""
        answer = self._get_response(request)
        goal = urlsplit(answer.headers.get("Location", ""))
        if request.method != "POST" or not goal.netloc:
            return answer
        if goal.netloc == request.get_host():
            return answer
        page = {"goal": goal.geturl(), "host": goal.hostname}
        return render(request, "shothub/people/leaving.html", page)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponse | None:
        """Say that a login provider does not answer; all else is none of this one's."""
        if not isinstance(exception, RequestException):
            return None
        log.warning("login provider does not answer", error=str(exception)[:300])
        page = "socialaccount/authentication_error.html"
        return render(request, page, status=503)

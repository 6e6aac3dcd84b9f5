"""The pages for a refusal and for a failure, in words for people."""

import sys
from dataclasses import dataclass

import structlog
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from shothub.server.failures import Failure, kind_of
from shothub.server.refusals import Refused

_TITLES = {
    400: "That did not work",
    403: "Not allowed",
    404: "Not found",
    429: "Not so fast",
}
log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class PageProblem:
    """What an error page says."""

    status: int
    title: str
    detail: str
    hint: str = ""


def problem_page(
    request: HttpRequest, refusal: Refused, *, status: int
) -> HttpResponse:
    """Return the page for a refusal; Django's own errors have templates of their own."""
    problem = PageProblem(
        status=status,
        title=_TITLES[status],
        detail=refusal.fault.detail or "There is nothing here, or it is not yours.",
        hint=refusal.fault.hint,
    )
    context = {"problem": problem}
    return render(request, "shothub/problem.html", context, status=status)


def failure_page(_request: HttpRequest) -> HttpResponse:
    """Return the page for an exception that no view expects."""
    error = sys.exception()
    if error is None or kind_of(error) == Failure.LASTING:
        return HttpResponse(render_to_string("500.html"), status=500)
    log.warning("database busy", error=str(error))
    answer = HttpResponse(render_to_string("503.html"), status=503)
    answer.headers["Retry-After"] = "5"
    return answer

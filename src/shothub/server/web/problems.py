"""The page for a refusal, in words for people."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from shothub.server.refusals import Refused

_TITLES = {
    400: "That did not work",
    403: "Not allowed",
    404: "Not found",
}


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

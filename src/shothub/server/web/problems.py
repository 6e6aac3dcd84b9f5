"""Error pages: the same look as every page, words for people, nothing of the server."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from shothub.server.refusals import Refused
from shothub.server.requests import id_of

_TITLES = {
    400: "That did not work",
    403: "Not allowed",
    404: "Not found",
    500: "The hub has failed",
}
_DETAILS = {
    400: "The hub did not understand this request.",
    403: "You may not do this.",
    404: "There is no such page, or it is not yours.",
    500: "Something went wrong on our side. Nothing that you sent was half done: every"
    " change is made as a whole or not at all.",
}
_CSRF = (
    "The page was open for too long, or your browser keeps no cookies for this address."
)


@dataclass(frozen=True, kw_only=True)
class PageProblem:
    """What an error page says."""

    status: int
    title: str
    detail: str
    hint: str = ""


def problem_page(
    request: HttpRequest,
    refusal: Refused | None = None,
    *,
    status: int,
    detail: str = "",
) -> HttpResponse:
    """Return the page for an error."""
    fault = refusal.fault if refusal else None
    problem = PageProblem(
        status=status,
        title=_TITLES[status],
        detail=(fault.detail if fault else "") or detail or _DETAILS[status],
        hint=fault.hint if fault else "",
    )
    context = {"problem": problem}
    return render(request, "shothub/problem.html", context, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Serve as handler400."""
    return problem_page(request, status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Serve as handler403."""
    return problem_page(request, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Serve as handler404."""
    return problem_page(request, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Serve as handler500; it asks nothing of the database, which may be what failed."""
    problem = PageProblem(status=500, title=_TITLES[500], detail=_DETAILS[500])
    context = {"problem": problem, "request_id": id_of(request)}
    page = render_to_string("shothub/failure.html", context)
    return HttpResponse(page, status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Serve as CSRF_FAILURE_VIEW."""
    return problem_page(
        request, status=403, detail=f"{_CSRF} Go back, load the page again, and retry."
    )

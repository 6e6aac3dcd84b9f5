"""The page behind a link: a job for whoever has the link, without logging in."""

import csv
from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from shothub.runtime.clock import now
from shothub.server.jobs.queries import job_view
from shothub.server.jobs.shares_of import job_behind
from shothub.server.refusals import Forbidden, Refused
from shothub.server.results.queries import find_file, path_of, result_table
from shothub.server.sending import send_file
from shothub.server.web.problems import problem_page
from shothub.server.web.views.job import global_lines, results_of, story_of


def with_link(
    view: Callable[..., HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Give the view the job that a link opens; nothing of the page tells the link on."""

    def guarded(request: HttpRequest, text: str, **more: str) -> HttpResponseBase:
        try:
            job = job_behind(text, now=now())
            response = view(request, job, text, **more)
        except Refused as refusal:
            status = 403 if isinstance(refusal, Forbidden) else 404
            response = problem_page(request, refusal, status=status)
        # Django would log the address of a refusal, which here is a secret.
        vars(response)["_has_been_logged"] = True
        response.headers["Cache-Control"] = "private, no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        return response

    update_wrapper(guarded, view)
    return guarded


@with_link
@require_safe
def shared(request: HttpRequest, job: Any, text: str) -> HttpResponse:
    """Show a job: what was asked for, what came of it."""
    view = job_view(job)
    results = results_of(request, job, partial(_address, text))
    files = [file for file in results["files"] if file.kind != "hdf5"]
    context = {
        "text": text,
        "global_lines": global_lines(view),
        **story_of(job, view),
        **results,
        "files": files,
    }
    return render(request, "shothub/shared.html", context)


def _address(text: str, name: str) -> str:
    return reverse("shared_file", args=[text, name])


@with_link
@require_safe
def shared_results(request: HttpRequest, job: Any, text: str) -> HttpResponse:
    """Send the results as a table: a row per shot."""
    table = result_table(job)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{job.pk}.csv"'
    lines = csv.writer(response)
    names = [".".join(column) for column in table.columns]
    lines.writerow(["shot", "state", *(_plain(name) for name in names)])
    rows = zip(table.index, table.states, table.rows, strict=True)
    lines.writerows([i, state, *map(_plain, row)] for i, state, row in rows)
    return response


def _plain(value: object) -> object:
    """Return a value that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return f"'{value}"
    return value


@with_link
@require_safe
def shared_file(
    request: HttpRequest, job: Any, text: str, name: str
) -> HttpResponseBase:
    """Send a file; shot files are for those only to whom the lab grants them."""
    file = find_file(job, name)
    if file.kind == "hdf5":
        raise Forbidden(
            "No link opens HDF5 files.",
            hint="whoever has the lab's grant gets them with his own account",
        )
    return send_file(
        request,
        path_of(file),
        name=file.name,
        media_type=file.media_type,
        digest=file.sha256,
    )

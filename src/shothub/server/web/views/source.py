"""The code of a job, for whoever may read it and for the apparatus's reviewers."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from shothub.server.accounts.principals import Principal
from shothub.server.jobs.queries import job_view
from shothub.server.jobs.sources import source_of
from shothub.server.web.access import member
from shothub.server.web.views.job import global_lines


@member
@require_safe
def job_source(request: HttpRequest, principal: Principal, job_id: str) -> HttpResponse:
    """Show what a job runs."""
    found = source_of(principal, job_id)
    view = job_view(found.job)
    context = {
        "section": "jobs",
        "job": view,
        "script": found.script,
        "routines": found.routines,
        "globals_name": found.globals_name,
        "global_lines": global_lines(view),
    }
    return render(request, "shothub/source.html", context)

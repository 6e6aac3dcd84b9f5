"""One job: its state, its results, its record, its files."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from shothub.domain.scans import BadValue, Scan, describe, parse_value
from shothub.domain.states import JobState
from shothub.runtime.clock import now
from shothub.server.accounts.principals import Principal
from shothub.server.jobs import queries
from shothub.server.jobs.services.control import cancel
from shothub.server.refusals import Conflict, Forbidden
from shothub.server.results.queries import (
    file_view,
    files_of,
    find_file,
    path_of,
    result_table,
)
from shothub.server.sending import send_file
from shothub.server.web import outcome, words
from shothub.server.web.access import member
from shothub.server.web.pictures import grouped
from shothub.server.web.views import sharing
from shothub.wire.jobs import JobView, ResultTable

_SHOWN_FILES, _SHOWN_EVENTS = 300, 1000

_CAN_WAIT = frozenset(
    {JobState.SUBMITTED, JobState.COMPILING, JobState.QUEUED, JobState.RUNNING}
)

Context = dict[str, Any]


@member
@require_safe
def job(request: HttpRequest, principal: Principal, job_id: str) -> HttpResponse:
    """Show a job."""
    found = queries.find_job(principal, job_id)
    view = queries.view_now(found, now=now())
    context = {
        "section": "jobs",
        "global_lines": global_lines(view),
        **_state(principal, found, view),
        **results_of(request, found, partial(_address, found.pk)),
        **_record(found),
        **sharing.context_of(principal, found),
    }
    return render(request, "shothub/job.html", context)


def _state(principal: Principal, found: Any, view: JobView) -> Context:
    story = story_of(found, view)
    if found.owner_id != principal.user:
        return {**story, "live": not story["finished"]}
    finished = story["finished"]
    return {
        **story,
        "mine": True,
        "live": not finished,
        "may_cancel": not finished and view.state != JobState.CANCELLING,
        "may_hold": view.state in _CAN_WAIT and not view.held,
        "may_release": view.held and not finished,
        "undecided": queries.undecided_of(found),
        "submit_again": _again(view),
        "keeps": finished and _has_a_choice(view),
    }


def _has_a_choice(view: JobView) -> bool:
    """Tell whether it is the owner's choice how long the results stay."""
    ends = bool(settings.SHOTHUB.keep_results_days)
    return view.results_deleted is None and (ends or view.kept)


def story_of(found: Any, view: JobView) -> Context:
    """Return what became of a job, as whoever may read it sees it."""
    return {
        "job": view,
        "finished": words.is_finished(view),
        "sentence": words.sentence(view),
        "outlook": words.outlook(view),
        "timeline": words.timeline(view, queries.moves_of(found)),
    }


def _again(view: JobView) -> str:
    if view.kind == "script":
        return ""
    page = reverse("procedure", args=[view.apparatus, view.source])
    return f"{page}?again={view.id}"


def global_lines(view: JobView) -> list[Context]:
    """Return the globals of a job as the page shows them."""
    return [_global_line(name, value) for name, value in view.globals.items()]


def _global_line(name: str, raw: object) -> Context:
    try:
        value = parse_value(raw)
    except BadValue:
        # A script's own expression: shown as it was given.
        return {"name": name, "text": _expression(raw), "points": 0}
    points = len(value.values) if isinstance(value, Scan) else 0
    if isinstance(value, bool):
        return {"name": name, "text": "yes" if value else "no", "points": 0}
    return {"name": name, "text": describe(value) or "(empty)", "points": points}


def _expression(raw: object) -> str:
    if isinstance(raw, dict) and "expression" in raw:
        return f"{raw['expression']} {raw.get('units', '')}".strip()
    return f"{raw}"


def results_of(
    request: HttpRequest, found: Any, address: Callable[[str], str]
) -> Context:
    """Return what came of a job; ``address`` tells where each of its files is."""
    rows = queries.shot_rows(found)
    table = result_table(found, rows)
    shots = [queries.shot_view(row) for row in rows]
    choice = outcome.choose(
        table, x=request.GET.get("x", ""), y=request.GET.getlist("y")
    )
    said = outcome.captions(table)
    files = files_of(found)
    pictures = {
        kind: grouped(
            [file for file in files if file.kind == kind], address=address, caption=said
        )
        for kind in ("preview", "figure")
    }
    return {
        "table": outcome.shot_table(table, shots),
        "choice": choice,
        "plots": outcome.plots_of(table, choice),
        "multishot": _multishot(table),
        "failed_routines": [r for r in table.routines if r.state == "failed"],
        "previews": pictures["preview"],
        "figures": pictures["figure"],
        "files": files[:_SHOWN_FILES],
        "files_more": max(len(files) - _SHOWN_FILES, 0),
    }


def _address(job_id: str, name: str) -> str:
    return reverse("job_file", args=[job_id, name])


def _multishot(table: ResultTable) -> list[Context]:
    return [
        {"routine": routine, "pairs": list(values.items())}
        for routine, values in table.multishot.items()
        if values
    ]


def _record(found: Any) -> Context:
    return {
        "logs": queries.logs_of(found),
        "events": queries.events_of(found, limit=_SHOWN_EVENTS),
    }


@member
@require_safe
def job_live(request: HttpRequest, principal: Principal, job_id: str) -> HttpResponse:
    """Show the state anew if it has changed since ``rev``; say so to the page."""
    found = queries.find_job(principal, job_id)
    view = queries.view_now(found, now=now())
    seen = request.GET.get("rev"), request.GET.get("notice", "")
    changed = seen != (f"{view.rev}", view.notice)
    if not changed and request.GET.get("outlook", "") == words.outlook(view):
        return HttpResponse(status=204)
    context = _state(principal, found, view)
    response = render(request, "shothub/_job_live.html", context)
    if changed:
        ended = context["finished"]
        response.headers["HX-Trigger"] = "job-ended" if ended else "job-changed"
    return response


@member
@require_safe
def job_results(
    request: HttpRequest, principal: Principal, job_id: str
) -> HttpResponse:
    """Show results, shots and pictures anew."""
    found = queries.find_job(principal, job_id)
    view = queries.job_view(found)
    context = {
        "job": view,
        "finished": words.is_finished(view),
        **results_of(request, found, partial(_address, found.pk)),
    }
    return render(request, "shothub/_job_results.html", context)


@member
@require_safe
def job_record(request: HttpRequest, principal: Principal, job_id: str) -> HttpResponse:
    """Show logs, files and events anew."""
    found = queries.find_job(principal, job_id)
    files = files_of(found)
    context = {
        "job": queries.job_view(found),
        "files": files[:_SHOWN_FILES],
        "files_more": max(len(files) - _SHOWN_FILES, 0),
        **_record(found),
    }
    return render(request, "shothub/_job_record.html", context)


@member
@require_POST
def job_cancel(request: HttpRequest, principal: Principal, job_id: str) -> HttpResponse:
    """Cancel a job; one that has ended meanwhile is simply shown."""
    try:
        cancel(principal, job_id, now=now())
    except Conflict as conflict:
        if conflict.fault.code != "job_ended":
            raise
    return HttpResponseRedirect(reverse("job", args=[job_id]))


@member
@require_safe
def job_file(
    request: HttpRequest, principal: Principal, job_id: str, name: str
) -> HttpResponseBase:
    """Send a file: pictures to look at, all others to keep."""
    found = queries.find_job(principal, job_id)
    file = find_file(found, name)
    view = file_view(file)
    if view.kind == "hdf5" and not principal.may("hdf5", found.apparatus.name):
        raise Forbidden(
            "The lab has not granted you its HDF5 files.",
            hint="the results, images and figures are yours all the same",
        )
    return send_file(
        request,
        path_of(file),
        name=view.name,
        media_type=view.media_type,
        digest=view.sha256,
    )

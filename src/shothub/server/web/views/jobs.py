"""The list of one's jobs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from shothub.domain.states import JobState
from shothub.runtime.clock import now
from shothub.server.accounts.group_queries import groups_of
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.queries import all_apparatus, description_of
from shothub.server.jobs.allowances import views_of
from shothub.server.jobs.queries import JobFilter, list_jobs
from shothub.server.results.queries import stored_bytes
from shothub.server.web.access import member
from shothub.server.web.snippets import python_call, shell_call
from shothub.server.web.words import is_finished
from shothub.wire.apparatus import ProcedureView

_PAGE = 50


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What the user asked to see."""

    text: str
    state: str
    apparatus: str
    tag: str
    cursor: str
    shared: bool

    @property
    def active(self) -> bool:
        return bool(self.text or self.state or self.apparatus or self.tag)


@dataclass(frozen=True, kw_only=True)
class Example:
    """A first job that this hub could run, in Python and in the shell."""

    python: str
    shell: str


def _filters(given: Mapping[str, str]) -> Filters:
    state = given.get("state", "")
    return Filters(
        text=given.get("q", "").strip()[:120],
        state=state if state in set(JobState) else "",
        apparatus=given.get("apparatus", "")[:48],
        tag=given.get("tag", "").strip()[:120],
        cursor=given.get("cursor", "")[:12],
        shared=given.get("shared", "") == "1",
    )


@member
@require_safe
def jobs(request: HttpRequest, principal: Principal) -> HttpResponse:
    """Show the user's jobs, or those shared with his groups, newest first."""
    filters = _filters(request.GET)
    wanted = JobFilter(
        state=filters.state,
        apparatus=filters.apparatus,
        tag=filters.tag,
        text=filters.text,
        limit=_PAGE,
        cursor=filters.cursor,
        shared=filters.shared,
    )
    page = list_jobs(principal, wanted)
    machines = all_apparatus()
    first = not page.total and not filters.active and not filters.shared
    context = {
        "section": "jobs",
        "page": page,
        "filters": filters,
        "first": first,
        "in_groups": bool(principal.groups),
        "states": list(JobState),
        "apparatus_names": [machine.name for machine in machines],
        "live": any(not is_finished(job) for job in page.jobs),
        "here": request.get_full_path(),
        "hub_url": request.build_absolute_uri("/").rstrip("/"),
        "example": _example(machines) if first else None,
    }
    return render(request, "shothub/jobs.html", context)


@member
@require_safe
def quotas(request: HttpRequest, principal: Principal) -> HttpResponse:
    """Show what the user takes of his quotas: a part of the page of jobs."""
    context = {
        "groups": groups_of(principal),
        "quotas": views_of(principal, stored=stored_bytes, now=now()),
    }
    return render(request, "shothub/_quotas.html", context)


def _example(machines: Sequence[Any]) -> Example:
    """Return the first published procedure with its own example."""
    found = next(
        ((m.name, p) for m in machines for p in description_of(m).procedures), None
    )
    name, procedure = found or ("sim", ProcedureView(name="bec_tof"))
    said = {"apparatus": name, "procedure": procedure.name}
    return Example(
        python=python_call(**said, values=procedure.example),
        shell=shell_call(**said, values=procedure.example),
    )

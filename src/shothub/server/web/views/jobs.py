"""The list of one's jobs."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from shothub.domain.states import JobState
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.queries import all_apparatus, description_of
from shothub.server.jobs.queries import JobFilter, list_jobs
from shothub.server.web.access import member
from shothub.server.web.fields import python_call
from shothub.server.web.words import is_finished

_PAGE = 50


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What the user asked to see."""

    text: str
    state: str
    apparatus: str
    tag: str
    cursor: str

    @property
    def active(self) -> bool:
        return bool(self.text or self.state or self.apparatus or self.tag)


@dataclass(frozen=True, kw_only=True)
class Example:
    """A first job that this hub could run."""

    apparatus: str
    procedure: str
    python: str


def _filters(given: Mapping[str, str]) -> Filters:
    state = given.get("state", "")
    return Filters(
        text=given.get("q", "").strip()[:120],
        state=state if state in set(JobState) else "",
        apparatus=given.get("apparatus", "")[:48],
        tag=given.get("tag", "").strip()[:120],
        cursor=given.get("cursor", "")[:12],
    )


@member
def jobs(request: HttpRequest, principal: Principal) -> HttpResponse:
    """Show the user's jobs, newest first."""
    filters = _filters(request.GET)
    wanted = JobFilter(
        state=filters.state,
        apparatus=filters.apparatus,
        tag=filters.tag,
        text=filters.text,
        limit=_PAGE,
        cursor=filters.cursor,
    )
    page = list_jobs(principal, wanted)
    machines = all_apparatus()
    first = not page.total and not filters.active
    context = {
        "section": "jobs",
        "page": page,
        "filters": filters,
        "states": list(JobState),
        "apparatus_names": [machine.name for machine in machines],
        "live": any(not is_finished(job) for job in page.jobs),
        "here": request.get_full_path(),
        "hub_url": request.build_absolute_uri("/").rstrip("/"),
        "example": _example() if first else None,
    }
    return render(request, "shothub/jobs.html", context)


def _example() -> Example:
    """Return the first published procedure with its own example."""
    for machine in all_apparatus():
        for procedure in description_of(machine).procedures:
            call = python_call(
                apparatus=machine.name,
                procedure=procedure.name,
                values=procedure.example,
            )
            return Example(
                apparatus=machine.name, procedure=procedure.name, python=call
            )
    call = python_call(apparatus="sim", procedure="bec_tof", values={})
    return Example(apparatus="sim", procedure="bec_tof", python=call)

"""Routes: submit, list, watch and cancel jobs."""

import hashlib
from typing import Annotated

from asgiref.sync import sync_to_async
from django.http import HttpResponse
from ninja import Body, Header, Path, Query, Router
from pydantic import Discriminator, Field, Tag

from shothub.domain.evidence import Decision
from shothub.domain.states import JOB_ENDS, JobState
from shothub.runtime import clock
from shothub.server.api.access import Needs, NeedsWhileWaiting, Request
from shothub.server.api.replies import reply, reply_list
from shothub.server.api.waiting import first
from shothub.server.jobs import queries
from shothub.server.jobs.forecasts import foresee_submission
from shothub.server.jobs.queries import (
    JobFilter,
    find_job,
    find_job_to_watch,
    view_now,
)
from shothub.server.jobs.services.control import cancel, hold, release
from shothub.server.jobs.services.dry_run import dry_run
from shothub.server.jobs.services.submit import IdempotencyKey, submit
from shothub.server.jobs.services.unknown import decide
from shothub.server.refusals import Invalid
from shothub.server.results.queries import stored_bytes
from shothub.wire.base import Message
from shothub.wire.jobs import (
    DecisionRequest,
    DryRun,
    EventView,
    JobPage,
    JobRequest,
    JobView,
    LogView,
    ShotView,
)

router = Router(tags=["jobs"])
READ = Needs("jobs:read")
WATCH = NeedsWhileWaiting("jobs:read")


def _one_or_many(value: object) -> str:
    return "many" if isinstance(value, list) else "one"


OneOrMany = Annotated[
    Annotated[JobRequest, Tag("one")] | Annotated[list[JobRequest], Tag("many")],
    Discriminator(_one_or_many),
]
IdempotencyHeader = Annotated[
    str | None,
    Header(alias="Idempotency-Key", max_length=200, pattern=r"^[\x21-\x7e]+$"),
]


@router.post(
    "",
    response={200: DryRun, 201: JobView | list[JobView]},
    auth=Needs("jobs:submit"),
)
def submit_jobs(
    request: Request,
    asked: Annotated[OneOrMany, Body()],
    idempotency_key: IdempotencyHeader = None,
    dry: Annotated[bool, Query(alias="dry_run")] = False,
) -> HttpResponse:
    """Submit one job, or a list of which all are taken or none.

    With an Idempotency-Key the same submission may be sent again without harm.
    """
    many = isinstance(asked, list)
    requests = asked if isinstance(asked, list) else [asked]
    if dry:
        return _dry(request, requests)
    digest = hashlib.sha256(request.body).hexdigest()
    key = (
        IdempotencyKey(key=idempotency_key, digest=digest) if idempotency_key else None
    )
    jobs = submit(
        request.auth,
        requests,
        idempotency=key,
        stored=stored_bytes,
        now=clock.now(),
        is_list=many,
    )
    return reply_list(jobs, status=201) if many else reply(jobs[0], status=201)


def _dry(request: Request, requests: list[JobRequest]) -> HttpResponse:
    if len(requests) != 1:
        raise Invalid("A dry run takes one job.", code="bad_batch", where="body")
    found = dry_run(
        request.auth,
        requests[0],
        stored=stored_bytes,
        now=clock.now(),
        forecast=foresee_submission,
    )
    return reply(found)


class JobQuery(Message):
    """Which jobs to list, newest first."""

    state: JobState | None = None
    apparatus: str = Field("", max_length=48)
    tag: str = Field("", max_length=120)
    limit: int = Field(50, ge=1, le=500)
    cursor: str = Field("", pattern=r"^[0-9]{0,9}$")
    shared: bool = False


@router.get("", response=JobPage, auth=READ)
def list_jobs(request: Request, wanted: Query[JobQuery]) -> HttpResponse:
    """List the user's jobs, or with ``shared`` those of others shared with his groups."""
    given = wanted.model_dump(exclude={"state"})
    chosen = JobFilter(state=wanted.state or "", **given)
    return reply(queries.list_jobs(request.auth, chosen))


@router.get("/{job}", response=JobView, auth=WATCH)
async def show_job(
    request: Request,
    job: str,
    wait: Annotated[float, Query(ge=0)] = 0.0,
    since: Annotated[int, Query(ge=0)] = 0,
) -> HttpResponse:
    """Show a job; with ``wait`` and ``since``, once its ``rev`` is larger than that.

    The hub waits a minute at most and then shows the job as it is.
    """

    @sync_to_async
    def look() -> JobView:
        return view_now(find_job_to_watch(request.auth, job), now=clock.now())

    def enough(seen: JobView) -> bool:
        return seen.rev > since or seen.state in JOB_ENDS

    view: JobView = await first(
        look, enough, topic=f"job:{job}", seconds=min(wait, 60.0)
    )
    return reply(view)


CANCEL = Needs("jobs:cancel")


@router.post("/{job}/cancel", response=JobView, auth=CANCEL)
def cancel_job(
    request: Request, job: str, abort: Annotated[bool, Query()] = False
) -> HttpResponse:
    """Cancel a job: what waits never starts; what runs ends by itself, or is aborted."""
    found = cancel(request.auth, job, now=clock.now(), abort=abort)
    return reply(view_now(found, now=clock.now()))


@router.delete("/{job}", response=JobView, auth=CANCEL)
def delete_job(request: Request, job: str) -> HttpResponse:
    """Cancel an unfinished job; finished ones are kept (409)."""
    return reply(view_now(cancel(request.auth, job, now=clock.now()), now=clock.now()))


CONTROL = Needs("jobs:submit")


@router.post("/{job}/hold", response=JobView, auth=CONTROL)
def hold_job(request: Request, job: str) -> HttpResponse:
    """Hold a job back, one's own or, as an operator, any: no further shot starts."""
    found = hold(request.auth, job, now=clock.now())
    return reply(view_now(found, now=clock.now()))


@router.post("/{job}/release", response=JobView, auth=CONTROL)
def release_job(request: Request, job: str) -> HttpResponse:
    """Let a job go on that was held back; what an operator holds, operators release."""
    found = release(request.auth, job, now=clock.now())
    return reply(view_now(found, now=clock.now()))


@router.post("/{job}/shots/{index}/decision", response=JobView, auth=CONTROL)
def decide_about_shot(
    request: Request,
    job: str,
    index: Annotated[int, Path(ge=0, le=1_000_000)],
    asked: DecisionRequest,
) -> HttpResponse:
    """Decide about a shot of unknown outcome: keep it so, rerun it, or give it up."""
    choice = Decision(asked.choice)
    found = decide(request.auth, job, index, choice, now=clock.now())
    return reply(view_now(found, now=clock.now()))


@router.get("/{job}/shots", response=list[ShotView], auth=READ)
def list_shots(request: Request, job: str) -> HttpResponse:
    """List the shots of a job in order of index."""
    return reply_list(queries.shots_of(find_job_to_watch(request.auth, job)))


@router.get("/{job}/events", response=list[EventView], auth=READ)
def list_events(
    request: Request, job: str, since: Annotated[int, Query(ge=0)] = 0
) -> HttpResponse:
    """List the changes of a job and its shots after event ``since``."""
    return reply_list(
        queries.events_of(find_job_to_watch(request.auth, job), since=since)
    )


@router.get("/{job}/logs", response=list[LogView], auth=READ)
def list_logs(request: Request, job: str) -> HttpResponse:
    """Return what the user's own code printed, by stage."""
    return reply_list(queries.logs_of(find_job(request.auth, job)))

"""Routes of agents: sessions, work, reports, uploads."""

from collections.abc import Iterator
from itertools import count
from typing import Annotated

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from ninja import Header, Query, Router
from pydantic import Field

from shothub.runtime import clock
from shothub.server.accounts import agents as tokens_of_agents
from shothub.server.api.access import Needs, NeedsWhileWaiting, Request
from shothub.server.api.replies import reply
from shothub.server.api.waiting import first
from shothub.server.apparatus.queries import apparatus_named
from shothub.server.jobs.services import agents, sessions, shots, starts
from shothub.server.results import services as results
from shothub.wire.accounts import NewToken, TokenView
from shothub.wire.agents import (
    Accepted,
    Compiled,
    Finish,
    JobAnalysed,
    LocalShot,
    OpenSession,
    Poll,
    SessionOpened,
    ShotAnalysed,
    Start,
    Started,
    Undelivered,
    Work,
)
from shothub.wire.base import Message
from shothub.wire.jobs import FileKind, FileView

router = Router(tags=["agent"])
RUN = Needs("agent:run")
_LONGEST_WAIT = 30.0
_CHUNK = 1 << 18


@router.post("/sessions", response=SessionOpened, auth=RUN)
def open_session(request: Request, opening: OpenSession) -> HttpResponse:
    """Begin a session; older ones of this apparatus are fenced."""
    return reply(sessions.open_session(request.auth, opening, now=clock.now()))


@router.post("/poll", response=Work, auth=NeedsWhileWaiting("agent:run"))
async def poll(request: Request, asked: Poll) -> HttpResponse:
    """Ask for work; wait for some up to ``wait`` seconds (30 at most)."""
    looks = count()

    @sync_to_async
    def look() -> Work:
        again = next(looks) > 0
        return agents.poll(request.auth, asked, now=clock.now(), again=again)

    @sync_to_async
    def topic() -> str:
        return f"apparatus:{apparatus_named(request.auth.apparatus).pk}"

    was_paused: list[bool] = []

    def enough(work: Work) -> bool:
        was_paused.append(work.paused)
        return agents.has_work(work) or work.paused != was_paused[0]

    seconds = min(max(asked.wait, 0.0), _LONGEST_WAIT)
    work: Work = await first(look, enough, topic=await topic(), seconds=seconds)
    return reply(work)


@router.post("/jobs/{job}/compiled", response=Accepted, auth=RUN)
def report_compiled(request: Request, job: str, report: Compiled) -> HttpResponse:
    """Hand in all shots of a job, or why there are none."""
    return reply(shots.compiled(request.auth, job, report, now=clock.now()))


@router.post("/shots/{int:shot}/start", response=Started, auth=RUN)
def start_shot(request: Request, shot: int, asked: Start) -> HttpResponse:
    """Ask for leave to start one attempt."""
    return reply(starts.start(request.auth, shot, asked, now=clock.now()))


@router.post("/attempts/{int:attempt}/finish", response=Accepted, auth=RUN)
def finish_attempt(request: Request, attempt: int, report: Finish) -> HttpResponse:
    """Report how an attempt ended; accepted from any session."""
    return reply(shots.finish(request.auth, attempt, report, now=clock.now()))


@router.post("/attempts/{int:attempt}/analysis", response=Accepted, auth=RUN)
def report_analysis(
    request: Request, attempt: int, report: ShotAnalysed
) -> HttpResponse:
    """Hand in the single-shot results of an attempt; accepted from any session."""
    return reply(results.store_analysis(request.auth, attempt, report, now=clock.now()))


@router.post("/jobs/{job}/analysed", response=Accepted, auth=RUN)
def report_job_analysed(
    request: Request, job: str, report: JobAnalysed
) -> HttpResponse:
    """Hand in the multi-shot results of a job, which ends it."""
    return reply(results.store_job_analysis(request.auth, job, report, now=clock.now()))


@router.post("/jobs/{job}/undelivered", response=Accepted, auth=RUN)
def report_undelivered(request: Request, job: str, report: Undelivered) -> HttpResponse:
    """Say that a file was not taken, so that the job's owner learns of it."""
    return reply(results.note_undelivered(request.auth, job, report, now=clock.now()))


@router.post("/local", response=Accepted, auth=RUN)
def report_local_shot(request: Request, report: LocalShot) -> HttpResponse:
    """Report a shot that the operator ran himself."""
    return reply(shots.local_shot(request.auth, report, now=clock.now()))


@router.get("/token", response=TokenView, auth=RUN)
def show_token(request: Request) -> HttpResponse:
    """Tell when the agent's token was made and when it expires."""
    return reply(tokens_of_agents.own_token(request.auth))


@router.post("/token", response={201: NewToken}, auth=RUN)
def rotate_token(request: Request) -> HttpResponse:
    """Give the agent a new token; the one that asks works on for a day."""
    made = tokens_of_agents.rotate(request.auth, now=clock.now())
    return reply(made, status=201)


class UploadQuery(Message):
    """What the file is."""

    kind: FileKind
    label: str = Field("", max_length=120)
    shot: int | None = Field(None, ge=0)
    media_type: str = Field(
        "application/octet-stream", pattern=r"^[a-z]+/[A-Za-z0-9.+\-]{1,80}$"
    )


@router.put("/jobs/{job}/files/{path:name}", response=FileView, auth=RUN)
def upload_file(
    request: Request,
    job: str,
    name: str,
    about: Query[UploadQuery],
    digest: Annotated[
        str, Header(alias="X-Content-SHA256", pattern=r"^[0-9a-fA-F]{64}$")
    ],
) -> HttpResponse:
    """Upload a file of a job, its raw content as the body; accepted from any session."""
    upload = results.Upload(name=name, sha256=digest.lower(), **about.model_dump())
    chunks, now = _chunks(request), clock.now()
    return reply(results.store_file(request.auth, job, upload, chunks, now=now))


def _chunks(request: HttpRequest) -> Iterator[bytes]:
    while chunk := request.read(_CHUNK):
        yield chunk

"""Routes: apparatus, what they publish, their queue; pause and resume."""

from django.http import HttpResponse
from ninja import Router
from pydantic import Field

from shothub.runtime import clock
from shothub.server.api.access import Needs, Request
from shothub.server.api.replies import reply, reply_list
from shothub.server.apparatus import credentials, queries
from shothub.server.apparatus.queries import apparatus_for, description_of
from shothub.server.jobs.queries import pending_shots
from shothub.server.jobs.queue_view import queue_view
from shothub.server.jobs.services.machines import drain, lift, pause, resume
from shothub.server.refusals import NotThere
from shothub.wire.accounts import EnrolmentCode
from shothub.wire.apparatus import (
    ApiFunction,
    ApparatusView,
    OutputView,
    ProcedureView,
)
from shothub.wire.base import Message
from shothub.wire.queue import QueueView

router = Router(tags=["apparatus"])
READ = Needs("apparatus:read")
DEAR = Needs("apparatus:read", cost=5)  # it reads all that waits


class PauseRequest(Message):
    """Why, for users to read."""

    message: str = Field("", max_length=500)


@router.get("", response=list[ApparatusView], auth=READ)
def list_apparatus(request: Request) -> HttpResponse:
    """List every apparatus for which the credential is good."""
    names = [apparatus.name for apparatus in queries.all_for(request.auth)]
    return reply_list([_view(request, name) for name in names])


def _view(request: Request, name: str) -> ApparatusView:
    apparatus = apparatus_for(request.auth, name)
    left = pending_shots(apparatus)
    return queries.view(apparatus, request.auth, pending_shots=left, now=clock.now())


@router.get("/{name}", response=ApparatusView, auth=READ)
def show_apparatus(request: Request, name: str) -> HttpResponse:
    """Show one apparatus."""
    return reply(_view(request, name))


@router.get("/{name}/procedures", response=list[ProcedureView], auth=READ)
def list_procedures(request: Request, name: str) -> HttpResponse:
    """List the procedures that the lab has published and lets one run."""
    offered = queries.offered_to(request.auth, apparatus_for(request.auth, name))
    return reply_list(offered.procedures)


@router.get("/{name}/procedures/{procedure}", response=ProcedureView, auth=READ)
def show_procedure(request: Request, name: str, procedure: str) -> HttpResponse:
    """Show one procedure."""
    known = queries.published_by(apparatus_for(request.auth, name)).procedures.get(
        procedure
    )
    if known is None or not request.auth.may_run(procedure, name):
        raise NotThere(f"There is no procedure {procedure[:60]!r} on {name!r}.")
    return reply(known[0])


@router.get("/{name}/api", response=list[ApiFunction], auth=READ)
def list_api(request: Request, name: str) -> HttpResponse:
    """List the functions of the lab's API, which scripts may import."""
    return reply_list(description_of(apparatus_for(request.auth, name)).api)


@router.get("/{name}/outputs", response=list[OutputView], auth=READ)
def list_outputs(request: Request, name: str) -> HttpResponse:
    """List the outputs of the connection table with the lab's limits."""
    return reply_list(description_of(apparatus_for(request.auth, name)).outputs)


@router.get("/{name}/connection-table", auth=READ)
def show_connection_table(request: Request, name: str) -> HttpResponse:
    """Return the source of the lab's connection table, as text."""
    text = description_of(apparatus_for(request.auth, name)).connection_table
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@router.get("/{name}/queue", response=QueueView, auth=DEAR)
def show_queue(request: Request, name: str) -> HttpResponse:
    """Show who is next and why, and when all unfinished jobs are foreseen to run."""
    found = apparatus_for(request.auth, name)
    return reply(queue_view(found, request.auth, now=clock.now()))


CONTROL = Needs("apparatus:control")


@router.post("/{name}/pause", response=ApparatusView, auth=CONTROL)
def pause_apparatus(
    request: Request, name: str, asked: PauseRequest | None = None
) -> HttpResponse:
    """Let nothing start there until resumed; for operators."""
    message = asked.message if asked else ""
    pause(
        request.auth,
        apparatus_for(request.auth, name),
        message=message,
        now=clock.now(),
    )
    return reply(_view(request, name))


@router.post("/{name}/drain", response=ApparatusView, auth=CONTROL)
def drain_apparatus(
    request: Request, name: str, asked: PauseRequest | None = None
) -> HttpResponse:
    """Let what waits run out; what is submitted later waits until resumed."""
    message = asked.message if asked else ""
    drain(
        request.auth,
        apparatus_for(request.auth, name),
        message=message,
        now=clock.now(),
    )
    return reply(_view(request, name))


@router.post("/{name}/resume", response=ApparatusView, auth=CONTROL)
def resume_apparatus(request: Request, name: str) -> HttpResponse:
    """End a pause or a draining; for operators."""
    resume(request.auth, apparatus_for(request.auth, name), now=clock.now())
    return reply(_view(request, name))


@router.post("/{name}/agent-code", response={201: EnrolmentCode}, auth=CONTROL)
def make_agent_code(request: Request, name: str) -> HttpResponse:
    """Make a code that enrols the agent of the apparatus once; for its admins."""
    made = credentials.agent_code(request.auth, name, now=clock.now())
    return reply(made, status=201)


@router.post("/{name}/lift-hold", response=ApparatusView, auth=CONTROL)
def lift_hold(request: Request, name: str) -> HttpResponse:
    """Lift the hold that the hub itself has put on it; for operators."""
    lift(request.auth, apparatus_for(request.auth, name), now=clock.now())
    return reply(_view(request, name))

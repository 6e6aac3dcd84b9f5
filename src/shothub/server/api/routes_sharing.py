"""Routes: leave for others to read a job."""

from typing import Annotated

from django.http import HttpResponse
from ninja import Path, Router

from shothub.runtime import clock
from shothub.server.api.access import Needs, Request
from shothub.server.api.replies import reply, reply_list
from shothub.server.jobs.services import sharing as services
from shothub.server.jobs.shares_of import shares_of
from shothub.wire.sharing import JobShareView, ShareRequest

router = Router(tags=["sharing"])
SHARE = Needs("jobs:share")


@router.get("/{job}/shares", response=list[JobShareView], auth=SHARE)
def list_shares(request: Request, job: str) -> HttpResponse:
    """List who may read a job of one's own, without the texts of links."""
    return reply_list(shares_of(request.auth, job, now=clock.now()))


@router.post("/{job}/shares", response={201: JobShareView}, auth=SHARE)
def share_job(request: Request, job: str, asked: ShareRequest) -> HttpResponse:
    """Let a group read a job, or whoever has the link that is returned just this once."""
    now = clock.now()
    if asked.group:
        made = services.share_with_group(request.auth, job, asked.group, now=now)
        return reply(made, status=201)
    made = services.share_by_link(request.auth, job, days=asked.days, now=now)
    whole = request.build_absolute_uri(made.link)
    return reply(made.model_copy(update={"link": whole}), status=201)


@router.delete("/{job}/shares/{share}", response=list[JobShareView], auth=SHARE)
def unshare_job(
    request: Request, job: str, share: Annotated[int, Path(ge=1, le=2**62)]
) -> HttpResponse:
    """Take such leave back, at once; what remains is returned."""
    services.unshare(request.auth, job, share, now=clock.now())
    return reply_list(shares_of(request.auth, job, now=clock.now()))

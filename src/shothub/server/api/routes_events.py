"""Routes: the events of a job as a stream, and the feed of all events for operators."""

import asyncio
from typing import Annotated

from asgiref.sync import sync_to_async
from django.http import HttpResponse
from ninja import Query, Router

from shothub.runtime import clock
from shothub.server.api.access import NeedsWhileWaiting, Request
from shothub.server.api.replies import reply
from shothub.server.api.streaming import (
    EventStream,
    LastEventId,
    News,
    Since,
    Viewer,
    open_stream,
    starting,
)
from shothub.server.api.waiting import wakeups
from shothub.server.jobs.feed import Stretch, readable, stretch
from shothub.server.jobs.queries import events_of, find_job, view_now
from shothub.wire.jobs import EventView
from shothub.wire.notices import FeedEvent, FeedPage

job_router = Router(tags=["jobs"])
router = Router(tags=["events"])
_PAGE = 500
_SETTLE = 0.05
_TOPIC = "events"
Wait = Annotated[float, Query(ge=0)]
Apparatus = Annotated[str, Query(max_length=48)]


@job_router.get("/{job}/stream", auth=NeedsWhileWaiting("jobs:read"))
async def stream_job(
    request: Request,
    job: str,
    since: Since = None,
    last_event_id: LastEventId = None,
    events: Annotated[bool, Query()] = True,
) -> HttpResponse | EventStream:
    """Stream a job as server-sent events until it has ended.

    ``event``: one change, with its id, each once and in order, from event ``since`` or
    ``Last-Event-ID`` on; ``job``: the job as it is then, at the begin and whenever it has
    changed; ``end``: it has ended, nothing more comes. With ``events=0`` without events.
    """
    viewer = Viewer(request)

    @sync_to_async
    def look(since: int | None) -> News[EventView]:
        found = find_job(viewer.principal(), job)
        view = view_now(found, now=clock.now())
        # After the view: when that says that the job has ended, no event is missing.
        new = events_of(found, since=since or 0, limit=_PAGE) if events else []
        return News(
            events=new,
            last=new[-1].id if new else since or 0,
            more=len(new) == _PAGE,
            job=view,
        )

    begin = starting(since, last_event_id)
    return await open_stream(request.auth.user, look, begin, topic=f"job:{job}")


@router.get("", response=FeedPage, auth=NeedsWhileWaiting("queue:manage"))
async def list_feed(
    request: Request,
    since: Since = None,
    wait: Wait = 0.0,
    apparatus: Apparatus = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> HttpResponse:
    """List events of the apparatus that one operates, after event ``since``.

    Without ``since`` the newest ones; with ``wait`` once there are any, after a minute at
    most. ``next`` of the answer is the ``since`` of the next question.
    """

    @sync_to_async
    def look() -> Stretch:
        return stretch(readable(request.auth, apparatus), since, limit=limit)

    loop = asyncio.get_running_loop()
    deadline = loop.time() + min(wait, 60.0)
    with wakeups().listen(_TOPIC) as bell:
        found = await look()
        while not found.events and (left := deadline - loop.time()) > 0:
            await bell.wait(min(left, _SETTLE) if found.settling else left)
            found = await look()
    return reply(FeedPage(events=found.events, next=found.last))


@router.get("/stream", auth=NeedsWhileWaiting("queue:manage"))
async def stream_feed(
    request: Request,
    since: Since = None,
    apparatus: Apparatus = "",
    last_event_id: LastEventId = None,
) -> HttpResponse | EventStream:
    """Stream the same as server-sent events, each once and in order.

    It goes on from event ``since`` or ``Last-Event-ID``; without, from the newest ones.
    """
    viewer = Viewer(request)

    @sync_to_async
    def look(since: int | None) -> News[FeedEvent]:
        found = stretch(readable(viewer.principal(), apparatus), since)
        return News(
            events=found.events,
            last=found.last,
            more=found.more,
            settling=found.settling,
        )

    begin = starting(since, last_event_id)
    return await open_stream(request.auth.user, look, begin, topic=_TOPIC)

"""Server-sent events: streams that end cleanly, and that resume where they were cut.

Every event has the id of its row; after a cut the client sends the last one it has read
as ``Last-Event-ID``, as browsers do, and goes on after it without gap or repeat.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Generic, Protocol, TypeVar

from django.apps import apps
from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from ninja import Header, Query

from shothub.domain.states import JOB_ENDS
from shothub.runtime import clock
from shothub.server.accounts.principals import Principal
from shothub.server.api.access import Request, principal_of
from shothub.server.api.waiting import wakeups
from shothub.server.refusals import Refused
from shothub.server.streams import Seat, Streams
from shothub.wire.jobs import JobView

HEARTBEAT = 15.0
LIFE = 3600.0
"""Seconds after which a stream ends by itself; clients go on in another one."""
_MERGE = 0.02  # seconds in which changes that follow one another are told together
_SETTLE = 0.05  # seconds after which to look again for events that are being written
_TRUST = 1.0  # seconds after which a credential is checked again

Since = Annotated[int | None, Query(ge=0, lt=2**63)]
LastEventId = Annotated[int | None, Header(alias="Last-Event-ID", ge=0, lt=2**63)]


class Numbered(Protocol):
    """An event with its number."""

    @property
    def id(self) -> int: ...

    def model_dump_json(self) -> str: ...


E = TypeVar("E", bound=Numbered)


@dataclass(frozen=True, kw_only=True)
class News(Generic[E]):
    """What a look has found.

    Attributes:
        events: in order, after the last one that was told.
        last: after which event to go on.
        more: whether to look again at once.
        settling: whether events are being written that cannot be told yet.
        job: the job as it is now, for streams of one job.
    """

    events: Sequence[E]
    last: int
    more: bool = False
    settling: bool = False
    job: JobView | None = None


Look = Callable[[int | None], Awaitable[News[E]]]


class Viewer:
    """Who watches: his credential is checked again while the stream lasts."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._principal = request.auth
        self._checked = clock.monotonic()

    def principal(self) -> Principal:
        """Return who watches.

        Raises:
            Refused: his credential is not valid any more.
        """
        if clock.monotonic() - self._checked > _TRUST:
            self._principal = principal_of(self._request)
            self._checked = clock.monotonic()
        return self._principal


class EventStream(StreamingHttpResponse):
    """An answer of server-sent events, which no proxy should keep back."""

    def __init__(self, frames: AsyncIterator[str], seat: Seat) -> None:
        super().__init__(frames, content_type="text/event-stream")
        self._seat = seat
        self.headers["Cache-Control"] = "no-store"
        self.headers["X-Accel-Buffering"] = "no"

    def close(self) -> None:
        """Give the place back that the stream took."""
        self._seat.leave()
        super().close()


def frame(event: str, data: str, ident: int | None = None) -> str:
    """Return one server-sent event; without id the last one stays the client's place."""
    number = "" if ident is None else f"id: {ident}\n"
    return f"{number}event: {event}\ndata: {data}\n\n"


async def open_stream(
    user: int, look: Look[E], since: int | None, *, topic: str
) -> HttpResponse | EventStream:
    """Return a stream of what ``look`` finds, now and at each change of ``topic``.

    Raises:
        TooMany: the user has as many streams open as he may.
        Refused: the first look was refused.
    """
    await look(since)
    streams: Streams = apps.get_app_config("jobs").streams  # type: ignore[attr-defined]
    seat = streams.sit(user, most=settings.SHOTHUB.max_streams)
    return EventStream(_frames(look, since, topic), seat)


async def _frames(look: Look[E], since: int | None, topic: str) -> AsyncIterator[str]:
    end = clock.monotonic() + LIFE
    job: JobView | None = None
    yield "retry: 1000\n\n"
    with wakeups().listen(topic) as bell, suppress(Refused):
        # A refusal in between ends the stream: the next attempt is told the reason.
        while clock.monotonic() < end:
            news = await look(since)
            since = news.last
            changed = news.job if news.job != job and not news.more else None
            job = changed or job
            if text := _told(news.events, changed):
                yield text
            if job and job.state in JOB_ENDS and not news.more:
                yield frame("end", "{}")
                return
            wait = _SETTLE if news.settling else HEARTBEAT
            if news.more or await bell.wait(wait):
                await asyncio.sleep(_MERGE)
            elif not news.settling:
                yield ": still here\n\n"


def _told(events: Sequence[Numbered], job: JobView | None) -> str:
    frames = [frame("event", e.model_dump_json(), e.id) for e in events]
    if job is not None:
        frames.append(frame("job", job.model_dump_json()))
    return "".join(frames)


def starting(since: int | None, last_event_id: int | None) -> int | None:
    """Return after which event to begin: a browser repeats its address as it was."""
    return since if last_event_id is None else last_event_id

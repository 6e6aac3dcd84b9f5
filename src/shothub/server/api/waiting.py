"""Waiting for a change without holding a thread or a database connection."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from django.apps import apps

from shothub.domain.states import JOB_ENDS
from shothub.server.wakeups import Wakeups
from shothub.wire.jobs import JobView

T = TypeVar("T")
_HEARTBEAT = 15.0


def wakeups() -> Wakeups:
    """Return this process's wake-ups."""
    registered: Wakeups = apps.get_app_config("jobs").wakeups  # type: ignore[attr-defined]
    return registered


async def first(
    look: Callable[[], Awaitable[T]],
    enough: Callable[[T], bool],
    *,
    topic: str,
    seconds: float,
) -> T:
    """Look until it is enough or the time is over; look again at each change."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    with wakeups().listen(topic) as bell:
        while True:
            seen = await look()
            left = deadline - loop.time()
            if enough(seen) or left <= 0 or not await bell.wait(left):
                return seen


async def job_stream(
    look: Callable[[], Awaitable[JobView]], job: str
) -> AsyncIterator[str]:
    """Yield server-sent events, one for each change of a job, until it has ended."""
    rev = -1
    with wakeups().listen(f"job:{job}") as bell:
        while True:
            view = await look()
            if view.rev != rev:
                rev = view.rev
                yield f"id: {rev}\nevent: job\ndata: {view.model_dump_json()}\n\n"
            if view.state in JOB_ENDS:
                return
            if not await bell.wait(_HEARTBEAT):
                yield ": still here\n\n"

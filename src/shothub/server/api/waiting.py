"""Waiting for a change without holding a thread or a database connection."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from django.apps import apps

from shothub.server.wakeups import Wakeups

T = TypeVar("T")


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

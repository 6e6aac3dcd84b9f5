"""Whose shots run next: start-time fair queueing over users, by machine time used.

After Goyal, Vin and Cheng, SIGCOMM 1996: the waiting user with the smallest start tag is
served; his tag grows by the seconds that his shots took. An idle user earns no credit and
owes no debt.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A user with shots that could run now.

    Attributes:
        user: identity of the user.
        tag: his start tag, seconds of virtual time.
        since: when the oldest of his waiting jobs was submitted.
    """

    user: int
    tag: float
    since: datetime


def pick_user(waiting: Iterable[Waiting]) -> int | None:
    """Return the user to serve next, or None if nobody waits."""
    chosen = min(waiting, key=lambda w: (w.tag, w.since, w.user), default=None)
    return chosen.user if chosen else None


def tag_on_arrival(tag: float, virtual_time: float) -> float:
    """Return a user's tag when he begins to wait: idle time earns no credit."""
    return max(tag, virtual_time)


def tag_after(tag: float, seconds: float, weight: float = 1.0) -> float:
    """Return a user's tag after his shot took ``seconds`` of the machine."""
    return tag + seconds / weight

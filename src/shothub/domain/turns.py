"""How long a session lives: a user's short exclusive turn for a closed loop."""

from dataclasses import dataclass
from datetime import datetime, timedelta

ABANDONED = timedelta(minutes=2)
"""A session that waits ends if its owner has not asked for it for so long."""


@dataclass(frozen=True, kw_only=True)
class Life:
    """What decides when a session is over.

    Attributes:
        opened: when its turn came; None while it waits.
        until: when it ends in any case, once it is open.
        idle: it ends after so long without a shot of it that waits or runs.
        total: what its owner asked for.
        last_active: when it last had such a shot; while it waits, when its owner last
            asked for it.
    """

    opened: datetime | None
    until: datetime | None
    idle: timedelta
    total: timedelta
    last_active: datetime


def why_over(life: Life, now: datetime) -> str:
    """Return why a session has to end by now, in words; empty if it has not."""
    quiet = now - life.last_active
    if life.opened is None or life.until is None:
        if quiet < ABANDONED:
            return ""
        return f"nobody asked for it for {ABANDONED.seconds} s while it waited"
    if now >= life.until:
        if life.until < life.opened + life.total:
            return "a reservation begins"
        return f"its {life.total.total_seconds():g} s are over"
    if quiet >= life.idle:
        return f"nothing of it waited or ran for {life.idle.total_seconds():g} s"
    return ""


def seconds_to_charge(
    opened: datetime, ended: datetime, running_since: datetime | None
) -> float:
    """Return the machine time of a session, by the clock.

    A shot of it that still runs when it ends is charged by itself, like any other: the
    session pays up to the start of that shot.
    """
    end = min(ended, running_since) if running_since else ended
    return max((end - opened).total_seconds(), 0.0)

"""Whether two agents take one apparatus from each other again and again.

One agent that is restarted in a loop opens many sessions too, but always the same one;
and an agent that moves to another computer takes the apparatus over once. Two that fight
take it over and back: only that is two changes of the agent within a short time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

WINDOW = timedelta(minutes=5)
"""Time in which sessions are held against one another."""

CHANGES = 2
"""Changes of the agent within ``WINDOW`` from which two are fighting."""

_MOST = 20


@dataclass(frozen=True, kw_only=True)
class Opening:
    """One session as it was opened.

    Attributes:
        agent: who opened it; empty from programs that do not say, which do not count.
        at: when.
    """

    agent: str
    at: datetime


def recent(sessions: Sequence[Opening], now: datetime) -> list[Opening]:
    """Return the sessions that still count, oldest first."""
    return [s for s in sessions if s.agent and now - s.at <= WINDOW][-_MOST:]


def takes_over(sessions: Sequence[Opening]) -> bool:
    """Tell whether the last session is of another agent than the one before."""
    return len(sessions) > 1 and sessions[-1].agent != sessions[-2].agent


def fighting(sessions: Sequence[Opening], now: datetime) -> bool:
    """Tell whether the recent sessions are those of agents that fight."""
    agents = [session.agent for session in recent(sessions, now)]
    changes = sum(before != after for before, after in pairwise(agents))
    return changes >= CHANGES

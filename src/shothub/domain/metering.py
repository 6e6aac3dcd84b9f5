"""Machine time as measured: what a shot took, and the change of configuration before it.

The times of the beginning and the end are the apparatus's own; leave to start is stamped by
the hub, whose clock may differ: nothing is ever longer than what the hub has seen.
"""

from dataclasses import dataclass, replace
from datetime import datetime

_PACE = 0.1
_LONGEST_GAP = (
    600.0  # of a change; after a longer one the machine was not just changing
)


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """Mean times between the end of a shot and the beginning of the next, seconds.

    Attributes:
        same: if the configuration stays.
        switch: how much longer it takes if the configuration changes.
    """

    same: float = 0.0
    switch: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Run:
    """One attempt as it was measured.

    Attributes:
        opened: when the hub gave leave to start.
        began, ended: of the shot, at the apparatus; None where nobody knows.
        heard: when the hub heard of the end.
        free_since: when the machine had become free before; None if unknown.
        most: seconds beyond which it cannot have taken, if it is unknown what happened.
    """

    opened: datetime
    began: datetime | None
    ended: datetime | None
    heard: datetime
    free_since: datetime | None = None
    most: float | None = None


def seconds_of(run: Run) -> float:
    """Return how long the shot itself took the machine, seconds."""
    seen = _seconds(run.opened, run.heard)
    if run.began and run.ended:
        taken = _seconds(run.began, run.ended)
    else:
        free = run.free_since
        since = max(run.opened, free) if free else run.opened
        taken = _seconds(since, run.ended or run.heard)
    if run.most is not None:
        taken = min(taken, run.most)
    return min(taken, seen)


def gap_before(run: Run) -> float | None:
    """Return how long the machine took to become ready for the shot; None if unknown."""
    if run.began is None or run.free_since is None:
        return None
    gap = _seconds(max(run.free_since, run.opened), run.began)
    return gap if gap <= _LONGEST_GAP else None


def learn(gaps: Gaps, gap: float, *, changed: bool) -> Gaps:
    """Return the means after one more gap; the first one counts as it is."""
    if not changed:
        return replace(gaps, same=_towards(gaps.same, gap))
    return replace(gaps, switch=_towards(gaps.switch, max(0.0, gap - gaps.same)))


def _towards(mean: float, value: float) -> float:
    return mean + _PACE * (value - mean) if mean else value


def _seconds(start: datetime, end: datetime) -> float:
    return max(0.0, (end - start).total_seconds())

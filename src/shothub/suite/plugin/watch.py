"""When a shot does not come back from BLACS, and what to do about it.

BLACS waits without end for the pseudoclock's word in a run, and for the devices' words
while it saves; a worker that died says neither. It looks at errors of its tabs in a run
only when some message arrives.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from shothub.suite.plugin.in_hand import InHand, Phase


@dataclass(frozen=True, kw_only=True)
class Facts:
    """How BLACS is at this moment.

    Attributes:
        alive: whether the thread of its queue lives.
        faults: error text of each device's tab that has one.
        dead: devices with a worker process that has ended.
        busy: devices that are not back in manual mode.
        waiting: how many shots of the operator's own wait in BLACS's queue.
        death: by which error the thread of its queue ended, if it did.
        deaf: whether BLACS no longer answers those who submit to its own port.
    """

    paused: bool = False
    alive: bool = True
    status: str = ""
    faults: dict[str, str] = field(default_factory=dict)
    dead: frozenset[str] = frozenset()
    busy: frozenset[str] = frozenset()
    waiting: int = 0
    death: str = ""
    deaf: bool = False


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long the watchdog waits, seconds.

    Attributes:
        margin: beyond the expected length of a shot, and a tenth of it.
        programming: BLACS itself gives up after 300.
        saving: until all devices are back in manual mode.
        grace: from an abort until BLACS must have come back; and for how long a dead
            queue is shown before BLACS is started anew.
    """

    margin: float = 10.0
    programming: float = 360.0
    saving: float = 300.0
    grace: float = 15.0


class Remedy(StrEnum):
    """What to do about the shot in hand."""

    NONE = "none"
    LOOK = "look"
    CONDEMN = "condemn"
    ABORT = "abort"
    UNBLOCK = "unblock"
    GIVE_UP = "give up"


def remedy(shot: InHand, facts: Facts, now: datetime, patience: Patience) -> Remedy:
    """Return what to do about the shot in hand.

    ``LOOK``: make BLACS look at its tabs' errors; ``CONDEMN``: it is overdue, abort it;
    ``ABORT``: press the button (again); ``UNBLOCK``: answer BLACS in place of the devices
    that cannot; ``GIVE_UP``: report it failed without BLACS.
    """
    if not facts.alive or _given_up(shot, now, patience):
        return Remedy.GIVE_UP
    if shot.condemned:
        return Remedy.ABORT
    spent = (now - shot.since).total_seconds()
    if shot.phase is Phase.RUNNING:
        return _while_running(shot, facts, spent, patience)
    if shot.phase is Phase.SAVING and (facts.dead or spent > patience.saving):
        return Remedy.UNBLOCK
    return Remedy.NONE


def _while_running(
    shot: InHand, facts: Facts, spent: float, patience: Patience
) -> Remedy:
    if shot.attempt is not None and spent > 1.1 * shot.seconds + patience.margin:
        return Remedy.CONDEMN
    return Remedy.LOOK if facts.faults else Remedy.NONE


def _given_up(shot: InHand, now: datetime, patience: Patience) -> bool:
    if shot.condemned:
        return now - shot.condemned > timedelta(seconds=patience.grace)
    longest = {
        Phase.PROGRAMMING: patience.programming,
        Phase.SAVING: patience.saving + patience.grace,
    }.get(shot.phase)
    return longest is not None and now - shot.since > timedelta(seconds=longest)

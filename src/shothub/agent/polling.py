"""Asks the hub for work: one long-poll for each kind of it, so that none waits for another."""

import threading
from collections.abc import Callable
from typing import Literal

import structlog

from shothub.agent.events import Event, Fenced, Lease, LinkLost, WorkCame
from shothub.agent.hub import Fenced as FencedOff
from shothub.agent.hub import HubError
from shothub.agent.ports import HubPort
from shothub.wire.agents import Capacity, Poll, Work
from shothub.wire.apparatus import ApparatusStatus

logger = structlog.get_logger()

WAIT = 10.0
WAIT_FULL = 2.0
"""Seconds of a poll that only says how we are, because there is no room for more work."""

Kind = Literal["compile", "shots", "analyse"]


class Standing:
    """What polls say of us; pollers sleep here until they have something to ask for."""

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._epoch = 0
        self._last_epoch = 0
        self._capacity = Capacity()
        self._status = ApparatusStatus()
        self._closed = False

    @property
    def last_epoch(self) -> int:
        """The number of the newest session that was open, 0 if none was."""
        return self._last_epoch

    @property
    def closed(self) -> bool:
        """Tell whether the pollers are to end."""
        return self._closed

    def update(self, epoch: int, capacity: Capacity, status: ApparatusStatus) -> None:
        """Say how we are now."""
        with self._change:
            self._epoch, self._capacity, self._status = epoch, capacity, status
            self._last_epoch = epoch or self._last_epoch
            self._change.notify_all()

    def close(self) -> None:
        """End the pollers."""
        with self._change:
            self._closed = True
            self._change.notify_all()

    def next_poll(self, kind: Kind) -> Poll | None:
        """Wait until there is room for work of this kind; None when closed.

        The poll for compile tasks is made also without room: it tells how we are.
        """
        with self._change:
            self._change.wait_for(lambda: self._closed or self._ready(kind))
            if self._closed:
                return None
            room = getattr(self._capacity, kind)
            return Poll(
                epoch=self._epoch,
                capacity=Capacity(**{kind: room}),
                status=self._status,
                wait=WAIT if room else WAIT_FULL,
            )

    def _ready(self, kind: Kind) -> bool:
        if not self._epoch:
            return False
        return kind == "compile" or getattr(self._capacity, kind) > 0


class Poller:
    """Polls for one kind of work; ``run`` is its thread's whole life.

    Args:
        kind: of work.
        hub: is asked.
        standing: what to say of us.
        tell: takes an event and returns when the session has handled it, so that the next
            poll speaks of the state after it.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        kind: Kind,
        *,
        hub: HubPort,
        standing: Standing,
        tell: Callable[[Event], None],
        clock: Callable[[], float],
    ) -> None:
        self._kind = kind
        self._hub = hub
        self._standing = standing
        self._tell = tell
        self._clock = clock

    def run(self) -> None:
        """Poll until the standing is closed."""
        while poll := self._standing.next_poll(self._kind):
            asked = self._clock()
            try:
                work = self._hub.poll(poll)
            except FencedOff:
                self._tell(Fenced(poll.epoch))
            except HubError as error:
                logger.warning("no answer to a poll", work=self._kind, why=str(error))
                self._tell(LinkLost(poll.epoch))
            else:
                self._tell(_work_came(poll.epoch, work, asked))


def _work_came(epoch: int, work: Work, asked: float) -> WorkCame:
    return WorkCame(
        epoch=epoch,
        compile=tuple(work.compile),
        leases=tuple(
            Lease(
                shot=lease.shot,
                job=lease.job,
                index=lease.index,
                fence=lease.fence,
                until=asked + lease.seconds,
            )
            for lease in work.shots
        ),
        analyse=tuple(work.analyse),
        cancelled=frozenset(work.cancelled),
        abort=tuple(work.abort),
        paused=work.paused,
    )

"""Asks the hub for work: one long-poll for each kind of it, so that none waits for another."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import structlog

from shothub.agent.events import Event, Fenced, Granted, Lease, LinkLost, WorkCame
from shothub.agent.hub import Fenced as FencedOff
from shothub.agent.hub import HubError
from shothub.agent.link import Link
from shothub.agent.ports import HubPort
from shothub.agent.state import InHand
from shothub.wire.agents import Capacity, Holding, Poll, Work
from shothub.wire.apparatus import ApparatusStatus

logger = structlog.get_logger()

WAIT = 10.0
WAIT_FULL = 2.0
"""Seconds of a poll that only says how we are, because there is no room for more work."""

Kind = Literal["compile", "shots", "analyse"]


def _nothing() -> Sequence[str]:
    return ()


def _none() -> Sequence[int]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Books:
    """What the journal holds that polls speak of.

    Attributes:
        reports: returns the jobs whose analyses are still to be delivered.
        ahead: returns the attempts granted ahead whose ends the hub has not confirmed.
    """

    reports: Callable[[], Sequence[str]] = _nothing
    ahead: Callable[[], Sequence[int]] = _none


class Standing:
    """What polls say of us; pollers sleep here until they have something to ask for."""

    def __init__(self, books: Books | None = None) -> None:
        self._books = books or Books()
        self._held = InHand()
        self._serials: dict[Kind, int] = {}
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

    def update(
        self,
        epoch: int,
        capacity: Capacity,
        status: ApparatusStatus,
        held: InHand | None = None,
    ) -> None:
        """Say how we are now, and what we hold."""
        with self._change:
            self._epoch, self._capacity, self._status = epoch, capacity, status
            self._held = held or InHand()
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
            capacity = self._capacity
            room = capacity.model_dump(include=_ASKS[kind])
            return Poll(
                epoch=self._epoch,
                capacity=Capacity(**room),
                holding=self._holding(kind),
                status=self._status,
                wait=WAIT if any(room.values()) else WAIT_FULL,
            )

    def _holding(self, kind: Kind) -> Holding:
        serial = self._serials[kind] = self._serials.get(kind, 0) + 1
        if kind == "compile":
            return Holding(kind=kind, serial=serial, jobs=list(self._held.compiling))
        if kind == "analyse":
            jobs = {*self._held.analysing, *self._books.reports()}
            return Holding(kind=kind, serial=serial, jobs=sorted(jobs))
        return Holding(
            kind=kind,
            serial=serial,
            fences=list(self._held.fences),
            attempts=list(self._books.ahead()),
        )

    def _ready(self, kind: Kind) -> bool:
        if not self._epoch:
            return False
        room = self._capacity.model_dump(include=_ASKS[kind])
        return kind == "compile" or any(room.values())


_ASKS: dict[Kind, set[str]] = {
    "compile": {"compile"},
    "shots": {"shots", "ahead"},
    "analyse": {"analyse"},
}


class Poller:
    """Polls for one kind of work; ``run`` is its thread's whole life.

    Args:
        kind: of work.
        hub: is asked.
        standing: what to say of us.
        tell: takes an event and returns when the session has handled it, so that the next
            poll speaks of the state after it.
        clock: monotonic seconds.
        link: learns whether the hub answers, and wakes us when it does again.
    """

    def __init__(
        self,
        kind: Kind,
        *,
        hub: HubPort,
        standing: Standing,
        tell: Callable[[Event], None],
        clock: Callable[[], float],
        link: Link,
    ) -> None:
        self._link = link
        self._kind = kind
        self._hub = hub
        self._standing = standing
        self._tell = tell
        self._clock = clock

    def run(self) -> None:
        """Poll until the standing is closed."""
        pauses = self._link.pauses()
        while poll := self._standing.next_poll(self._kind):
            asked = self._clock()
            try:
                work = self._hub.poll(poll)
            except FencedOff as error:
                self._tell(Fenced(poll.epoch, error.problem.detail))
            except HubError as error:
                logger.warning("no answer to a poll", work=self._kind, why=str(error))
                self._link.lost()
                self._tell(LinkLost(poll.epoch))
                self._link.pause(next(pauses))
            else:
                pauses = self._link.pauses()
                self._tell(_work_came(poll.epoch, work, asked))
                self._link.answered()


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
        ahead=tuple(
            Granted(
                shot=grant.shot,
                job=grant.job,
                index=grant.index,
                fence=grant.fence,
                attempt=grant.attempt,
                duration=grant.duration,
                until=asked + grant.seconds,
            )
            for grant in work.ahead
        ),
        missed=tuple(work.missed),
        analyse=tuple(work.analyse),
        cancelled=frozenset(work.cancelled),
        abort=tuple(work.abort),
        paused=work.paused,
    )

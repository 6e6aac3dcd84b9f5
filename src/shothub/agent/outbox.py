"""Delivers what the journal's outbox holds: oldest first, again and again until confirmed."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog

from shothub.agent.hub import NotAllowed, Refused, Unreachable
from shothub.agent.journal import Journal, Parcel
from shothub.agent.parcels import undelivered, without_results
from shothub.agent.ports import HubPort
from shothub.runtime.delays import delays

logger = structlog.get_logger()

_WRONG_IN_ITSELF = frozenset({400, 413, 422})
FIRST_DELAY, LONGEST_DELAY = 1.0, 60.0


class Outbox:
    """The worker of the outbox; ``run`` is its thread's whole life.

    Args:
        journal: holds what is to be delivered.
        hub: takes it.
        clock: monotonic seconds.
        jitter: returns a random number in [0, 1).
    """

    def __init__(
        self,
        *,
        journal: Journal,
        hub: HubPort,
        clock: Callable[[], float],
        jitter: Callable[[], float],
    ) -> None:
        self._journal = journal
        self._hub = hub
        self._clock = clock
        self._jitter = jitter
        self._change = threading.Condition()
        self._posted = True
        self._hurried = False
        self._closed = False
        self._empty = threading.Event()
        self._due: dict[int, tuple[float, Iterator[float]]] = {}

    def wake(self) -> None:
        """Say that something was put into the outbox."""
        with self._change:
            self._empty.clear()
            self._posted = True
            self._change.notify()

    def hurry(self) -> None:
        """Try everything at once: the hub answers again."""
        with self._change:
            self._hurried = self._posted = True
            self._change.notify()

    def close(self) -> None:
        """End ``run`` after the delivery under way."""
        with self._change:
            self._closed = True
            self._change.notify()

    def drained(self, seconds: float) -> bool:
        """Wait until nothing is left to deliver; tell whether that came in time."""
        return self._empty.wait(seconds)

    def run(self) -> None:
        """Deliver until closed."""
        while not self._closed:
            wait = self.deliver_all()
            with self._change:
                if not self._posted and not self._closed:
                    self._change.wait(wait)
                self._posted = False

    def deliver_all(self) -> float | None:
        """Deliver all that is due; return seconds until more is, None if nothing waits."""
        while not self._closed:
            self._forget_delays()
            waiting = self._journal.waiting()
            if not waiting:
                self._empty.set()
                return None
            ready = _in_order(waiting)
            due = next((entry for entry in ready if self._is_due(entry[0])), None)
            if due is None:
                soonest = min(self._due[ident][0] for ident, _ in ready)
                return max(0.0, soonest - self._clock())
            self._deliver(*due)
        return None

    def _forget_delays(self) -> None:
        with self._change:
            if self._hurried:
                self._due.clear()
            self._hurried = False

    def _is_due(self, ident: int) -> bool:
        return ident not in self._due or self._due[ident][0] <= self._clock()

    def _deliver(self, ident: int, parcel: Parcel) -> None:
        try:
            self._hand_over(parcel)
        except Unreachable as error:
            self._later(ident, parcel, str(error))
        except NotAllowed as error:
            # A person may mend the token; the evidence waits for that.
            self._later(ident, parcel, str(error.fault))
        except Refused as error:
            logger.error("the hub refused", what=parcel.route, why=str(error))
            self._park(ident, parcel, error)
        except FileNotFoundError as error:
            logger.error("the file is gone", what=parcel.route, file=parcel.file)
            self._journal.refused(ident, str(error))
        else:
            self._due.pop(ident, None)
            self._journal.delivered(ident)
            if parcel.file:
                Path(parcel.file).unlink(missing_ok=True)

    def _park(self, ident: int, parcel: Parcel, error: Refused) -> None:
        """Keep what the hub does not take; tell it at least that there was something."""
        self._journal.refused(ident, str(error))
        if error.problem.status in _WRONG_IN_ITSELF:
            instead = without_results(parcel, str(error)) or undelivered(
                parcel, error.problem.detail
            )
            if instead:
                self._journal.post([instead])

    def _hand_over(self, parcel: Parcel) -> None:
        if parcel.file:
            description = json.loads(parcel.body)
            self._hub.upload(parcel.route, description, Path(parcel.file))
        else:
            self._hub.report(parcel.route, parcel.body)

    def _later(self, ident: int, parcel: Parcel, why: str) -> None:
        _, pauses = self._due.get(ident) or (
            0.0,
            delays(first=FIRST_DELAY, longest=LONGEST_DELAY, jitter=self._jitter),
        )
        pause = next(pauses)
        self._due[ident] = (self._clock() + pause, pauses)
        logger.warning("delivery waits", what=parcel.route, why=why, seconds=pause)


def _in_order(waiting: list[tuple[int, Parcel]]) -> list[tuple[int, Parcel]]:
    """Leave out reports of results whose files still wait: a job ends with all it has."""
    ready, behind = [], set[str]()
    for ident, parcel in waiting:
        if parcel.file:
            behind.add(parcel.job)
        elif parcel.job and parcel.job in behind:
            continue
        ready.append((ident, parcel))
    return ready

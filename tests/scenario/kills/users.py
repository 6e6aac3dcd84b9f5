"""Users who submit jobs without a pause, through a bad network, and cancel some."""

import random
import threading
from dataclasses import dataclass, field

from tests.scenario.kills.lab import PROCEDURE

from shothub.client import Apparatus, Hub, Job, ShothubError
from shothub.client.retries import Manner
from shothub.domain.states import JOB_ENDS
from shothub.runtime import clock

CANCELLED = 0.02
"""Share of the jobs that their owner cancels after a while."""

LOOK_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A job as its owner wanted it."""

    user: str
    name: str
    apparatus: str
    numbers: tuple[int, ...]
    cancelled: bool = False


@dataclass
class Orders:
    """How many shots are still to be submitted; every shot has a number of its own."""

    left: int
    largest: int = 40
    given: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, chance: random.Random) -> tuple[int, ...]:
        """Return the numbers of one job's shots; none if all are submitted."""
        with self.lock:
            size = min(self.left, chance.randint(1, self.largest))
            first, self.given, self.left = (
                self.given,
                self.given + size,
                self.left - size,
            )
        return tuple(range(first, first + size))

    def stop(self) -> None:
        """Give no further orders."""
        with self.lock:
            self.left = 0


class Submitter:
    """One user at one apparatus: keeps some shots waiting until there are no more orders."""

    def __init__(
        self,
        hub: Hub,
        *,
        user: str,
        apparatus: str,
        orders: Orders,
        chance: random.Random,
        ahead: int,
    ) -> None:
        self._hub = hub
        self._user = user
        self._apparatus = apparatus
        self._orders = orders
        self._chance = chance
        self._ahead = ahead
        self._serial = 0
        self._open: dict[str, tuple[Job, int]] = {}
        self.wanted: list[Wanted] = []
        self.ended = 0
        self.failure: BaseException | None = None
        self.finished = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(60)

    def _run(self) -> None:
        try:
            while not self._closing.is_set() and not self.finished:
                self._refill()
                self._look()
                self._closing.wait(LOOK_SECONDS)
        except BaseException as error:
            self.failure = error
            raise

    def _refill(self) -> None:
        while sum(size for _, size in self._open.values()) < self._ahead:
            numbers = self._orders.take(self._chance)
            if not numbers:
                return
            self._submit(numbers)

    def _submit(self, numbers: tuple[int, ...]) -> None:
        self._serial += 1
        cancelled = self._chance.random() < CANCELLED
        name = f"{self._user}-{self._apparatus}-{self._serial}"
        wanted = Wanted(
            user=self._user,
            name=name,
            apparatus=self._apparatus,
            numbers=numbers,
            cancelled=cancelled,
        )
        self.wanted.append(wanted)
        apparatus = self._machine()
        job = apparatus.run(
            procedure=PROCEDURE,
            globals={"number": list(numbers), "user": self._user},
            name=name,
        )
        self._open[job.id] = (job, len(numbers))
        if cancelled:
            threading.Timer(self._chance.uniform(0, 3), self._cancel, [job]).start()

    def _machine(self) -> Apparatus:
        return self._hub.apparatus(self._apparatus)

    def _cancel(self, job: Job) -> None:
        try:
            job.cancel()
        except ShothubError as error:
            # It may have ended before.
            if error.faults[0].code != "job_ended":
                self.failure = error

    def _look(self) -> None:
        for ident, (job, size) in list(self._open.items()):
            if job.refresh().state not in JOB_ENDS:
                break  # The others come after it.
            del self._open[ident]
            self.ended += size
        self.finished = not self._open and not self._orders.left


def manner() -> Manner:
    """Return the patience of users whose hub is killed again and again."""
    return Manner(timeout=20.0, patience=None, pause=clock.pause)

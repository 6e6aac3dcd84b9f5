"""What the hub does by itself as time passes, whether or not anybody calls."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import DatabaseError, InterfaceError, close_old_connections
from django.utils.module_loading import import_string

from shothub.runtime import clock

log = structlog.get_logger()


@dataclass(frozen=True)
class Chore:
    """One of them. It must be harmless when two hub processes do it at once.

    Attributes:
        do: does what is due at the time it is given.
        every: seconds between two runs.
    """

    name: str
    do: Callable[[datetime], None]
    every: float


def named(path: str) -> Callable[[datetime], None]:
    """Return what calls a function by its dotted name: tables are imported late."""

    def call(now: datetime) -> None:
        import_string(path)(now)

    return call


_JOBS = "shothub.server.jobs.services"
_OUTBOX = "shothub.server.outbox.services"
_PEOPLE = "shothub.server.accounts.people_services"
CHORES: Sequence[Chore] = (
    Chore("old sessions", named(f"{_PEOPLE}.forget_old_sessions"), 3600.0),
    Chore("unconfirmed sign-ups", named(f"{_PEOPLE}.forget_unconfirmed"), 3600.0),
    Chore("old messages", named(f"{_OUTBOX}.delivery.prune"), 3600.0),
    Chore("old results", named("shothub.server.results.retention.tend"), 300.0),
    Chore("old logins", named("shothub.server.accounts.devices.forget"), 3600.0),
    Chore("old submissions", named(f"{_JOBS}.submit.forget_submissions"), 600.0),
    Chore("forecasts", named("shothub.server.jobs.forecasts.note_forecasts"), 5.0),
    Chore("waiting jobs", named(f"{_JOBS}.bars.sweep_all"), 1.0),
    Chore("lapsed leases", named(f"{_JOBS}.returns.return_all_lapsed"), 5.0),
    Chore("reservations", named(f"{_JOBS}.edges.attend_all"), 1.0),
    Chore("sessions", named(f"{_JOBS}.turns.attend_all"), 1.0),
)


class Chores:
    """A thread that does the chores in turn until it is closed."""

    def __init__(self, chores: Sequence[Chore] = CHORES) -> None:
        self._chores = chores
        self._due = dict.fromkeys((chore.name for chore in chores), 0.0)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chores", daemon=True)

    def __enter__(self) -> "Chores":
        """Begin."""
        if self._chores:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End after the chore under way."""
        self._closed.set()
        if self._chores:
            self._thread.join()

    def _run(self) -> None:
        while True:
            wait = self.do_due(clock.monotonic())
            if self._closed.wait(wait):
                return

    def do_due(self, monotonic: float) -> float:
        """Do what is due; return the seconds until something is again."""
        for chore in self._chores:
            if self._due[chore.name] <= monotonic:
                self._due[chore.name] = monotonic + chore.every
                self._do(chore)
        return max(0.05, min(self._due.values()) - clock.monotonic())

    def _do(self, chore: Chore) -> None:
        close_old_connections()
        try:
            chore.do(clock.now())
        except (DatabaseError, InterfaceError):
            # A full or restarting database; what was due is due again next time.
            log.exception("chore failed", chore=chore.name)

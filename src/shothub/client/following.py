"""What a job is at present, and waiting for it to change, through broken networks."""

from collections.abc import Iterator
from datetime import datetime
from typing import Self

from shothub.client import calls, displays
from shothub.client.connection import Connection
from shothub.client.errors import JobCancelled, JobFailed, StillUnfinished
from shothub.client.progress import Watcher, watcher
from shothub.client.watching import LONG_POLL, Follower, News
from shothub.domain.states import JobState
from shothub.wire.jobs import EventView, JobView

QUEUE_POLL = 5.0
_AT_ONCE = 0.2


class Followed:
    """A job as far as it can be followed.

    Attributes:
        view: the job as the hub last described it.
    """

    def __init__(self, connection: Connection, view: JobView) -> None:
        self._connection = connection
        self.view = view

    @property
    def id(self) -> str:
        """The job id."""
        return self.view.id

    @property
    def name(self) -> str:
        """The name that the user gave."""
        return self.view.name

    @property
    def state(self) -> JobState:
        """The state as last heard of; `status` asks the hub."""
        return self.view.state

    @property
    def submitted(self) -> datetime:
        """When the hub took the job."""
        return self.view.submitted

    @property
    def ended(self) -> bool:
        """Whether the job, as last heard of, will not change any more."""
        return displays.has_ended(self.view)

    def status(self) -> JobState:
        """Ask the hub for the state."""
        return self.refresh().state

    def refresh(self) -> Self:
        """Ask the hub for the job as it is now."""
        self.view = self._connection.do(calls.get_job(self.id))
        return self

    def wait(
        self,
        timeout: float | None = None,
        *,
        progress: bool = True,
        raise_on_failure: bool = True,
    ) -> Self:
        """Wait until the job has ended, through broken networks too.

        Args:
            timeout: seconds to wait at most; None waits for ever.
            progress: show how it goes on: a bar in terminals, a line in notebooks.
            raise_on_failure: raise when the job failed or was cancelled.

        Raises:
            StillUnfinished: the time is over; the job goes on.
            JobFailed: it failed; the exception holds the faults.
            JobCancelled: it was cancelled, or expired.
        """
        with watcher(progress=progress) as shown:
            shown.show(self.view)
            for _ in self.changes(timeout, shown):
                pass
        if raise_on_failure:
            self.raise_if_failed()
        return self

    def changes(
        self, timeout: float | None = None, shown: Watcher | None = None
    ) -> Iterator[JobView]:
        """Yield the job each time it or its place in the queue changes, until it ends.

        Args:
            timeout: seconds after which to stop; None never stops.
            shown: shows the job, and tells when the hub cannot be reached.

        Raises:
            StillUnfinished: the time is over; the job goes on.
        """
        clock = self._connection.manner.monotonic
        end = None if timeout is None else clock() + timeout
        while not self.ended:
            left = None if end is None else max(0.0, end - clock())
            known = self.view
            self._look_again(left, shown)
            if shown:
                shown.show(self.view)
            if self.view != known:
                yield self.view
            elif left is not None and clock() + _AT_ONCE >= (end or 0.0):
                raise StillUnfinished(self.view, displays.progress_text(self.view))

    def _look_again(self, left: float | None, shown: Watcher | None) -> None:
        """Ask for a newer revision, which the hub holds back until there is one."""
        manner, known = self._connection.manner, self.view
        # Its place, and what keeps it waiting, change without a new revision.
        waits = known.state in {JobState.SUBMITTED, JobState.QUEUED}
        longest = QUEUE_POLL if waits else LONG_POLL
        wait = longest if left is None else min(longest, left)
        asked = manner.monotonic()
        self.view = self._connection.do(
            calls.get_job(self.id, wait=wait, since=known.rev),
            self._connection.tries(left, shown.note if shown else None),
        )
        if self.view.rev == known.rev and manner.monotonic() - asked < min(1.0, wait):
            # A hub that does not hold the answer back must not be asked in a frenzy.
            manner.pause(min(1.0, wait))

    def raise_if_failed(self) -> None:
        """Raise when the job is known to have failed or been cancelled.

        Raises:
            JobFailed: it failed; the exception holds the faults.
            JobCancelled: it was cancelled, or expired.
        """
        if self.state == JobState.FAILED:
            raise JobFailed(self.view)
        if self.state in {JobState.CANCELLED, JobState.EXPIRED}:
            raise JobCancelled(self.view)

    def events(self) -> list[EventView]:
        """Return every change of the job and of its shots so far."""
        found: list[EventView] = []
        last, asked = 0, -1
        while last > asked:
            asked = last
            page = self._connection.do(calls.events(self.id, since=asked))
            found += [event for event in page if event.id > asked]
            last = found[-1].id if found else 0
        return found

    def watch(
        self, since: int = 0, *, timeout: float | None = None
    ) -> Iterator[EventView]:
        """Yield every change of the job and of its shots as it happens, until it ends.

        Each comes once and in order, through broken networks too. The job's ``view`` is
        as it was when the change was told.

        Args:
            since: id of the event after which to begin; 0 begins with the first.
            timeout: seconds after which to stop; None never stops.

        Raises:
            StillUnfinished: the time is over; the job goes on.
        """
        for news in self.news(since, timeout=timeout):
            if isinstance(news, EventView):
                yield news

    def news(self, since: int = 0, *, timeout: float | None = None) -> Iterator[News]:
        """Yield the same and, at each change of it, the job."""
        clock = self._connection.manner.monotonic
        until = None if timeout is None else clock() + timeout
        follower = Follower(self._connection, self.id, last=since, until=until)
        for news in follower.news():
            if isinstance(news, JobView):
                self.view = news
            yield news
        if not self.ended:
            raise StillUnfinished(self.view, displays.progress_text(self.view))

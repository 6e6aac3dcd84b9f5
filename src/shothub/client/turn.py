"""A session: a short exclusive turn for a closed loop."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self, Unpack

from shothub.client import calendar_calls, calls
from shothub.client.calls import Submission
from shothub.client.connection import Connection
from shothub.client.errors import Conflict, Refused, SessionOver, ShothubError
from shothub.client.job import Job
from shothub.client.progress import Watcher, watcher
from shothub.client.requests import JobOptions
from shothub.client.watching import LONG_POLL
from shothub.wire.reservations import SessionRequest, SessionView

_FAREWELL = 10.0  # seconds: whoever leaves does not wait for a hub that is away


@dataclass(frozen=True)
class Door:
    """What a turn needs of its apparatus.

    Attributes:
        build: builds a job request from what `Apparatus.run` takes.
        new_key: returns a new idempotency key.
    """

    connection: Connection
    build: Callable[..., Submission]
    new_key: Callable[[], str]


class Turn:
    """A session on one apparatus; use it in a ``with`` statement.

    On entry it waits for its fair place in the queue. While it is open only its own jobs
    run. On exit it ends, and the machine is everybody's again.

    Attributes:
        view: the session as the hub last described it; None before it was asked for.
    """

    def __init__(self, door: Door, request: SessionRequest, *, progress: bool) -> None:
        self._door = door
        self._connection = door.connection
        self._request = request
        self._progress = progress
        self.view: SessionView | None = None

    @property
    def id(self) -> str:
        """The id of the session."""
        return self._known.id

    @property
    def until(self) -> datetime | None:
        """When it ends at the latest."""
        return self._known.until

    @property
    def _known(self) -> SessionView:
        if self.view is None:
            raise RuntimeError("use it so: with apparatus.session() as turn: ...")
        return self.view

    def refresh(self) -> Self:
        """Ask the hub for the session as it is now."""
        self.view = self._connection.do(calendar_calls.get_session(self.id))
        return self

    def run(self, **job: Unpack[JobOptions]) -> Job:
        """Submit a job that runs in this session, as `Apparatus.run` submits one.

        Raises:
            SessionOver: it has ended: by its limits, or an operator did it.
            Refused: something is wrong with the job.
        """
        request = self._door.build(**job)
        within = request.model_copy(update={"session": self.id})
        call = calls.submit(within, key=self._door.new_key())
        try:
            return Job(self._connection, self._connection.do(call))
        except Refused:
            self.refresh()
            if self._known.state == "ended":
                raise SessionOver(self._known) from None
            raise

    def end(self) -> Self:
        """End it; what it has not started goes on in the queue like other jobs."""
        self.view = self._connection.do(calendar_calls.end_session(self.id))
        return self

    def __enter__(self) -> Self:
        self.view = self._asked()
        try:
            with watcher(progress=self._progress) as shown:
                self._wait(shown)
        except BaseException:
            # Also Ctrl-C: nobody waits for a turn that nobody would use.
            self._leave()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        """End it; if the hub cannot be reached, it ends by itself when it is idle."""
        call = calendar_calls.end_session(self.id)
        try:
            self.view = self._connection.do(call, self._connection.tries(_FAREWELL))
        except ShothubError as error:
            with watcher(progress=self._progress) as shown:
                shown.note(f"session {self.id} ends when it is idle: {error}")

    def _asked(self) -> SessionView:
        try:
            return self._connection.do(calendar_calls.ask_session(self._request))
        except Conflict:
            # The answer to an earlier request may have been lost.
            found = self._connection.do(
                calendar_calls.list_sessions(self._request.apparatus)
            )
            mine = [view for view in found if self._is_asked_for(view)]
            if not mine:
                raise
            return mine[0]

    def _is_asked_for(self, view: SessionView) -> bool:
        asked = self._request
        return view.state == "waiting" and (
            (view.apparatus, view.idle_seconds, view.total_seconds)
            == (asked.apparatus, asked.idle_seconds, asked.total_seconds)
        )

    def _wait(self, shown: Watcher) -> None:
        while self._known.state == "waiting":
            shown.note(waiting_text(self._known))
            call = calendar_calls.get_session(self.id, wait=LONG_POLL)
            tries = self._connection.tries(None, shown.note)
            self.view = self._connection.do(call, tries)
        if self._known.state == "ended":
            raise SessionOver(self._known)
        shown.note(f"session {self.id} is open")

    def __repr__(self) -> str:
        if self.view is None:
            return f"<Turn on {self._request.apparatus}: not asked for>"
        return f"<Turn {self.id} on {self.view.apparatus}: {self.view.state}>"


def waiting_text(view: SessionView) -> str:
    """Return in words what a session waits for."""
    said = f"session {view.id} waits for its turn"
    if view.others:
        said += f", {view.others} other user{'s' if view.others > 1 else ''} too"
    return f"{said}, {view.notice}" if view.notice else said

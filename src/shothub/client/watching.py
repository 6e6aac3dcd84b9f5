"""Following a job by its stream of events, without gap or repeat when that is cut."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import httpx

from shothub.client import answers, calls
from shothub.client.connection import Connection
from shothub.client.displays import has_ended
from shothub.client.errors import HubUnreachable
from shothub.client.retries import Tries, worth_a_retry
from shothub.domain.faults import Fault
from shothub.wire.jobs import EventView, JobView

T = TypeVar("T")
News = EventView | JobView
_LONGEST_FRAME = 50_000_000
_SILENCES = 2
LONG_POLL = 30.0
_BETWEEN = 1.0  # seconds until a stream that the hub has closed is opened again


@dataclass(frozen=True)
class Frame:
    """One server-sent event."""

    event: str
    data: bytes


def read_frames(pieces: Iterable[bytes]) -> Iterator[Frame | None]:
    """Yield the events of a stream; None for a sign of life. What was cut is dropped.

    Lines end with a newline only: texts may hold what Python calls other line ends.

    Raises:
        HubUnreachable: it is no stream of events.
    """
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).replace(b"\r\n", b"\n").split(b"\n\n")
        if len(rest) > _LONGEST_FRAME:
            raise _no_stream()
        for block in whole:
            yield _frame(block)


def _frame(block: bytes) -> Frame | None:
    fields: dict[bytes, bytes] = {}
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        fields[name] = value.removeprefix(b" ")
    if b"event" not in fields or b"data" not in fields:
        return None
    return Frame(fields[b"event"].decode(), fields[b"data"])


def _no_stream() -> HubUnreachable:
    return HubUnreachable(
        Fault(
            code="bad_stream",
            detail="What answered is no stream of events.",
            hint="a proxy in between may change what the hub sends",
        )
    )


class Ended(Exception):
    """The job has ended; nothing more comes."""


@dataclass
class Follower:
    """Follows one job.

    Attributes:
        last: id of the newest event that was handed out.
        until: by the connection's clock when to stop; None never stops.
        silences: attempts in a row in which nothing came at all.
    """

    connection: Connection
    job: str
    last: int = 0
    until: float | None = None
    silences: int = 0
    _tries: Tries = field(init=False)

    def __post_init__(self) -> None:
        self._renew()

    def _renew(self) -> None:
        self._tries = self.connection.tries(self._left())

    def _left(self) -> float | None:
        clock = self.connection.manner.monotonic
        return None if self.until is None else max(0.0, self.until - clock())

    def news(self) -> Iterator[News]:
        """Yield each event once and the job at its changes, until it ends or time is up.

        Raises:
            ShothubError: the hub refused, or stayed unreachable until the time was up.
        """
        try:
            while self._left() != 0.0:
                if self.silences < _SILENCES:
                    yield from self._stream()
                else:
                    yield from self._ask()
        except Ended:
            return

    def _stream(self) -> Iterator[News]:
        call = calls.job_stream(self.job)
        headers = {"Last-Event-ID": str(self.last), "Accept": "text/event-stream"}
        heard = False
        try:
            with self.connection.stream(call, headers, most=self._left()) as answer:
                if answer.is_success:
                    for frame in read_frames(answer.iter_bytes()):
                        heard = True
                        self._renew()
                        yield from self._read(frame)
                    self.connection.manner.pause(_BETWEEN)
                    return
                answer.read()
        except httpx.ReadTimeout:
            # Perhaps a proxy keeps the stream back: then asking is what works.
            self.silences = 0 if heard else self.silences + 1
            return
        except httpx.TransportError as error:
            if self._left() != 0.0:
                self._tries.again(call, error)
            return
        if not worth_a_retry(call, answer):
            raise answers.refusal(answer)
        self._tries.again(call, answer)

    def _read(self, frame: Frame | None) -> Iterator[News]:
        if frame is None:
            return
        if frame.event == "end":
            raise Ended
        if frame.event == "job":
            yield JobView.model_validate_json(frame.data)
        elif frame.event == "event":
            event = EventView.model_validate_json(frame.data)
            if event.id > self.last:
                self.last = event.id
                yield event

    def _ask(self) -> Iterator[News]:
        """Do the same by asking and waiting, where streams do not come through."""
        view = self._do(calls.get_job(self.job))
        while True:
            # After the view: when that says that the job has ended, no event is missing.
            while found := self._do(calls.events(self.job, since=self.last)):
                self.last = found[-1].id
                yield from found
            yield view
            if has_ended(view):
                raise Ended
            left = self._left()
            if left == 0.0:
                return
            wait = LONG_POLL if left is None else min(LONG_POLL, left)
            view = self._do(calls.get_job(self.job, wait=wait, since=view.rev))

    def _do(self, call: calls.Call[T]) -> T:
        return self.connection.do(call, self.connection.tries(self._left()))

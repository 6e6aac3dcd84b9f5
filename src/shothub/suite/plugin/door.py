"""The plugin's door: one agent at a time, on a loopback port, after mutual proof."""

import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from queue import Full, Queue
from threading import BoundedSemaphore, Lock, Thread

from pydantic import ValidationError

from shothub.suite.lines import BadPeer, LineStream, greet_as_plugin
from shothub.wire.plugin import ORDERS, Order, Report

logger = logging.getLogger("BLACS.shothub.door")

_STRANGERS = 8
_UNREAD = 10_000
_PARTING = 2.0


class Door:
    """Listens for the agent; a second agent with the secret takes the first one's place.

    Reports to an agent that is not there are dropped: it asks for what it missed with
    ``Recall``. An agent that does not read its reports is shown out.

    Args:
        secret: what the agent proves to know.
        nonce: returns 64 hexadecimal digits, new at each call.
        on_order: called with each order, from one thread at a time.
        on_arrival: called when an agent has come in; the first reports follow.
        on_leave: called when the agent is gone.
    """

    def __init__(
        self,
        *,
        secret: bytes,
        nonce: Callable[[], str],
        on_order: Callable[[Order], None],
        on_arrival: Callable[[], None],
        on_leave: Callable[[], None],
    ) -> None:
        self._secret = secret
        self._nonce = nonce
        self._on_order = on_order
        self._on_arrival = on_arrival
        self._on_leave = on_leave
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._strangers = BoundedSemaphore(_STRANGERS)
        self._serving = Lock()
        self._guest: _Guest | None = None
        self.port = int(self._listener.getsockname()[1])

    def open(self) -> None:
        """Let agents in from now on."""
        Thread(target=self._accept, name="shothub door", daemon=True).start()

    def close(self) -> None:
        """Let nobody in any more and show the agent out, once it has heard everything."""
        # On Linux a thread waiting in accept() is woken by this alone.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        if guest := self._guest:
            guest.part()

    def tell(self, report: Report) -> bool:
        """Send a report to the agent; tell whether there is one. Never waits."""
        guest = self._guest
        if guest:
            guest.tell(report)
        return guest is not None

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # The door was closed.
            if not self._strangers.acquire(blocking=False):
                connection.close()
                continue
            name = "shothub agent"
            Thread(
                target=self._meet, args=(connection,), name=name, daemon=True
            ).start()

    def _meet(self, connection: socket.socket) -> None:
        stream = LineStream(connection)
        try:
            greet_as_plugin(stream, self._secret, self._nonce())
        except (BadPeer, OSError) as error:
            logger.warning("A stranger knocked: %s", error)
            stream.close()
            return
        finally:
            self._strangers.release()
        if self._guest:
            self._guest.stream.close()
        with self._serving:
            self._serve(stream)

    def _serve(self, stream: LineStream) -> None:
        guest = self._guest = _Guest(stream)
        guest.start()
        try:
            self._on_arrival()
            while (line := stream.read()) is not None:
                self._on_order(ORDERS.validate_json(line))
        except (BadPeer, OSError, ValidationError) as error:
            logger.warning("The agent is shown out: %s", error)
        finally:
            self._guest = None
            guest.leave()
            self._on_leave()


class _Guest:
    """An agent that was let in, and the reports on their way to it."""

    def __init__(self, stream: LineStream) -> None:
        self.stream = stream
        self._reports: Queue[Report | None] = Queue(_UNREAD)

        self._writer = Thread(target=self._write, name="shothub reports", daemon=True)

    def start(self) -> None:
        self._writer.start()

    def tell(self, report: Report | None) -> None:
        try:
            self._reports.put_nowait(report)
        except Full:
            self.stream.close()

    def part(self) -> None:
        """Close the stream when all reports are written, or do not go out."""
        self.tell(None)
        self._writer.join(_PARTING)
        self.stream.close()

    def leave(self) -> None:
        self.stream.close()
        self.tell(None)

    def _write(self) -> None:
        try:
            while (report := self._reports.get()) is not None:
                self.stream.write(report)
        except OSError:
            self.stream.close()

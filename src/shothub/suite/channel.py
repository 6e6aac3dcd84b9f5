"""The agent's side of the plugin channel: orders out, reports in, reconnecting by itself.

Nothing is lost when the connection breaks or BLACS is started anew: the plugin forgets an
offer that was not taken, and its journal knows every attempt that was. So after each
``State`` that begins a connection the agent sends ``Recall`` with the attempts whose end it
does not know, and hears of each what the journal says, or that it was never taken.
"""

import random
import secrets
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Lock, Thread

import structlog
from pydantic import ValidationError

from shothub.runtime.delays import delays
from shothub.suite.endpoint import (
    NoEndpoint,
    plugin_folder,
    read_endpoint,
    read_secret,
)
from shothub.suite.lines import GREETING_SECONDS, BadPeer, LineStream, greet_as_agent
from shothub.wire.plugin import REPORTS, Order, Report

logger = structlog.get_logger()

_FIRST_DELAY, _LONGEST_DELAY = 0.1, 1.0


class NotConnected(Exception):
    """There is no connection to the plugin; whether BLACS got the order is not known."""


class PluginChannel:
    """A connection to the plugin in BLACS.

    Args:
        state_folder: of the apparatus; the plugin's files are in its folder ``plugin``.
        on_report: called with each report, from one thread. The first report of every
            connection is a ``State``.
        on_connection: called with True when a connection begins, before its first report,
            and with False when it has ended.
    """

    def __init__(
        self,
        state_folder: Path,
        on_report: Callable[[Report], None],
        on_connection: Callable[[bool], None] | None = None,
    ) -> None:
        self._folder = plugin_folder(state_folder)
        self._on_report = on_report
        self._on_connection = on_connection or (lambda _: None)
        self._stream: LineStream | None = None
        self._lock = Lock()
        self._closing = Event()
        self._thread = Thread(target=self._run, name="plugin channel", daemon=True)

    def start(self) -> None:
        """Connect, and again whenever the connection breaks, until closed."""
        self._thread.start()

    def close(self) -> None:
        """End the connection; no report comes after this."""
        self._closing.set()
        with self._lock:
            if self._stream:
                self._stream.close()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def connected(self) -> bool:
        """Whether an order sent now reaches BLACS, as far as is known."""
        return self._stream is not None

    def send(self, order: Order) -> None:
        """Send one order; from any thread.

        Raises:
            NotConnected: it could not be sent.
        """
        stream = self._stream
        if stream is None:
            raise NotConnected("BLACS is not connected")
        try:
            stream.write(order)
        except OSError as error:
            stream.close()
            raise NotConnected("the connection to BLACS broke") from error

    def _run(self) -> None:
        waits = self._waits()
        while not self._closing.is_set():
            try:
                stream = self._connect()
            except (NoEndpoint, BadPeer, OSError) as error:
                logger.debug("plugin_absent", reason=str(error))
            else:
                waits = self._waits()
                self._converse(stream)
            self._closing.wait(next(waits))

    @staticmethod
    def _waits() -> Iterator[float]:
        return delays(
            first=_FIRST_DELAY,
            longest=_LONGEST_DELAY,
            jitter=lambda: random.uniform(0.5, 1.0),  # noqa: S311 (no secret)
        )

    def _connect(self) -> LineStream:
        endpoint = read_endpoint(self._folder)
        secret = read_secret(self._folder)
        address = ("127.0.0.1", endpoint.port)
        stream = LineStream(socket.create_connection(address, timeout=GREETING_SECONDS))
        try:
            greet_as_agent(stream, secret, secrets.token_hex(32))
        except (BadPeer, OSError):
            stream.close()
            raise
        return stream

    def _converse(self, stream: LineStream) -> None:
        with self._lock:
            if self._closing.is_set():
                stream.close()
                return
            self._stream = stream
        self._on_connection(True)
        try:
            while (line := stream.read()) is not None and not self._closing.is_set():
                self._on_report(REPORTS.validate_json(line))
        except (BadPeer, OSError, ValidationError) as error:
            logger.warning("plugin_connection_broke", reason=str(error))
        finally:
            with self._lock:
                self._stream = None
            stream.close()
            self._on_connection(False)

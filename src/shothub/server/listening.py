"""Wake-ups across the processes of a hub, by PostgreSQL's LISTEN and NOTIFY."""

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import psycopg
import structlog
from django.db import connection, transaction

from shothub.runtime.delays import delays
from shothub.server.wakeups import Wakeups

CHANNEL = "shothub"
_LOOK_EVERY = 0.5
_MOST_BYTES = 7_000  # of one notification; PostgreSQL takes 8,000
log = structlog.get_logger()
Connect = Callable[[], psycopg.Connection]


class PostgresWakeups(Wakeups):
    """The same where several processes share a PostgreSQL database.

    NOTIFY is part of the transaction, so that it fires if and when that commits. One
    connection per process hears it, whichever process it came from.
    """

    def __init__(self, connect: Connect | None = None) -> None:
        super().__init__()
        self._connect = connect or _connect
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "PostgresWakeups":
        """Begin to hear; what changes before is not missed, as all bells ring then."""
        self._closed.clear()
        self._thread = threading.Thread(target=self._run, name="listen", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Hear no more."""
        self._closed.set()
        if self._thread:
            self._thread.join()

    def notify(self, *topics: str) -> None:
        """Ring the topics in all processes once the transaction commits."""
        known = _told_already()
        new = tuple(t for t in dict.fromkeys(topics) if t not in known)
        with connection.cursor() as cursor:
            for text in _texts(new):
                cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, text])
        if connection.in_atomic_block:
            transaction.on_commit(_Told(new))

    def _run(self) -> None:
        waits = _waits()
        while not self._closed.is_set():
            try:
                with self._connect() as heard:
                    heard.execute(f"LISTEN {CHANNEL}".encode())
                    self.ring_all()  # what was said while nobody heard
                    waits = _waits()
                    self._hear(heard)
            except psycopg.Error as error:
                # The server restarts, perhaps: nobody is woken meanwhile, so that those
                # who wait look again only when their time is over.
                why = str(error).strip().partition("\n")[0]
                log.warning("no wake-ups from the database", error=why)
                self._closed.wait(next(waits))

    def _hear(self, heard: psycopg.Connection) -> None:
        while not self._closed.is_set():
            for notice in heard.notifies(timeout=_LOOK_EVERY):
                self.ring(*notice.payload.split())


@dataclass(frozen=True)
class _Told:
    """What this transaction will ring; forgotten with the savepoint it was said in."""

    topics: tuple[str, ...]

    def __call__(self) -> None:
        """Do nothing: the commit itself has rung."""


def _told_already() -> set[str]:
    """Return the topics that the transaction will ring anyway: a round trip less."""
    waiting = [call for _, call, *_ in connection.run_on_commit]
    told = [call.topics for call in waiting if isinstance(call, _Told)]
    return set(chain.from_iterable(told))


def _waits() -> Iterator[float]:
    return delays(first=0.2, longest=5.0, jitter=random.random)


def _connect() -> psycopg.Connection:
    given = connection.get_connection_params() | {"autocommit": True}
    return psycopg.connect(**given)


def _texts(topics: tuple[str, ...]) -> Iterator[str]:
    """Yield the topics, without spaces as they are, in texts that fit a notification."""
    text = ""
    for topic in topics:
        if text and len(text) + len(topic) >= _MOST_BYTES:
            yield text
            text = ""
        text = f"{text} {topic}" if text else topic
    if text:
        yield text

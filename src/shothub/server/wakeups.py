"""Wake-ups: whoever waits for a change is called once it has been committed."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from django.db import transaction


class Bell:
    """What a waiter holds: rung once a change has happened."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake the waiter, from any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._rung.set)

    async def wait(self, seconds: float) -> bool:
        """Wait until rung; return False if ``seconds`` passed first."""
        try:
            await asyncio.wait_for(self._rung.wait(), seconds)
        except TimeoutError:
            return False
        self._rung.clear()
        return True


class Wakeups:
    """Bells by topic, such as ``job:abc`` or ``apparatus:3``, within this process.

    It is a context manager around the life of a process that listens.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bells: defaultdict[str, set[Bell]] = defaultdict(set)

    def __enter__(self) -> "Wakeups":
        """Begin to hear."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hear no more."""

    @contextmanager
    def listen(self, *topics: str) -> Iterator[Bell]:
        """Give a bell for the topics. Listen first, then look: no change is missed."""
        bell = Bell(asyncio.get_running_loop())
        with self._lock:
            for topic in topics:
                self._bells[topic].add(bell)
        try:
            yield bell
        finally:
            with self._lock:
                for topic in topics:
                    self._bells[topic].discard(bell)
                    if not self._bells[topic]:
                        del self._bells[topic]

    def notify(self, *topics: str) -> None:
        """Ring the topics once the transaction commits; at once if there is none."""
        transaction.on_commit(partial(self.ring, *topics))

    def ring(self, *topics: str) -> None:
        """Ring every bell of the topics in this process; callable from any thread."""
        with self._lock:
            bells = {bell for t in topics for bell in self._bells.get(t, ())}
        for bell in bells:
            bell.ring()

    def ring_all(self) -> None:
        """Ring every bell: it is not known what has changed."""
        with self._lock:
            topics = list(self._bells)
        self.ring(*topics)

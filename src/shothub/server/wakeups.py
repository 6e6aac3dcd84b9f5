"""Wake-ups within the process: whoever waits for a change is called when it commits."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


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
    """Bells by topic, such as ``job:abc`` or ``apparatus:3``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bells: defaultdict[str, set[Bell]] = defaultdict(set)

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
        """Ring every bell of the topics; callable from any thread."""
        with self._lock:
            bells = {bell for t in topics for bell in self._bells.get(t, ())}
        for bell in bells:
            bell.ring()

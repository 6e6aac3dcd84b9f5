"""Where the slow effects are carried out: threads of their own, each with its queue."""

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import structlog

logger = structlog.get_logger()

T = TypeVar("T")


class Bench(Generic[T]):
    """Does pieces of work one after another, in one or more threads.

    Args:
        name: of the threads.
        work: does one piece; what it raises is logged, and the next piece is done.
        threads: how many.
    """

    def __init__(
        self, name: str, work: Callable[[T], None], *, threads: int = 1
    ) -> None:
        self._name = name
        self._work = work
        self._pieces: queue.SimpleQueue[T | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"{name} {i}", daemon=True)
            for i in range(threads)
        ]

    def start(self) -> None:
        """Begin to work."""
        for thread in self._threads:
            thread.start()

    def put(self, piece: T) -> None:
        """Add a piece of work; returns at once."""
        self._pieces.put(piece)

    def close(self, seconds: float = 10.0) -> None:
        """Do no further piece; wait for those under way."""
        for _ in self._threads:
            self._pieces.put(None)
        for thread in self._threads:
            if thread.is_alive():
                thread.join(seconds)

    def _run(self) -> None:
        while (piece := self._pieces.get()) is not None:
            try:
                self._work(piece)
            except Exception:  # outermost loop of the thread
                logger.exception("work failed", bench=self._name)

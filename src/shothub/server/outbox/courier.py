"""The hub's courier: a thread that delivers messages as soon as they are committed."""

import asyncio
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog
from django.apps import apps
from django.db import DatabaseError, close_old_connections, connections

from shothub.runtime import clock
from shothub.server.outbox.posting import Poster
from shothub.server.outbox.services.delivery import Box, claim, finish, look
from shothub.server.outbox.services.telling import TOPIC

log = structlog.get_logger()
_LONGEST_SLEEP = 30.0
_AT_ONCE = 0.05
_THREADS = 4


class Courier:
    """Delivers from a thread of its own until it is closed; a context manager.

    Several may work on one database: rows are claimed.
    """

    def __init__(self, *, poster: Poster | None = None) -> None:
        self._poster = poster
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._busy: set[Box] = set()
        self._ring: Callable[[], None] | None = None
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def __enter__(self) -> "Courier":
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End once the deliveries in hand have ended, which they do within seconds."""
        self._closed.set()
        self._wake()
        self._thread.join()

    def _wake(self) -> None:
        with self._lock:
            ring = self._ring
        if ring is not None:
            ring()

    def _run(self) -> None:
        poster = self._poster or Poster()
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="courier") as pool:
            asyncio.run(self._serve(pool, poster))

    async def _serve(self, pool: ThreadPoolExecutor, poster: Poster) -> None:
        loop = asyncio.get_running_loop()
        wakeups = apps.get_app_config("jobs").wakeups  # type: ignore[attr-defined]
        with wakeups.listen(TOPIC) as bell:
            with self._lock:
                self._ring = bell.ring
            while not self._closed.is_set():
                seconds = await loop.run_in_executor(None, self._round, pool, poster)
                await bell.wait(seconds)
        with self._lock:
            self._ring = None

    def _round(self, pool: ThreadPoolExecutor, poster: Poster) -> float:
        """Hand out the full boxes that nobody here works on; return when to look again."""
        close_old_connections()
        now = clock.now()
        try:
            boxes, due = look(now)
        except DatabaseError:
            # A full or restarting database: what is due is due again next time.
            log.exception("courier cannot look")
            return 1.0
        for box in boxes:
            with self._lock:
                if box in self._busy:
                    continue
                self._busy.add(box)
            pool.submit(self._empty, box, poster)
        until = _LONGEST_SLEEP if due is None else (due - now).total_seconds()
        return min(max(until, _AT_ONCE), _LONGEST_SLEEP)

    def _empty(self, box: Box, poster: Poster) -> None:
        """Deliver what is due of one box, one after another."""
        close_old_connections()
        try:
            while not self._closed.is_set() and deliver(box, poster):
                pass
        except DatabaseError:
            log.exception("courier cannot store")
        finally:
            connections.close_all()
            with self._lock:
                self._busy.discard(box)
            self._wake()


def deliver(box: Box, poster: Poster) -> bool:
    """Deliver the next of a box; tell whether there was anything."""
    delivery = claim(box, poster, clock.now())
    if delivery is None:
        return False
    posted = delivery.send()
    finish(delivery, posted, clock.now(), random.random)
    if posted.error:
        log.info("not delivered", box=box, error=posted.error)
    return True

"""How often each user may ask: counted in each process's memory, by token buckets.

A count in the database would be a write for each request, and on SQLite there is one writer.
In memory it costs microseconds; of several hub processes each grants the whole rate, and a
restart fills the buckets. That is good enough for what it is for: a program gone wild.
"""

import threading
from collections.abc import Callable

from shothub.domain.quotas import Bucket, take

_LOOK_EVERY = 15.0  # seconds for which a limit is remembered
_MOST = 10_000  # users remembered


class Rates:
    """Buckets by user, and the limits they fill at."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[int, Bucket] = {}
        self._limits: dict[int, tuple[int | None, float]] = {}

    def wait_for(
        self, user: int, at: float, limit_of: Callable[[int], int | None]
    ) -> tuple[float, int]:
        """Count a request; return the seconds to wait before it may be, and the limit.

        Args:
            user: who asks.
            at: monotonic time, seconds.
            limit_of: tells how many requests a minute he may make, None for any number.
        """
        limit = self._limit(user, at, limit_of)
        if limit is None:
            return 0.0, 0
        with self._lock:
            bucket, wait = take(self._buckets.get(user), max(limit, 1), at)
            self._buckets[user] = bucket
        return wait, limit

    def _limit(
        self, user: int, at: float, limit_of: Callable[[int], int | None]
    ) -> int | None:
        known = self._limits.get(user)
        if known and at - known[1] < _LOOK_EVERY:
            return known[0]
        limit = limit_of(user)
        with self._lock:
            if len(self._limits) > _MOST:
                self._limits.clear()
                self._buckets.clear()
            self._limits[user] = limit, at
        return limit

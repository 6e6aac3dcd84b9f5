"""How often each may ask: counted in each process's memory, by token buckets.

A count in the database would be a write for each request, and on SQLite there is one writer.
In memory it costs microseconds; of several hub processes each grants the whole rate, and a
restart fills the buckets. That is good enough for what it is for: a program gone wild.
"""

import threading
from collections.abc import Callable, Hashable

from shothub.domain.quotas import Bucket, take

_LOOK_EVERY = 15.0  # seconds for which a limit is remembered
_MOST = 10_000  # buckets, and users' limits, remembered
_FULL_AFTER = 60.0  # seconds after which any bucket is full again


class Buckets:
    """A bucket for each who asks; those that are full again need not be remembered."""

    def __init__(self, most: int = _MOST) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[Hashable, Bucket] = {}
        self._most = most

    def wait_for(
        self, who: Hashable, per_minute: float, at: float, cost: float = 1.0
    ) -> float:
        """Count a request; return the seconds to wait before it may be, 0 for none.

        Args:
            who: who asks.
            per_minute: how many requests he may make in a minute; 0 for any number.
            at: monotonic time, seconds.
            cost: for how many requests this one counts.
        """
        if not per_minute:
            return 0.0
        with self._lock:
            bucket, wait = take(self._buckets.get(who), per_minute, at, cost)
            # Put last, so that those that asked longest ago come first.
            self._buckets.pop(who, None)
            self._buckets[who] = bucket
            if len(self._buckets) > self._most:
                self._forget(at)
        return wait

    def _forget(self, at: float) -> None:
        """Drop what is full again, or else the tenth that asked longest ago."""
        old = [w for w, b in self._buckets.items() if at - b.at >= _FULL_AFTER]
        for who in old or list(self._buckets)[: max(self._most // 10, 1)]:
            del self._buckets[who]

    def __len__(self) -> int:
        return len(self._buckets)


class Slots:
    """How many dear requests of each user are under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy: dict[int, int] = {}

    def enter(self, user: int, most: int) -> bool:
        """Take one of a user's places; tell whether one was free."""
        with self._lock:
            if self._busy.get(user, 0) >= most:
                return False
            self._busy[user] = self._busy.get(user, 0) + 1
        return True

    def leave(self, user: int) -> None:
        """Give the place back."""
        with self._lock:
            self._busy[user] -= 1
            if not self._busy[user]:
                del self._busy[user]


class Rates:
    """All that this process counts: by user, token and address.

    Attributes:
        asked: buckets of users, tokens and addresses, by kind and number.
        heavy: dear requests under way.
    """

    def __init__(self) -> None:
        self.asked = Buckets()
        self.heavy = Slots()
        self._limits: dict[int, tuple[int | None, float]] = {}

    def limit_of(
        self, user: int, at: float, look: Callable[[int], int | None]
    ) -> int | None:
        """Return what ``look`` says of a user, remembered for some seconds."""
        known = self._limits.get(user)
        if known and at - known[1] < _LOOK_EVERY:
            return known[0]
        limit = look(user)
        if len(self._limits) > _MOST:
            self._limits = {}
        self._limits[user] = limit, at
        return limit

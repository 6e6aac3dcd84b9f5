"""How many event streams are open, so that nobody takes them all."""

import threading
from collections import Counter

from shothub.server.refusals import TooMany


class Seat:
    """A place that one open stream takes, until it is left."""

    def __init__(self, streams: "Streams", user: int) -> None:
        self._streams, self._user = streams, user
        self._left = False

    def leave(self) -> None:
        """Give the place back; once is enough."""
        if not self._left:
            self._left = True
            self._streams.leave(self._user)


class Streams:
    """The open streams of this process, counted by user."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: Counter[int] = Counter()

    def sit(self, user: int, *, most: int) -> Seat:
        """Take a place.

        Raises:
            TooMany: the user has as many open already as he may.
        """
        with self._lock:
            if self._open[user] >= most:
                raise TooMany(
                    f"You have {most} event streams open, which is all you may have.",
                    code="too_many_streams",
                    hint="close one, or ask with ?wait= instead",
                    retry_after=15,
                )
            self._open[user] += 1
        return Seat(self, user)

    def leave(self, user: int) -> None:
        """Give a place back."""
        with self._lock:
            self._open[user] -= 1
            if not self._open[user]:
                del self._open[user]

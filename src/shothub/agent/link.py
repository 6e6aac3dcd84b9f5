"""Whether the hub answers; whoever waits to try again is woken as soon as it does."""

import threading
from collections.abc import Callable, Iterator

from shothub.runtime.delays import delays

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
"""Bounds of the pauses, in seconds, before a call is made again."""


class Link:
    """The line to the hub, as the polls find it.

    Args:
        on_back: called when the hub answers again after it did not.
        jitter: returns a random number in [0, 1).
    """

    def __init__(
        self, on_back: Callable[[], None], jitter: Callable[[], float]
    ) -> None:
        self._on_back = on_back
        self._jitter = jitter
        self._change = threading.Condition()
        self._up = True
        self._times_back = 0

    def lost(self) -> None:
        """Say that the hub did not answer."""
        with self._change:
            self._up = False

    def answered(self) -> None:
        """Say that the hub answered."""
        with self._change:
            back, self._up = not self._up, True
            if back:
                self._times_back += 1
                self._change.notify_all()
        if back:
            self._on_back()

    def pauses(self) -> Iterator[float]:
        """Return seconds to wait before each further try of one call."""
        return delays(first=FIRST_PAUSE, longest=LONGEST_PAUSE, jitter=self._jitter)

    def pause(self, seconds: float) -> None:
        """Wait for the hub to come back, at most so long."""
        with self._change:
            before = self._times_back
            self._change.wait_for(lambda: self._times_back != before, seconds)

    def close(self) -> None:
        """Wake whoever waits, for good."""
        with self._change:
            self._times_back += 1
            self._change.notify_all()

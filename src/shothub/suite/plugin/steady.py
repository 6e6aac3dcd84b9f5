"""Wall time that does not jump within a shot, whatever happens to the computer's clock."""

from collections.abc import Callable
from datetime import datetime, timedelta


class SteadyClock:
    """Tells the time by a clock that never jumps, set by the wall's when asked to.

    A watchdog that measured with the wall's clock would abort a good shot when the
    computer's time is corrected, and a shot's length would be wrong in the records.

    Args:
        wall: reads the computer's clock.
        monotonic: seconds of a clock that never jumps.
    """

    def __init__(
        self, wall: Callable[[], datetime], monotonic: Callable[[], float]
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._set_at = monotonic()
        self._set_to = wall()

    def __call__(self) -> datetime:
        """Return the time."""
        return self._set_to + timedelta(seconds=self._monotonic() - self._set_at)

    def set(self) -> float:
        """Take over the computer's time; return by how many seconds it was ahead."""
        ahead = (self._wall() - self()).total_seconds()
        self._set_at, self._set_to = self._monotonic(), self._wall()
        return ahead

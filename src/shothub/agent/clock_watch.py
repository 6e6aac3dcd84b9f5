"""Whether this computer's clock can be believed."""

from collections.abc import Callable
from datetime import datetime

JUMP_SECONDS = 5.0
STEADY_SECONDS = 30.0
"""How long the clock must run evenly after a jump before a shot may start."""


class ClockWatch:
    """Holds the computer's clock against one that never jumps.

    Nothing of the agent's own waits for the computer's clock; but shots started while it
    is being set would carry times, into files and records, that are false.

    Args:
        wall: reads the computer's clock.
        monotonic: seconds of a clock that never jumps.
    """

    def __init__(
        self, wall: Callable[[], datetime], monotonic: Callable[[], float]
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._ahead = self._now_ahead()
        self._words = ""
        self._until = 0.0

    def __call__(self) -> str:
        """Return in words why nothing may start on account of the clock, or nothing.

        A slow correction is no jump: each look is compared with the one before.
        """
        now, ahead = self._monotonic(), self._now_ahead()
        jump, self._ahead = ahead - self._ahead, ahead
        if abs(jump) > JUMP_SECONDS:
            self._until = now + STEADY_SECONDS
            self._words = (
                f"The clock of the lab's computer jumped by {jump:+,.0f} s; nothing"
                f" starts until it has run evenly for {STEADY_SECONDS:.0f} s."
            )
        return self._words if now < self._until else ""

    def _now_ahead(self) -> float:
        return self._wall().timestamp() - self._monotonic()

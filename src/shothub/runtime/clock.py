"""The only place that reads the clock."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the present time, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Return seconds of a clock that never jumps."""
    return time.monotonic()


def pause(seconds: float) -> None:
    """Wait; only outermost loops do."""
    time.sleep(seconds)

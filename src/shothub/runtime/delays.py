"""Delays between retries: exponential with full jitter, after Brooker (2015)."""

from collections.abc import Callable, Iterator


def delays(
    *, first: float, longest: float, jitter: Callable[[], float]
) -> Iterator[float]:
    """Yield seconds to wait before each retry, without end.

    Args:
        first: upper bound of the first delay, seconds.
        longest: upper bound of any delay, seconds.
        jitter: returns a random number in [0, 1).
    """
    bound = first
    while True:
        yield bound * jitter()
        bound = min(bound * 2, longest)

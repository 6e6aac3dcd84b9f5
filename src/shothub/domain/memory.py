"""Bounded memory: past use bends a weight, by a factor at most, and fades away."""

PRIOR = 3_600.0
"""Seconds of even use that everybody is taken to have had, so that minutes do not count."""


def faded(usage: float, at: float, now: float, half_life: float) -> float:
    """Return a use of the past as it counts now, seconds."""
    return float(usage * 0.5 ** (max(0.0, now - at) / half_life))


def factor(*, usage: float, total: float, fair: float, most: float) -> float:
    """Return by what a weight is multiplied for past use.

    Args:
        usage: what it has used, as it counts now.
        total: what it and its present rivals have used together.
        fair: the part that its weight gives it among them, 0 to 1.
        most: largest factor, and the inverse of the smallest.
    """
    used = (usage + PRIOR * fair) / (total + PRIOR)
    return min(most, max(1.0 / most, fair / used))

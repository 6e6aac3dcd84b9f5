"""Express: a short job of somebody with credit left runs at the next shot edge."""

CREDIT_SPAN = 300.0
"""Seconds in which ``Policy.express_refill`` comes back."""

SPAN = 600.0
"""Seconds in any of which express takes at most ``Policy.express_share``."""


def credit_now(
    credit: float | None, at: float, now: float, *, most: float, refill: float
) -> float:
    """Return the credit at a time, seconds; None stands for credit never touched."""
    if credit is None:
        return most
    return min(most, credit + max(0.0, now - at) * refill / CREDIT_SPAN)

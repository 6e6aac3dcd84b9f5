"""When a person at a browser has to prove again who he is."""

from datetime import datetime, timedelta

FRESH_FOR = timedelta(minutes=15)
"""How long a password, a second factor or a passkey counts for dangerous acts."""


def is_fresh(proved: datetime | None, now: datetime) -> bool:
    """Tell whether a proof is recent enough; one from the future is none."""
    return proved is not None and timedelta(0) <= now - proved < FRESH_FOR

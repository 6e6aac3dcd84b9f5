"""When a person at a browser has to prove again who he is."""

from datetime import datetime, timedelta

FRESH_FOR = timedelta(minutes=15)
"""How long a password, a second factor or a passkey counts for dangerous acts."""
_SKEW = timedelta(minutes=1)


def is_fresh(proved: datetime | None, now: datetime) -> bool:
    """Tell whether a proof is recent enough.

    Clocks of several servers differ a little; a proof from the far future is none.
    """
    return proved is not None and -_SKEW <= now - proved < FRESH_FOR

"""Numbers that are never given twice, not even by a hub that was restored from a backup.

Agents and plugins keep journals by the numbers of attempts and leases. A database that was
set back, or set up anew, would count on from where it was and give numbers that those
journals already hold, with ends of other shots. So fences follow the clock: each session of
an agent begins with the milliseconds since 1970, or one more than the last where that is
larger; and the number of an attempt is made of the fence of its lease.
"""

from datetime import datetime


def fence_after(last: int, now: datetime) -> int:
    """Return the fence with which a session begins, ``last`` being the last one given.

    It has not been given before as long as fewer than a thousand a second were given.
    """
    return max(last + 1, int(now.timestamp() * 1000))


_APPARATUS = 1_000
"""Apparatus of one hub of which no two attempts may have the same number."""


def attempt_number(fence: int, apparatus: int) -> int:
    """Return the number of the one attempt that a lease may have.

    Args:
        fence: of its lease, which the apparatus gives once.
        apparatus: primary key of the apparatus.
    """
    return fence * _APPARATUS + apparatus % _APPARATUS

"""Numbers that are never given twice, not even by a hub that was restored from a backup.

Agents and plugins keep journals by the numbers of attempts and leases. A database that was
set back, or set up anew, would count on from where it was and give numbers that those
journals already hold, with ends of other shots. So both follow the clock: milliseconds since
1970, or one more than the last where that is larger.
"""

from datetime import datetime


def number_after(last: int, now: datetime) -> int:
    """Return the number that follows ``last``.

    It has not been given before as long as fewer than a thousand a second were given.
    """
    return max(last + 1, int(now.timestamp() * 1000))

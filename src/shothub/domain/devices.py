"""Letting a program in at the browser (RFC 8628): its short code, and how often it asks."""

from collections.abc import Callable
from datetime import datetime, timedelta

_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""Without vowels: no words, and nothing that is taken for another letter or a digit."""
_HALF = 4

LASTS = timedelta(minutes=10)
INTERVAL = 3
"""Seconds between two questions of a program that waits."""


def make_user_code(choose: Callable[[str], str]) -> str:
    """Return a code for people to compare or type; ``choose`` picks a random letter."""
    letters = "".join(choose(_LETTERS) for _ in range(2 * _HALF))
    return f"{letters[:_HALF]}-{letters[_HALF:]}"


def read_user_code(typed: str) -> str:
    """Return the code that a person typed in its usual form; empty if it is none."""
    letters = [c for c in typed[:50].upper() if c.isalnum()]
    if len(letters) != 2 * _HALF or set(letters) - set(_LETTERS):
        return ""
    return f"{''.join(letters[:_HALF])}-{''.join(letters[_HALF:])}"


def asks_too_often(last: datetime | None, now: datetime) -> bool:
    """Tell whether a program did not wait; a second's haste is the network's."""
    return last is not None and now - last < timedelta(seconds=INTERVAL - 1)

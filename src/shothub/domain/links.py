"""Form of the secret text in a link by which others read a job."""

from collections.abc import Callable

_IDENT, _SECRET = (
    "abcdefghijklmnopqrstuvwxyz234567",
    ("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
)
_IDENT_LENGTH, _SECRET_LENGTH = 10, 43


def make_link(choose: Callable[[str], str]) -> str:
    """Return a new text; ``choose`` picks a random character of an alphabet."""
    ident = "".join(choose(_IDENT) for _ in range(_IDENT_LENGTH))
    return ident + "".join(choose(_SECRET) for _ in range(_SECRET_LENGTH))


def ident_of(text: str) -> str | None:
    """Return the public part of a link's text, or None if it is no such text."""
    ident, secret = text[:_IDENT_LENGTH], text[_IDENT_LENGTH:]
    if len(ident) != _IDENT_LENGTH or len(secret) != _SECRET_LENGTH:
        return None
    return ident if set(ident) <= set(_IDENT) and set(secret) <= set(_SECRET) else None

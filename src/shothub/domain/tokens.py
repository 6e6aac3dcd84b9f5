"""Form of tokens, their scopes, and the rule that a child never exceeds its parent."""

import zlib
from collections.abc import Callable, Set
from dataclasses import dataclass
from datetime import datetime

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LENGTH, _SECRET_LENGTH, _CHECK_LENGTH = 10, 43, 6

KINDS = frozenset({"pat", "svc", "agt", "cli"})
USER_SCOPES = frozenset(
    {
        "apparatus:read",
        "jobs:read",
        "jobs:submit",
        "jobs:cancel",
        "results:read",
        "files:read",
        "notifications:manage",
        "tokens:read",
        "tokens:create",
        "tokens:revoke",
        "reservations:book",
    }
)
OPERATOR_SCOPES = frozenset({"apparatus:control", "queue:manage", "metrics:read"})
AGENT_SCOPES = frozenset({"agent:run"})
ALL_SCOPES = USER_SCOPES | OPERATOR_SCOPES | AGENT_SCOPES


class BadToken(ValueError):
    """The text is not a token of shothub: mistyped, cut short or from elsewhere."""


@dataclass(frozen=True)
class TokenName:
    """The public part of a token: its kind and its id."""

    kind: str
    ident: str


def make_token(kind: str, choose: Callable[[str], str]) -> str:
    """Return a new token; ``choose`` picks a random character of an alphabet."""
    ident = "".join(choose(_BASE32) for _ in range(_ID_LENGTH))
    secret = "".join(choose(_BASE62) for _ in range(_SECRET_LENGTH))
    body = f"shb_{kind}_{ident}_{secret}"
    return body + _check(body)


def parse_token(raw: str) -> TokenName:
    """Read a token's public part after its length, alphabet and checksum were tested.

    Raises:
        BadToken: the text is not a token.
    """
    parts = raw.split("_") if len(raw) <= 100 and raw.isascii() else []
    if len(parts) != 4 or parts[0] != "shb" or parts[1] not in KINDS:
        raise BadToken("this is not a shothub token")
    _, kind, ident, secret = parts
    if len(ident) != _ID_LENGTH or len(secret) != _SECRET_LENGTH + _CHECK_LENGTH:
        raise BadToken("the token has the wrong length")
    if set(ident) - set(_BASE32) or set(secret) - set(_BASE62):
        raise BadToken("the token has characters that no token has")
    if _check(raw[:-_CHECK_LENGTH]) != raw[-_CHECK_LENGTH:]:
        raise BadToken("the token is mistyped: its checksum does not fit")
    return TokenName(kind, ident)


def _check(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECK_LENGTH):
        number, digit = divmod(number, len(_BASE62))
        digits = _BASE62[digit] + digits
    return digits


def exceeds(
    *,
    scopes: Set[str],
    expires: datetime,
    parent_scopes: Set[str],
    parent_expires: datetime | None,
) -> str | None:
    """Return in words how a token would exceed the credential that makes it, or None."""
    if extra := scopes - parent_scopes:
        return f"you do not hold the scope {sorted(extra)[0]}"
    if parent_expires is not None and expires > parent_expires:
        return f"it would outlive the token that makes it ({parent_expires:%Y-%m-%d})"
    return None

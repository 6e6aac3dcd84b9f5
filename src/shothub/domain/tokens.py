"""Form of tokens, their scopes, and the rule that a child never exceeds its parent."""

import zlib
from collections.abc import Callable, Set
from dataclasses import dataclass
from datetime import datetime

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LENGTH, _SECRET_LENGTH, _CHECK_LENGTH = 10, 43, 6

KINDS = frozenset({"pat", "svc", "agt", "cli"})
DEVICE, ENROLMENT = "dev", "enr"
"""Kinds of secrets of the same form that are good once and open nothing by themselves."""
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
        "groups:read",
        "groups:manage",
        "jobs:share",
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


def parse_token(raw: str, kinds: Set[str] = KINDS) -> TokenName:
    """Read a token's public part after its length, alphabet and checksum were tested.

    Args:
        raw: the text.
        kinds: those that will do.

    Raises:
        BadToken: the text is not a token.
    """
    parts = raw.split("_") if len(raw) <= 100 and raw.isascii() else []
    if len(parts) != 4 or parts[0] != "shb" or parts[1] not in kinds:
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


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How far a credential reaches.

    Attributes:
        only_on: names of the only apparatus that it is good for; empty for all.
        expires: None for a browser session, which bounds no token's life.
    """

    scopes: Set[str]
    only_on: Set[str] = frozenset()
    expires: datetime | None = None


def exceeds(child: Extent, parent: Extent) -> str | None:
    """Return in words how a token would exceed the credential that makes it, or None."""
    if extra := child.scopes - parent.scopes:
        return f"you do not hold the scope {min(extra)}"
    if parent.only_on and not child.only_on:
        return f"yours is good on {', '.join(sorted(parent.only_on))} only"
    if parent.only_on and (extra := child.only_on - parent.only_on):
        return f"yours is not good on {min(extra)}"
    if parent.expires and (child.expires is None or child.expires > parent.expires):
        return f"it would outlive the token that makes it ({parent.expires:%Y-%m-%d})"
    return None

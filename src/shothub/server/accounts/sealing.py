"""New secrets, with what the database keeps of them, and how they are looked up by it."""

import hmac
import secrets
from dataclasses import dataclass

from django.conf import settings

from shothub.domain.tokens import make_token


@dataclass(frozen=True)
class Sealed:
    """A new secret's text, which is given out once, and what is kept of it."""

    raw: str
    digest: bytes
    pepper: int


def new_secret(kind: str) -> Sealed:
    """Return a new token or code of a kind, sealed with the newest pepper."""
    raw, pepper = make_token(kind, secrets.choice), newest_pepper()
    return Sealed(raw, digest_of(raw, pepper), pepper)


def newest_pepper() -> int:
    """Return the number of the pepper for new secrets, counted from the oldest, 1."""
    return len(settings.SHOTHUB.token_peppers)


def digest_of(raw: str, pepper: int) -> bytes:
    """Return the digest of a secret under a pepper; nothing if there is no such one."""
    peppers = settings.SHOTHUB.token_peppers
    if not 1 <= pepper <= len(peppers):
        return b""
    secret = peppers[len(peppers) - pepper].get_secret_value()
    return hmac.digest(secret.encode(), raw.encode(), "sha256")


def digests_of(raw: str) -> list[bytes]:
    """Return the digests of a secret under all peppers, to look it up by."""
    return [digest_of(raw, pepper) for pepper in range(1, newest_pepper() + 1)]

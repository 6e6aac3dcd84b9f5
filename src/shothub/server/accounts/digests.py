"""Digests under which secrets are stored, so that the database alone opens nothing."""

import hmac

from django.conf import settings


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

"""Secrets that must be read back: encrypted by keys made from the hub's configured ones."""

import base64
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from pydantic import SecretStr


class CannotOpen(Exception):
    """The secret was sealed with a key that this hub does not have any more."""


def seal(content: bytes) -> bytes:
    """Encrypt with the newest key."""
    return _box(settings.SHOTHUB.token_peppers).encrypt(content)


def unseal(sealed: bytes) -> bytes:
    """Decrypt with whichever key it was sealed by.

    Raises:
        CannotOpen: none of the keys fits.
    """
    try:
        return _box(settings.SHOTHUB.token_peppers).decrypt(sealed)
    except InvalidToken:
        raise CannotOpen(CannotOpen.__doc__) from None


def _box(peppers: Sequence[SecretStr]) -> MultiFernet:
    return MultiFernet([Fernet(_key(pepper)) for pepper in peppers])


def _key(pepper: SecretStr) -> bytes:
    derivation = HKDF(SHA256(), length=32, salt=None, info=b"shothub outbox secrets")
    raw = derivation.derive(pepper.get_secret_value().encode())
    return base64.urlsafe_b64encode(raw)

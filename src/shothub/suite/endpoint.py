"""Where the plugin listens and the secret that it shares with the agent, on disk."""

import os
import secrets
from pathlib import Path

from pydantic import ValidationError

from shothub.wire.plugin import Endpoint

_SHORTEST_SECRET = 32


class NoEndpoint(Exception):
    """BLACS with shothub's plugin has not been started here, or its files are damaged."""


def plugin_folder(state: Path) -> Path:
    """Return the folder of the plugin in the state folder of an apparatus."""
    return state / "plugin"


def make_secret(folder: Path) -> bytes:
    """Return the secret in ``folder``; make it, readable by its owner only, if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "secret"
    if not file.exists():
        fresh = folder / f".secret-{os.getpid()}"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(secrets.token_hex(32))
        fresh.replace(file)
    return read_secret(folder)


def read_secret(folder: Path) -> bytes:
    """Return the secret in ``folder``.

    Raises:
        NoEndpoint: there is none, or it is too short to be one.
    """
    try:
        secret = (folder / "secret").read_bytes().strip()
    except OSError as error:
        raise NoEndpoint(f"no secret in {folder}") from error
    if len(secret) < _SHORTEST_SECRET:
        raise NoEndpoint(f"the secret in {folder} is too short")
    return secret


def write_endpoint(folder: Path, endpoint: Endpoint) -> None:
    """Tell in ``folder`` where the plugin listens; readers see the old or the new file."""
    fresh = folder / ".endpoint.json"
    fresh.write_text(endpoint.model_dump_json(), encoding="ascii")
    fresh.replace(folder / "endpoint.json")


def read_endpoint(folder: Path) -> Endpoint:
    """Return where the plugin listens, or listened when it last ran.

    Raises:
        NoEndpoint: it never ran, or the file is damaged.
    """
    try:
        return Endpoint.model_validate_json((folder / "endpoint.json").read_bytes())
    except (OSError, ValidationError) as error:
        raise NoEndpoint(f"no endpoint in {folder}") from error

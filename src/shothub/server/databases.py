"""Where the hub keeps its rows: SQLite in the data folder, or a PostgreSQL server."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

SQLITE, POSTGRESQL = "sqlite", "postgresql"
EXAMPLE = "postgresql://shothub@db.example.org:5432/shothub"
_SCHEMES = ("postgresql", "postgres")
_KEEPALIVE = {
    "connect_timeout": 5,
    "keepalives_idle": 20,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
# A commit survives a power cut, whatever the server's default: otherwise a START given
# just before it could be forgotten and the shot started twice. Nobody waits for ever for
# a row of a process that hangs, and a process that hangs in a transaction loses it. No
# question of a user may keep the server busy for longer than a minute.
_SESSION = {
    "synchronous_commit": "on",
    "default_transaction_isolation": r"read\ committed",
    "lock_timeout": "20s",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "60s",
}
# Immediate transactions: a writer waits for its turn at BEGIN, so that what it has read
# is still true when it writes. synchronous=FULL is SQLite's synchronous_commit.
_SQLITE = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-32000;"
    ),
}


class BadAddress(ValueError):
    """The address of the database is not one; the message says what is wrong."""


def settings_of(address: str, data: Path) -> dict[str, Any]:
    """Return Django's settings of the database.

    Args:
        address: ``postgresql://user:password@host:port/name?sslmode=…``; empty for SQLite.
        data: the hub's data folder.

    Raises:
        BadAddress: the address is not one, or the driver is not installed.
    """
    if not address:
        return _sqlite(data)
    parts = _split(address)
    return {
        "ENGINE": "shothub.server.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": _options(dict(parse_qsl(parts.query))),
    }


def _sqlite(data: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": data / "db.sqlite3",
        "CONN_MAX_AGE": None,
        "OPTIONS": dict(_SQLITE),
        "TEST": {"NAME": data / "test.sqlite3"},
    }


def _split(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        port_is_one = parts.port is None or parts.port > 0
    except ValueError:
        raise BadAddress("the port is no number from 1 to 65535") from None
    if parts.scheme not in _SCHEMES:
        raise BadAddress("it does not begin with postgresql://")
    if not parts.path.strip("/"):
        raise BadAddress("the name of the database is missing after the host")
    if not port_is_one:
        raise BadAddress("the port is no number from 1 to 65535")
    if find_spec("psycopg") is None:
        raise BadAddress(
            "PostgreSQL's driver is not installed: pip install 'shothub[postgres]'"
        )
    return parts


def _options(given: Mapping[str, str]) -> dict[str, Any]:
    session = " ".join(f"-c {name}={value}" for name, value in _SESSION.items())
    asked = given.get("options", "")
    return {
        "application_name": "shothub",
        # Statements are planned once for each connection: a third of a lease's time.
        "server_side_binding": True,
        "prepare_threshold": 2,
        **_KEEPALIVE,
        **given,
        "options": f"{asked} {session}".strip(),
    }

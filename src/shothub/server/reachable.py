"""Whether the database is one that the hub can work with, in words for whoever runs it."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import NotSupportedError

from shothub.server.config import BadConfig
from shothub.server.databases import EXAMPLE

_MIGRATION = 7_466_841  # the advisory lock's number: any that nobody else takes


class BadDatabase(BadConfig):
    """The database cannot be used; the message says why and what to do."""


def require(database: BaseDatabaseWrapper | None = None) -> None:
    """Refuse a PostgreSQL server that is away, too old, or that does not speak UTF-8.

    Args:
        database: another one than the hub's own.

    Raises:
        BadDatabase: it is.
    """
    database = database or connections["default"]
    if database.vendor != "postgresql":
        return
    where = _where(database)
    try:
        encoding = _setting(database, "server_encoding")
    except NotSupportedError as error:
        raise BadDatabase(f"database: {where} is too old. {error}") from None
    except DatabaseError as error:
        raise BadDatabase(
            f"database: {where} cannot be used: {_first_line(error)}."
            f" Example: SHOTHUB_DATABASE={EXAMPLE}"
        ) from None
    if encoding != "UTF8":
        raise BadDatabase(
            f"database: {where} is encoded in {encoding}; UTF8 is needed."
            " Make it with: createdb --encoding=UTF8 --template=template0"
        )


def doubts() -> list[str]:
    """Return what does not keep the hub from working but can lose what it was told."""
    database = connections["default"]
    if database.vendor != "postgresql":
        return []
    return [
        f"database: {_where(database)} runs with {name}=off. A power cut may then lose a"
        f" START that was given, and its shot be started twice. Set {name}=on."
        for name in ("fsync", "full_page_writes")
        if _setting(database, name) == "off"
    ]


@contextmanager
def alone() -> Iterator[None]:
    """Keep other processes of the same hub out; SQLite's file does that by itself."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '10min'")
        cursor.execute("SELECT pg_advisory_lock(%s)", [_MIGRATION])
        cursor.execute("RESET lock_timeout")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_MIGRATION])


@contextmanager
def unhurried() -> Iterator[None]:
    """Let statements take as long as they need; SQLite's may anyway."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET statement_timeout")


def _setting(database: BaseDatabaseWrapper, name: str) -> str:
    with database.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        return str(cursor.fetchone()[0])


def _where(database: BaseDatabaseWrapper) -> str:
    """Return the server and the database, without the password."""
    known = database.settings_dict
    host, port = known["HOST"] or "the local socket", known["PORT"] or "5432"
    return f"PostgreSQL at {host}:{port}, database {known['NAME']!r},"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")

"""Up to which event nothing is missing any more, so that a reader can go on from there.

Events are numbered when they are written and seen when their transaction commits. SQLite
has one writer, so both orders are the same. In PostgreSQL event 12 may be seen before
event 11: whoever has read 12 and asks for what comes after would never see 11.

There each transaction that writes events takes, before it is given a number, a shared
advisory lock whose key is the newest number so far. All numbers up to the smallest such
key are of transactions that have ended. Nobody waits for these locks; they are read.
"""

from typing import NamedTuple

from django.db import connection
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.utils import CursorWrapper

_FUNCTION = "shothub_writes_events"
_SEQUENCE = "jobs_event_id_seq"
_SPACE = 83  # first byte of the locks' keys, which tells them from other locks
_INSTALL = [
    f"CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$"  # noqa: S608
    " DECLARE newest bigint; BEGIN"
    f" IF coalesce(current_setting('shothub.writes', true), '') <> 'events' THEN"
    f" SELECT last_value INTO newest FROM {_SEQUENCE};"
    f" PERFORM pg_advisory_xact_lock_shared(({_SPACE}::bigint << 56) | newest);"
    " PERFORM set_config('shothub.writes', 'events', true);"
    " END IF; RETURN NULL; END $$",
    "CREATE OR REPLACE TRIGGER event_numbers BEFORE INSERT ON jobs_event"
    f" FOR EACH STATEMENT EXECUTE FUNCTION {_FUNCTION}()",
]
_REMOVE = [
    "DROP TRIGGER IF EXISTS event_numbers ON jobs_event",
    f"DROP FUNCTION IF EXISTS {_FUNCTION}()",
]
_NEWEST = f"SELECT last_value FROM {_SEQUENCE}"  # noqa: S608
_OLDEST_WRITER = f"""
    SELECT min(((classid::bigint << 32) | objid::bigint) & ((1::bigint << 56) - 1))
    FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND pid <> pg_backend_pid()
      AND classid::bigint >> 24 = {_SPACE}
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""  # noqa: S608


class Horizon(NamedTuple):
    """Up to which event one may read.

    Attributes:
        last: the newest event before which none is missing; None for all there are.
        settling: whether newer ones are being written, so that it pays to look again.
    """

    last: int | None = None
    settling: bool = False


def horizon() -> Horizon:
    """Return up to which event one may read now; ask before reading."""
    if connection.vendor != "postgresql":
        return Horizon()
    with connection.cursor() as cursor:
        # In this order: a writer who takes his lock in between gets larger numbers.
        cursor.execute(_NEWEST)
        newest = int(cursor.fetchone()[0])
        cursor.execute(_OLDEST_WRITER)
        oldest = cursor.fetchone()[0]
    last = newest if oldest is None else min(newest, int(oldest))
    return Horizon(last, settling=oldest is not None)


def install(cursor: CursorWrapper) -> None:
    """Have writers of events take their locks."""
    if cursor.db.vendor == "postgresql":
        for statement in _INSTALL:
            cursor.execute(statement)


def remove(cursor: CursorWrapper) -> None:
    """Have them write without locks: for migrations, and to see what that costs."""
    if cursor.db.vendor == "postgresql":
        for statement in _REMOVE:
            cursor.execute(statement)


def install_by(_apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    """Install within a migration."""
    with editor.connection.cursor() as cursor:
        install(cursor)


def remove_by(_apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    """Remove within a migration."""
    with editor.connection.cursor() as cursor:
        remove(cursor)

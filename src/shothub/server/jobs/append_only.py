"""Triggers of the database that make events impossible to change or to delete."""

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.utils import CursorWrapper

TABLE = "jobs_event"
_VERBS = ("update", "delete")


def install(cursor: CursorWrapper) -> None:
    """Forbid UPDATE and DELETE on events."""
    for verb in _VERBS:
        cursor.execute(
            f"CREATE TRIGGER IF NOT EXISTS event_no_{verb} BEFORE {verb} ON {TABLE}"
            " BEGIN SELECT RAISE(ABORT, 'events are never changed'); END"
        )


def remove(cursor: CursorWrapper) -> None:
    """Allow them again: for tests that empty their database, and for migrations."""
    for verb in _VERBS:
        cursor.execute(f"DROP TRIGGER IF EXISTS event_no_{verb}")


def install_by(_apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    """Install them within a migration."""
    with editor.connection.cursor() as cursor:
        install(cursor)


def remove_by(_apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    """Remove them within a migration."""
    with editor.connection.cursor() as cursor:
        remove(cursor)

"""Triggers of the database that make events impossible to change or to delete."""

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.utils import CursorWrapper

TABLE = "jobs_event"
_SAYS = "events are never changed"
_FUNCTION = "shothub_refuse_to_change_events"


def install(cursor: CursorWrapper) -> None:
    """Forbid UPDATE and DELETE on events."""
    for statement in _INSTALL[cursor.db.vendor]:
        cursor.execute(statement)


def remove(cursor: CursorWrapper) -> None:
    """Allow them again: for tests that empty their database, and for migrations."""
    for statement in _REMOVE[cursor.db.vendor]:
        cursor.execute(statement)


# An ended transaction with the same error on both: django.db.IntegrityError.
_INSTALL = {
    "sqlite": [
        f"CREATE TRIGGER IF NOT EXISTS event_no_{verb} BEFORE {verb} ON {TABLE}"
        f" BEGIN SELECT RAISE(ABORT, '{_SAYS}'); END"
        for verb in ("update", "delete")
    ],
    "postgresql": [
        f"CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{_SAYS}'"
        " USING ERRCODE = 'integrity_constraint_violation'; END $$",
        f"CREATE OR REPLACE TRIGGER event_no_change BEFORE UPDATE OR DELETE OR TRUNCATE"
        f" ON {TABLE} FOR EACH STATEMENT EXECUTE FUNCTION {_FUNCTION}()",
    ],
}
_REMOVE = {
    "sqlite": [
        f"DROP TRIGGER IF EXISTS event_no_{verb}" for verb in ("update", "delete")
    ],
    "postgresql": [
        f"DROP TRIGGER IF EXISTS event_no_change ON {TABLE}",
        f"DROP FUNCTION IF EXISTS {_FUNCTION}()",
    ],
}


def install_by(_apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    """Install them within a migration."""
    with editor.connection.cursor() as cursor:
        install(cursor)


def remove_by(_apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    """Remove them within a migration."""
    with editor.connection.cursor() as cursor:
        remove(cursor)

"""Triggers of the database that make a table's rows impossible to change or to delete."""

from dataclasses import dataclass

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.utils import CursorWrapper


@dataclass(frozen=True, kw_only=True)
class AppendOnly:
    """A table to which one can only add.

    On both databases whoever tries otherwise gets ``django.db.IntegrityError``, and his
    transaction has ended.

    Attributes:
        table: its name in the database.
        trigger: what the names of its triggers begin with.
        function: name of PostgreSQL's function that refuses.
        says: why.
    """

    table: str
    trigger: str
    function: str
    says: str

    def install(self, cursor: CursorWrapper) -> None:
        """Forbid UPDATE and DELETE, and PostgreSQL's TRUNCATE."""
        postgresql = cursor.db.vendor == "postgresql"
        for statement in self._on_postgresql() if postgresql else self._on_sqlite():
            cursor.execute(statement)

    def remove(self, cursor: CursorWrapper) -> None:
        """Allow them again: for tests that empty their database, and for migrations."""
        if cursor.db.vendor == "postgresql":
            name = f"{self.trigger}_no_change"
            cursor.execute(f"DROP TRIGGER IF EXISTS {name} ON {self.table}")
            cursor.execute(f"DROP FUNCTION IF EXISTS {self.function}()")
            return
        for verb in ("update", "delete"):
            cursor.execute(f"DROP TRIGGER IF EXISTS {self.trigger}_no_{verb}")

    def _on_sqlite(self) -> list[str]:
        return [
            f"CREATE TRIGGER IF NOT EXISTS {self.trigger}_no_{verb}"
            f" BEFORE {verb} ON {self.table}"
            f" BEGIN SELECT RAISE(ABORT, '{self.says}'); END"
            for verb in ("update", "delete")
        ]

    def _on_postgresql(self) -> list[str]:
        return [
            f"CREATE OR REPLACE FUNCTION {self.function}() RETURNS trigger"
            f" LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{self.says}'"
            " USING ERRCODE = 'integrity_constraint_violation'; END $$",
            f"CREATE OR REPLACE TRIGGER {self.trigger}_no_change"
            f" BEFORE UPDATE OR DELETE OR TRUNCATE ON {self.table}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {self.function}()",
        ]

    def install_by(self, _apps: object, editor: BaseDatabaseSchemaEditor) -> None:
        """Install them within a migration."""
        with editor.connection.cursor() as cursor:
            self.install(cursor)

    def remove_by(self, _apps: object, editor: BaseDatabaseSchemaEditor) -> None:
        """Remove them within a migration."""
        with editor.connection.cursor() as cursor:
            self.remove(cursor)


RECORD = AppendOnly(
    table="audit_entry",
    trigger="audit_entry",
    function="shothub_refuse_to_change_the_record",
    says="the record of acts is never changed",
)

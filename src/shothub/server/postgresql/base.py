"""The backend itself, in the module and by the name that Django looks for.

Three things differ from Django's own, so that a row is the same in both databases:

- JSON is kept as text (``json``), with its keys in their order and with any character;
  ``jsonb`` sorts the keys, and results would lose the order of their columns.
- Texts have no limit of their own: what comes in is bounded where it comes in.
- A NUL, which PostgreSQL cannot keep in a text, becomes U+FFFD: what a user's program
  has printed must not keep a report from being stored.
"""

from typing import Any

from django.db.backends.postgresql import base, operations
from psycopg import Connection
from psycopg.abc import Buffer
from psycopg.types.json import Json
from psycopg.types.string import StrDumperUnknown, TextLoader


class WithoutNul(StrDumperUnknown):
    """Sends texts with every NUL replaced."""

    def dump(self, obj: str) -> Buffer | None:
        """Return the bytes of a text."""
        return super().dump(obj.replace("\0", "\ufffd"))


class DatabaseOperations(operations.DatabaseOperations):
    """What Django asks of a backend; JSON is sent as ``json``."""

    def adapt_json_value(self, value: Any, encoder: Any) -> Any:
        """Return a value in the form of which the driver makes JSON."""
        return Json(value, dumps=operations.get_json_dumps(encoder))


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection."""

    ops_class = DatabaseOperations
    data_types = {  # noqa: RUF012  (as in Django)
        **base.DatabaseWrapper.data_types,
        "CharField": "varchar",
        "JSONField": "json",
        "SlugField": "varchar",
    }

    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection:
        """Connect, with our ways of sending and reading values."""
        connection: Connection = super().get_new_connection(conn_params)
        connection.adapters.register_dumper(str, WithoutNul)
        connection.adapters.register_loader("json", TextLoader)  # Django reads it
        return connection

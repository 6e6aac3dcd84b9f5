"""The table in which the processes of a hub count logins together."""

from django.core.management import call_command
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

_TABLE = "accounts_cached"


def make(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make it, unless it is there."""
    alias = schema_editor.connection.alias
    call_command("createcachetable", _TABLE, database=alias, verbosity=0)


def drop(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Drop it."""
    schema_editor.execute(f"DROP TABLE IF EXISTS {_TABLE}")


class Migration(migrations.Migration):
    dependencies = (("accounts", "0004_people"),)
    operations = (migrations.RunPython(make, drop),)

"""The table in which processes count logins together; addresses that the lab entered."""

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


def vouch(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Hold the addresses of the users so far for theirs: the lab has entered them."""
    users = apps.get_model("accounts", "User").objects.exclude(email="")
    known = apps.get_model("account", "EmailAddress").objects
    for user in users.order_by("pk"):
        email = user.email.lower()
        if not known.filter(email=email).exists():
            known.create(user_id=user.pk, email=email, verified=True, primary=True)


class Migration(migrations.Migration):
    dependencies = (
        ("accounts", "0004_people"),
        ("account", "0009_emailaddress_unique_primary_email"),
    )
    operations = (
        migrations.RunPython(make, drop),
        migrations.RunPython(vouch, migrations.RunPython.noop),
    )

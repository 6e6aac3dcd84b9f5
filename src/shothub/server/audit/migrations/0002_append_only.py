"""The database refuses to change or delete what is on the record."""

from django.db import migrations

from shothub.server.audit.append_only import RECORD


class Migration(migrations.Migration):
    dependencies = (("audit", "0001_initial"),)
    operations = (migrations.RunPython(RECORD.install_by, RECORD.remove_by),)

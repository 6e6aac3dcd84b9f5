"""Events can only be added."""

from django.db import migrations

from shothub.server.jobs.append_only import install_by, remove_by


class Migration(migrations.Migration):
    dependencies = (("jobs", "0001_initial"),)
    operations = (migrations.RunPython(install_by, remove_by),)

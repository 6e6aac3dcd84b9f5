"""Writers of events take locks that tell readers what is still missing."""

from django.db import migrations

from shothub.server.jobs.horizon import install_by, remove_by


class Migration(migrations.Migration):
    dependencies = (("jobs", "0008_shares_of_waiting_jobs"),)
    operations = (migrations.RunPython(install_by, remove_by),)

"""Jobs know whether their running shot is to be aborted."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("jobs", "0002_events_are_append_only"),)
    operations = (
        migrations.AddField("job", "abort", models.BooleanField(default=False)),
    )

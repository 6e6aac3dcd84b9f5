"""Jobs know whether to abort their running shot; what to tell the agent is found fast."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("jobs", "0002_events_are_append_only"),)
    operations = (
        migrations.AddField("job", "abort", models.BooleanField(default=False)),
        migrations.AddIndex(
            "job",
            models.Index(
                condition=models.Q(tell_agent=True),
                fields=["apparatus"],
                name="job_to_tell",
            ),
        ),
    )

"""What retries need to know: which event, how long a webhook has failed, which digest."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_groups_queue_and_reservations"),
        ("outbox", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="event",
            field=models.CharField(default="", max_length=40),
        ),
        migrations.AddField(
            model_name="message",
            name="ident",
            field=models.CharField(default="", max_length=40),
        ),
        migrations.AddField(
            model_name="message",
            name="sent_with",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="outbox.message",
            ),
        ),
        migrations.AddField(
            model_name="webhook",
            name="failures",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="webhook",
            name="delivered",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="webhook",
            name="token",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.token",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                fields=["user", "channel", "done"], name="message_of_user"
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["done"], name="message_done"),
        ),
    ]

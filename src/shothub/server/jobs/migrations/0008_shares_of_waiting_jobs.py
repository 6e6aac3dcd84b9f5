"""Gives the jobs that wait the share that they are charged to, and counts their shots."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Sum


def give_shares(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    job_model = apps.get_model("jobs", "Job")
    share_model = apps.get_model("apparatus", "Share")
    waiting = job_model.objects.filter(pending__gt=0, shots__isnull=False, share=None)
    whose = waiting.order_by().values_list("apparatus", "owner").distinct()
    for apparatus, owner in list(whose):
        share, _ = share_model.objects.get_or_create(
            apparatus_id=apparatus, user_id=owner, group=None
        )
        jobs = job_model.objects.filter(apparatus=apparatus, owner=owner)
        jobs.filter(pending__gt=0, shots__isnull=False).update(share=share)
        shots = jobs.filter(share=share, barred="").aggregate(n=Sum("waiting"))["n"]
        share_model.objects.filter(pk=share.pk).update(waiting=shots or 0)


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0007_measured_shares"),
        ("apparatus", "0005_measured_shares"),
    ]

    operations = [migrations.RunPython(give_shares, migrations.RunPython.noop)]

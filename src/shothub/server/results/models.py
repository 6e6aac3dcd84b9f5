"""Runs of analysis routines, and the files of jobs."""

from django.db import models

from shothub.server.jobs.models import Job


class RoutineRun(models.Model):
    """What one routine saved on one shot, or (shot null) on the whole job."""

    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="routine_runs")
    shot = models.PositiveIntegerField(null=True)
    position = models.PositiveSmallIntegerField(default=0)
    routine = models.CharField(max_length=100)
    state = models.CharField(
        max_length=8, choices=[("done", "done"), ("failed", "failed")]
    )
    values = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    log = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ("shot", "position")
        indexes = (models.Index(fields=["job", "shot"], name="run_of_job"),)

    def __str__(self) -> str:
        return f"{self.routine} on {self.job_id}#{self.shot}: {self.state}"


class File(models.Model):
    """A file of a job; ``path`` is below the hub's folder of files."""

    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="files")
    name = models.CharField(max_length=300)
    kind = models.CharField(max_length=16)
    label = models.CharField(max_length=120, blank=True)
    shot = models.PositiveIntegerField(null=True)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    media_type = models.CharField(max_length=100)
    path = models.CharField(max_length=500)
    at = models.DateTimeField()

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint("job", "name", name="one_file_a_name"),)

    def __str__(self) -> str:
        return f"{self.job_id}/{self.name}"

"""Apparatus and the start tags of their users."""

from django.conf import settings
from django.db import models


class Apparatus(models.Model):
    """One machine, run by one BLACS.

    Attributes:
        epoch: number of the newest agent session; older ones are fenced.
        fence: grows with every lease.
        virtual_time: start tag of the user served last, seconds.
        description: what the agent published (wire.apparatus.Description).
        status: what the agent said last (wire.apparatus.ApparatusStatus).
    """

    name = models.SlugField(max_length=48, unique=True)
    title = models.CharField(max_length=200, blank=True)
    created = models.DateTimeField()
    epoch = models.PositiveBigIntegerField(default=0)
    fence = models.PositiveBigIntegerField(default=0)
    virtual_time = models.FloatField(default=0.0)
    description = models.JSONField(default=dict)
    description_digest = models.CharField(max_length=64, blank=True)
    status = models.JSONField(default=dict)
    agent = models.CharField(max_length=200, blank=True)
    last_seen = models.DateTimeField(null=True)
    paused = models.BooleanField(default=False)
    pause_message = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ("name",)
        verbose_name_plural = "apparatus"

    def __str__(self) -> str:
        return self.name


class Share(models.Model):
    """A user's start tag on an apparatus, seconds of virtual time."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    apparatus = models.ForeignKey(Apparatus, on_delete=models.CASCADE)
    tag = models.FloatField(default=0.0)

    class Meta:
        constraints = (
            models.UniqueConstraint("user", "apparatus", name="one_share_each"),
        )

    def __str__(self) -> str:
        return f"{self.user_id} on {self.apparatus_id}: {self.tag:.1f} s"

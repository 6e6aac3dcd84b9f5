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
        draining: whether what waits runs out, and what comes later stays waiting.
        drained_from: jobs submitted since then wait for the end of the draining.
        sessions: agent sessions of the last minutes (domain.rivals), oldest first.
        polls: number of the newest poll of each kind in the present session.
        hold: why the hub lets nothing start until an operator lifts it; latched.
        serving: share whose turn it is; ``burst`` seconds of it are used.
        config: configuration key of the shot that ran last.
        switch_seconds: measured mean cost of a change of configuration, seconds.
        gap_seconds: measured mean time between two shots of one configuration.
        free_since: when the last shot ended, by the apparatus's clock.
        spent: budgets by class (domain.budgets.Window.spent).
        stirred: whether work came that may have to go before what is leased.
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
    sessions = models.JSONField(default=list)
    polls = models.JSONField(default=dict)
    last_seen = models.DateTimeField(null=True)
    paused = models.BooleanField(default=False)
    pause_message = models.CharField(max_length=500, blank=True)
    draining = models.BooleanField(default=False)
    drained_from = models.DateTimeField(null=True)
    hold = models.CharField(max_length=500, blank=True)
    serving = models.ForeignKey(
        "Share", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    burst = models.FloatField(default=0.0)
    config = models.CharField(max_length=64, blank=True)
    switch_seconds = models.FloatField(default=0.0)
    gap_seconds = models.FloatField(default=0.0)
    free_since = models.DateTimeField(null=True)
    spent = models.JSONField(default=dict)
    stirred = models.BooleanField(default=False)

    class Meta:
        ordering = ("name",)
        verbose_name_plural = "apparatus"

    def __str__(self) -> str:
        return self.name


class Share(models.Model):
    """What fair queueing remembers of a user, of a group, or of a user within a group.

    Attributes:
        group: null for a user who runs on nobody's allocation but his own.
        user: null for the group as a whole.
        tag: start tag, seconds of virtual time among its siblings.
        virtual_time: of the users within it, if it is a group.
        usage: machine seconds, halved every ``half_life`` up to ``usage_at``.
        credit: express credit left at ``credit_at``, seconds.
        waiting: compiled shots that may run now.
    """

    apparatus = models.ForeignKey(Apparatus, on_delete=models.CASCADE)
    group = models.ForeignKey(
        "accounts.Group", null=True, on_delete=models.CASCADE, related_name="+"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE
    )
    tag = models.FloatField(default=0.0)
    virtual_time = models.FloatField(default=0.0)
    usage = models.FloatField(default=0.0)
    usage_at = models.DateTimeField(null=True)
    credit = models.FloatField(null=True)
    credit_at = models.DateTimeField(null=True)
    waiting = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                "apparatus", "group", "user", name="one_share_within_a_group"
            ),
            models.UniqueConstraint(
                fields=["apparatus", "user"],
                condition=models.Q(group=None),
                name="one_share_a_user",
            ),
            models.UniqueConstraint(
                fields=["apparatus", "group"],
                condition=models.Q(user=None),
                name="one_share_a_group",
            ),
        )
        indexes = (models.Index(fields=["apparatus", "waiting"], name="share_waiting"),)

    def __str__(self) -> str:
        return (
            f"{self.group_id}/{self.user_id} on {self.apparatus_id}: {self.tag:.1f} s"
        )


class Usage(models.Model):
    """Machine seconds that a user took on an apparatus on one day (UTC)."""

    apparatus = models.ForeignKey(Apparatus, on_delete=models.CASCADE)
    group = models.ForeignKey(
        "accounts.Group", null=True, on_delete=models.PROTECT, related_name="+"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    day = models.DateField()
    seconds = models.FloatField(default=0.0)
    shots = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                "apparatus", "group", "user", "day", name="one_usage_in_a_group"
            ),
            models.UniqueConstraint(
                fields=["apparatus", "user", "day"],
                condition=models.Q(group=None),
                name="one_usage_of_a_user",
            ),
        )
        indexes = (models.Index(fields=["user", "day"], name="usage_of_user"),)

    def __str__(self) -> str:
        return f"{self.user_id} on {self.day}: {self.seconds:.0f} s"

"""Reservations and sessions."""

from django.conf import settings
from django.db import models

from shothub.server.apparatus.models import Apparatus


class Reservation(models.Model):
    """Booked time on an apparatus; those that stand never overlap.

    Attributes:
        kind: ``exclusive`` (its owner), ``group`` (anybody of the group) or
            ``maintenance`` (nobody).
        starts, ends: half-open, ``starts`` belongs to it and ``ends`` does not.
        idle_since: since when its holder has had nothing to run; null while he has.
        released: when the time went back to everybody because nobody used it; its
            holder regains it by submitting.
        cancelled: when it was given up for good.
        begun, over: when the hub noted that it began and that it ended.
    """

    apparatus = models.ForeignKey(
        Apparatus, on_delete=models.PROTECT, related_name="reservations"
    )
    kind = models.CharField(max_length=12)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reservations"
    )
    group = models.ForeignKey(
        "accounts.Group", null=True, on_delete=models.PROTECT, related_name="+"
    )
    title = models.CharField(max_length=200, blank=True)
    starts = models.DateTimeField()
    ends = models.DateTimeField()
    created = models.DateTimeField()
    idle_since = models.DateTimeField(null=True)
    released = models.DateTimeField(null=True)
    cancelled = models.DateTimeField(null=True)
    begun = models.DateTimeField(null=True)
    over = models.DateTimeField(null=True)

    class Meta:
        ordering = ("starts", "id")
        indexes = (
            models.Index(fields=["apparatus", "ends"], name="reservation_in_time"),
            models.Index(
                fields=["starts"],
                condition=models.Q(over=None, cancelled=None),
                name="reservation_to_attend",
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=models.Q(ends__gt=models.F("starts")),
                name="reservation_has_length",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} on {self.apparatus_id} from {self.starts:%Y-%m-%d %H:%M}"


class Session(models.Model):
    """A user's short exclusive turn for a closed loop; charged by time.

    Attributes:
        state: ``waiting`` (for its turn in the queue), ``open`` or ``ended``.
        idle_seconds: it ends after this time without a shot waiting or running.
        total_seconds: it ends after this time in any case.
        until: when it ends in any case: after ``total_seconds``, or when a reservation
            of others begins.
        last_active: when it last had a shot that waited or ran; while it waits, when its
            owner last asked for it.
        charged: seconds that were charged so far.
        why: why it ended, in words.
    """

    id = models.CharField(max_length=16, primary_key=True)
    apparatus = models.ForeignKey(
        Apparatus, on_delete=models.PROTECT, related_name="turns"
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="turns"
    )
    group = models.ForeignKey(
        "accounts.Group", null=True, on_delete=models.PROTECT, related_name="+"
    )
    state = models.CharField(max_length=8)
    idle_seconds = models.FloatField()
    total_seconds = models.FloatField()
    requested = models.DateTimeField()
    opened = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    last_active = models.DateTimeField(null=True)
    ended = models.DateTimeField(null=True)
    charged = models.FloatField(default=0.0)
    why = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("-requested", "id")
        constraints = (
            models.UniqueConstraint(
                fields=["apparatus"],
                condition=models.Q(state="open"),
                name="one_open_session",
            ),
        )
        indexes = (
            models.Index(
                fields=["apparatus", "requested"],
                condition=models.Q(state__in=["waiting", "open"]),
                name="session_alive",
            ),
            models.Index(fields=["ended"], name="session_ended"),
        )

    def __str__(self) -> str:
        return f"session {self.pk} ({self.state})"

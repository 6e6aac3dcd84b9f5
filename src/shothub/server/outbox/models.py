"""Messages that wait to be delivered, and whom users want to be told."""

from django.conf import settings
from django.db import models


class Preference(models.Model):
    """Of what a user wants an e-mail: names of events such as ``done`` or ``unknown``."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True
    )
    email = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.user_id}: {', '.join(self.email) or 'no e-mail'}"


class Webhook(models.Model):
    """An address that is told of a user's jobs.

    Attributes:
        secret: key of the signature, encrypted.
        events: names of events it wants, such as ``done``.
        switched_off: why it is told nothing any more; empty while it is.
        failures: deliveries that failed since the last that succeeded.
        delivered: when a delivery succeeded last.
        token: the token that made it; revoking that one silences it.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhooks"
    )
    url = models.URLField(max_length=500)
    secret = models.BinaryField(max_length=500)
    events = models.JSONField(default=list)
    created = models.DateTimeField()
    switched_off = models.CharField(max_length=200, blank=True)
    failures = models.PositiveIntegerField(default=0)
    delivered = models.DateTimeField(null=True)
    token = models.ForeignKey(
        "accounts.Token", null=True, on_delete=models.PROTECT, related_name="+"
    )

    def __str__(self) -> str:
        return f"{self.url} of {self.owner_id}"


class Message(models.Model):
    """One delivery; written in the transaction of the change that it tells of.

    Attributes:
        channel: ``email`` or ``webhook``.
        event: name of a domain.notices.Occasion.
        ident: stays the same over all tries, so that receivers can tell repeats.
        due: when it is to be tried next.
        claimed_until: until when one process has it in hand.
        outcome: empty while it waits, else ``delivered`` or why it was given up.
        sent_with: the message in whose mail this one was sent too.
    """

    channel = models.CharField(max_length=8)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    webhook = models.ForeignKey(Webhook, null=True, on_delete=models.CASCADE)
    event = models.CharField(max_length=40, default="")
    ident = models.CharField(max_length=40, default="")
    subject = models.CharField(max_length=200)
    body = models.JSONField()
    created = models.DateTimeField()
    due = models.DateTimeField()
    claimed_until = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True)
    outcome = models.TextField(blank=True)
    done = models.DateTimeField(null=True)
    sent_with = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        indexes = (
            models.Index(
                fields=["due"], condition=models.Q(outcome=""), name="message_due"
            ),
            models.Index(fields=["user", "channel", "done"], name="message_of_user"),
            models.Index(fields=["done"], name="message_done"),
        )

    def __str__(self) -> str:
        return f"{self.channel} to {self.user_id}: {self.subject}"

"""What was done that touches security; the database refuses to change or delete it."""

from typing import Self

from django.db import models


class Entries(models.QuerySet["Entry"]):
    """Acts, and which of them one may read."""

    def visible_to(self, user: int | None, *, staff: bool) -> Self:
        """Return all for staff, else what somebody did or what was done to him."""
        if staff:
            return self.all()
        if user is None:
            return self.none()
        return self.filter(models.Q(subject=user) | models.Q(actor=user))


class Entry(models.Model):
    """One act.

    Users are kept by number and name, not referred to, so that the record outlives them.

    Attributes:
        what: the act, ``token.created`` for example (domain.acts).
        actor: who did it; null for whoever runs the hub on its own machine.
        by: his credential: ``session``, ``token <ident>``, ``command``, ``hub``, or
            ``nobody`` for a request without a valid one.
        subject: whose account it concerns; he reads it too.
        on: what it was done to, ``token k3v…`` for example.
        detail: what else is to be known; never a secret.
        address: from where.
    """

    at = models.DateTimeField()
    what = models.CharField(max_length=60)
    actor = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=150, blank=True)
    by = models.CharField(max_length=40)
    subject = models.BigIntegerField(null=True)
    subject_name = models.CharField(max_length=150, blank=True)
    on = models.CharField(max_length=200, blank=True)
    detail = models.JSONField(default=dict)
    address = models.CharField(max_length=45, blank=True)

    objects = Entries.as_manager()

    class Meta:
        indexes = (
            models.Index("subject", "id", name="audit_of_subject"),
            models.Index("actor", "id", name="audit_of_actor"),
            models.Index("what", "id", name="audit_of_what"),
        )

    def __str__(self) -> str:
        return f"{self.at} {self.what} by {self.actor_name or self.by}"

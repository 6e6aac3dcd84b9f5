"""Users, what the lab grants them, and the tokens they hold."""

from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person. ``key`` names his folder on the shot storage and never changes."""

    key = models.SlugField(max_length=48, unique=True)

    REQUIRED_FIELDS: ClassVar[list[str]] = ["email", "key"]

    def __str__(self) -> str:
        return self.username


class Grant(models.Model):
    """What a user may do on one apparatus beyond running procedures.

    Apparatus are named, not referred to: apps point one way.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="grants")
    apparatus = models.SlugField(max_length=48)
    scripts = models.BooleanField(default=False)
    hdf5 = models.BooleanField(default=False)
    operator = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.UniqueConstraint("user", "apparatus", name="one_grant_each"),
        )

    def __str__(self) -> str:
        return f"{self.user_id} on {self.apparatus}: {', '.join(self.kinds()) or '-'}"

    def kinds(self) -> list[str]:
        """Return the names of what is granted."""
        names = ("scripts", "hdf5", "operator")
        return [name for name in names if getattr(self, name)]


class Token(models.Model):
    """A credential for programs. Rows are never deleted: they are the audit trail.

    Attributes:
        digest: HMAC-SHA256 of the whole token, keyed by pepper number ``pepper``.
        apparatus: for tokens of agents, the only apparatus they may speak for.
        parent: the token that made this one; revoking it revokes this one.
    """

    ident = models.CharField(max_length=10, unique=True)
    kind = models.CharField(max_length=3)
    name = models.CharField(max_length=120)
    digest = models.BinaryField(max_length=32)
    pepper = models.PositiveSmallIntegerField()
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="tokens")
    apparatus = models.SlugField(max_length=48, blank=True)
    scopes = models.JSONField(default=list)
    parent = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="children"
    )
    created = models.DateTimeField()
    expires = models.DateTimeField()
    revoked = models.DateTimeField(null=True)
    last_used = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created", "-id")

    def __str__(self) -> str:
        return f"{self.kind} {self.ident} ({self.name})"

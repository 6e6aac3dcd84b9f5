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


class Group(models.Model):
    """People who share an allocation: a research group, a course, a project.

    Attributes:
        weight: its part of the machine, relative to other groups and to users who are
            in none.
    """

    name = models.SlugField(max_length=48, unique=True)
    title = models.CharField(max_length=200, blank=True)
    weight = models.FloatField(default=1.0)
    created = models.DateTimeField()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A user in a group; ``weight`` is his part of the group's machine time.

    Attributes:
        is_default: whether his jobs are the group's unless he says otherwise.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    group = models.ForeignKey(
        Group, on_delete=models.CASCADE, related_name="memberships"
    )
    weight = models.FloatField(default=1.0)
    is_default = models.BooleanField(default=True)

    class Meta:
        constraints = (
            models.UniqueConstraint("user", "group", name="one_membership_each"),
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(is_default=True),
                name="one_default_group",
            ),
        )

    def __str__(self) -> str:
        return f"{self.user_id} in {self.group_id}"


class Quota(models.Model):
    """How much a user, or a group as a whole, may take; null is no bound of this row.

    A row without user and group holds for every user who has none of his own.

    Attributes:
        apparatus: name of the only apparatus it is for; empty for all together.
        machine_day, machine_week: seconds of machine time in 24 hours and in 7 days.
        reserved_week: seconds of reservations in a week, Monday to Monday (UTC).
        stored: bytes of files at the hub.
        requests: requests to the API in a minute.
    """

    user = models.ForeignKey(
        User, null=True, on_delete=models.CASCADE, related_name="quotas"
    )
    group = models.ForeignKey(
        Group, null=True, on_delete=models.CASCADE, related_name="quotas"
    )
    apparatus = models.SlugField(max_length=48, blank=True)
    pending_shots = models.PositiveIntegerField(null=True)
    pending_jobs = models.PositiveIntegerField(null=True)
    machine_day = models.FloatField(null=True)
    machine_week = models.FloatField(null=True)
    reserved_week = models.FloatField(null=True)
    stored = models.PositiveBigIntegerField(null=True)
    requests = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["user", "apparatus"],
                condition=models.Q(group=None),
                name="one_quota_a_user",
            ),
            models.UniqueConstraint(
                fields=["group", "apparatus"],
                condition=models.Q(user=None),
                name="one_quota_a_group",
            ),
            models.UniqueConstraint(
                fields=["apparatus"],
                condition=models.Q(user=None, group=None),
                name="one_general_quota",
            ),
        )

    def __str__(self) -> str:
        return f"quota of {self.user_id or self.group_id or 'everybody'}"


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

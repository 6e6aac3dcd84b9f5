"""Users, what the lab grants them, and the tokens they hold."""

import secrets
from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models


def provisional_key() -> str:
    """Return the key of a user who has not been approved: no folder ever bears it."""
    return f"new-{secrets.token_hex(8)}"


class User(AbstractUser):
    """A person.

    Attributes:
        key: names his folder on the shot storage; given on approval, then permanent.
        state: ``pending`` until the lab approves him, ``active``, ``suspended`` by the
            lab, or ``closed`` at his own wish. Only an active user may use the hub;
            ``is_active`` is false for the last two, who cannot log in.
        decided: when the lab last approved or suspended him.
        suspended_why: the lab's reason, which he reads when he tries to log in.
    """

    key = models.SlugField(max_length=48, unique=True, default=provisional_key)
    state = models.CharField(max_length=9, default="active")
    decided = models.DateTimeField(null=True)
    suspended_why = models.CharField(max_length=500, blank=True)

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
        is_owner: whether he may invite, remove and weigh its members.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    group = models.ForeignKey(
        Group, on_delete=models.CASCADE, related_name="memberships"
    )
    weight = models.FloatField(default=1.0)
    is_default = models.BooleanField(default=True)
    is_owner = models.BooleanField(default=False)

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
    """What a user, or every member of a group, may do on one apparatus.

    Apparatus are named, not referred to: apps point one way. What a user may do is all
    that is granted to him and to his groups. Roles are granted to users only.

    Attributes:
        procedures: names of the only procedures that this grant allows; null for all.
            A user without any grant on the apparatus may run all.
        scripts, relay, hdf5: may submit scripts, use the relay, download shot files.
        reviewer, operator, admin: his roles on the apparatus; each includes those before.
    """

    user = models.ForeignKey(
        User, null=True, on_delete=models.CASCADE, related_name="grants"
    )
    group = models.ForeignKey(
        Group, null=True, on_delete=models.CASCADE, related_name="grants"
    )
    apparatus = models.SlugField(max_length=48)
    procedures = models.JSONField(null=True)
    scripts = models.BooleanField(default=False)
    relay = models.BooleanField(default=False)
    hdf5 = models.BooleanField(default=False)
    reviewer = models.BooleanField(default=False)
    operator = models.BooleanField(default=False)
    admin = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["user", "apparatus"],
                condition=models.Q(group=None),
                name="one_grant_a_user",
            ),
            models.UniqueConstraint(
                fields=["group", "apparatus"],
                condition=models.Q(user=None),
                name="one_grant_a_group",
            ),
            models.CheckConstraint(
                condition=models.Q(user=None) ^ models.Q(group=None),
                name="grant_to_user_or_group",
            ),
            models.CheckConstraint(
                condition=models.Q(group=None)
                | models.Q(reviewer=False, operator=False, admin=False),
                name="roles_to_users",
            ),
        )

    def __str__(self) -> str:
        whom = self.user_id or f"group {self.group_id}"
        return f"{whom} on {self.apparatus}: {', '.join(self.kinds()) or '-'}"

    def kinds(self) -> list[str]:
        """Return the names of what is granted."""
        return [name for name in KINDS if getattr(self, name)]


ROLES = ("reviewer", "operator", "admin")
"""Each includes those before it."""
KINDS = ("scripts", "relay", "hdf5", *ROLES)


class Token(models.Model):
    """A credential for programs. Rows are never deleted: they are the audit trail.

    Attributes:
        digest: HMAC-SHA256 of the whole token, keyed by pepper number ``pepper``.
        apparatus: for tokens of agents, the only apparatus they may speak for.
        only_on: names of the only apparatus that a user's token is good for; empty for
            all.
        successor: the token that an agent's token was rotated into.
        parent: the token that made this one; revoking it revokes this one.
    """

    ident = models.CharField(max_length=10, unique=True)
    kind = models.CharField(max_length=3)
    name = models.CharField(max_length=120)
    digest = models.BinaryField(max_length=32)
    pepper = models.PositiveSmallIntegerField()
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="tokens")
    apparatus = models.SlugField(max_length=48, blank=True)
    only_on = models.JSONField(default=list)
    scopes = models.JSONField(default=list)
    successor = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="predecessor"
    )
    parent = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="children"
    )
    created = models.DateTimeField()
    expires = models.DateTimeField()
    revoked = models.DateTimeField(null=True)
    last_used = models.DateTimeField(null=True)
    last_address = models.CharField(max_length=45, blank=True)

    class Meta:
        ordering = ("-created", "-id")

    def __str__(self) -> str:
        return f"{self.kind} {self.ident} ({self.name})"


class Code(models.Model):
    """A secret that is good once: an invitation, or the enrolment of an agent.

    Attributes:
        kind: ``invitation`` or ``enrolment``.
        digest: as of tokens.
        by: who made it; null for whoever runs the hub.
        email: the only address that may use an invitation; empty for any.
        group: which the invited joins.
        apparatus: whose agent is enrolled.
        used_by: the user who used it.
    """

    kind = models.CharField(max_length=10)
    digest = models.BinaryField(max_length=32)
    pepper = models.PositiveSmallIntegerField()
    by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="codes_made"
    )
    email = models.EmailField(blank=True)
    group = models.ForeignKey(Group, null=True, on_delete=models.CASCADE)
    apparatus = models.SlugField(max_length=48, blank=True)
    created = models.DateTimeField()
    expires = models.DateTimeField()
    used = models.DateTimeField(null=True)
    used_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="codes_used"
    )

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class DeviceLogin(models.Model):
    """A program that waits for its user to let it in at the browser (RFC 8628).

    Attributes:
        digest: of the device code, as of tokens.
        user_code: what the person types; unique among those that wait.
        client: what the program calls itself, with the machine's name.
        scopes, days: what it asks for.
        user: who let it in, with ``allowed``; null while it waits.
        denied: when somebody refused it.
        collected: when the program fetched its token, which it may once.
        polled: when it last asked.
    """

    digest = models.BinaryField(max_length=32)
    pepper = models.PositiveSmallIntegerField()
    user_code = models.CharField(max_length=9, unique=True)
    client = models.CharField(max_length=120)
    scopes = models.JSONField(default=list)
    only_on = models.JSONField(default=list)
    days = models.PositiveIntegerField()
    address = models.CharField(max_length=45, blank=True)
    created = models.DateTimeField()
    expires = models.DateTimeField()
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE)
    allowed = models.DateTimeField(null=True)
    denied = models.DateTimeField(null=True)
    collected = models.DateTimeField(null=True)
    polled = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.client} ({self.user_code})"

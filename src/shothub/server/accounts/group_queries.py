"""Questions about groups, who is in them, and how much users and groups may take."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Count, Q, QuerySet

from shothub.domain.quotas import QuotaRow, What
from shothub.server.accounts.models import Group, Membership, Quota
from shothub.server.accounts.principals import Principal
from shothub.server.refusals import NotThere
from shothub.wire.accounts import MembershipView


class NoSuchGroup(NotThere):
    """There is no such group."""


@dataclass(frozen=True)
class Member:
    """One's place in a group."""

    group: int
    name: str
    is_default: bool


# Asked at every submission: plain SQL.
_MEMBERSHIPS = """
    SELECT member.group_id, grp.name, member.is_default
    FROM accounts_membership member JOIN accounts_group grp ON grp.id = member.group_id
    WHERE member.user_id = %s ORDER BY grp.name
"""
_WHATS = ", ".join(what.value for what in What)
_QUOTAS = f"""
    SELECT user_id, group_id, apparatus, {_WHATS} FROM accounts_quota
    WHERE user_id = %s OR user_id IS NULL
"""  # noqa: S608  (the names are the domain's own)


def memberships_of(user: int) -> list[Member]:
    """Return the groups of a user, by name."""
    with connection.cursor() as cursor:
        cursor.execute(_MEMBERSHIPS, [user])
        return [Member(*row) for row in cursor.fetchall()]


def groups_of(principal: Principal) -> list[MembershipView]:
    """Return the groups of a user as he sees them."""
    return [
        MembershipView(name=member.name, is_default=member.is_default)
        for member in memberships_of(principal.user)
    ]


def quota_rows(user: int, groups: Sequence[int]) -> list[QuotaRow]:
    """Return all that was set for a user, his groups, and everybody."""
    with connection.cursor() as cursor:
        cursor.execute(_QUOTAS, [user])
        rows = cursor.fetchall()
    return [
        QuotaRow(
            limits=dict(zip(What, limits, strict=True)),
            apparatus=apparatus,
            group=group,
            is_own=owner is not None,
        )
        for owner, group, apparatus, *limits in rows
        if group is None or group in groups
    ]


def requests_a_minute(user: int) -> int | None:
    """Return how many requests a user may make in a minute; None for any number."""
    rows = Quota.objects.filter(group=None, requests__isnull=False)
    found = list(rows.filter(Q(user_id=user) | Q(user=None)))
    own = [row.requests for row in found if row.user_id is not None]
    return next(iter(own or [row.requests for row in found]), None)


def group_named(name: str) -> Group:
    """Return one group.

    Raises:
        NoSuchGroup: there is none of this name.
    """
    found = Group.objects.filter(name=name).first()
    if found is None:
        raise NoSuchGroup(f"There is no group {name[:48]!r}.")
    return found


def groups_seen_by(principal: Principal) -> "QuerySet[Group]":
    """Return the groups that one may know of: one's own; for staff all."""
    if principal.apparatus:
        return Group.objects.none()
    if principal.staff:
        return Group.objects.all()
    mine = Membership.objects.filter(user_id=principal.user)
    return Group.objects.filter(pk__in=mine.values("group_id"))


def find_group(principal: Principal, name: str) -> Group:
    """Return a group that one may know of.

    Raises:
        NoSuchGroup: there is none, or one may not know.
    """
    found = groups_seen_by(principal).filter(name=name).first()
    if found is None:
        raise NoSuchGroup(f"There is no group {name[:48]!r}.")
    return found


def owns(principal: Principal, group: Group) -> bool:
    """Tell whether one manages the members of a group."""
    mine = Membership.objects.filter(group=group, user_id=principal.user)
    return principal.staff or mine.filter(is_owner=True).exists()


def groups() -> list[dict[str, object]]:
    """Return every group with its weight and how many are in it."""
    rows = Group.objects.annotate(members=Count("memberships")).order_by("name")
    fields = ("name", "title", "weight", "members")
    return [dict(zip(fields, row, strict=True)) for row in rows.values_list(*fields)]


def members_of(group: Group) -> list[dict[str, object]]:
    """Return who is in a group, by name."""
    rows = Membership.objects.filter(group=group).order_by("user__username")
    return [
        {"user": name, "weight": weight, "is_default": default, "is_owner": owner}
        for name, weight, default, owner in rows.values_list(
            "user__username", "weight", "is_default", "is_owner"
        )
    ]


QUOTA_FIELDS = (*(what.value for what in What), "requests", "reserved_week")


def bounds_of_group(group: str) -> list[tuple[str, str, float]]:
    """Return what bounds a group as a whole: apparatus or nothing, name, number."""
    return [
        (f"{row['apparatus']}", name, float(f"{row[name]}"))
        for row in quotas()
        if row["group"] == group
        for name in QUOTA_FIELDS
        if row[name] is not None
    ]


def quotas() -> list[dict[str, object]]:
    """Return every quota: whose, where, and its numbers, None where it sets none."""
    rows = Quota.objects.order_by("user__username", "group__name", "apparatus")
    return [
        {
            "user": row.user.username if row.user else "",
            "group": row.group.name if row.group else "",
            "apparatus": row.apparatus,
            **{name: getattr(row, name) for name in QUOTA_FIELDS},
        }
        for row in rows.select_related("user", "group")
    ]

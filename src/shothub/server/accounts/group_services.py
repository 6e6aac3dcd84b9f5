"""What can be done with groups and quotas."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from shothub.domain.names import is_slug
from shothub.server.accounts.group_queries import QUOTA_FIELDS
from shothub.server.accounts.models import Group, Membership, Quota, User
from shothub.server.refusals import Invalid, NotThere

_LEAST, _MOST = 1e-3, 1e6


def create_group(
    *, name: str, now: datetime, title: str = "", weight: float = 1.0
) -> Group:
    """Make a group.

    Args:
        name: its permanent short name.
        now: the present time.
        title: for people.
        weight: its part of the machine, relative to others.

    Raises:
        Invalid: the name is no slug or taken, or the weight makes no sense.
    """
    if not is_slug(name):
        raise Invalid(
            f"{name[:48]!r} cannot name a group.",
            code="bad_name",
            where="name",
            hint="lower-case letters, digits, - and _, beginning with a letter",
        )
    _check_weight(weight)
    if Group.objects.filter(name=name).exists():
        raise Invalid(f"There is a group {name!r}.", code="taken", where="name")
    return Group.objects.create(name=name, title=title, weight=weight, created=now)


def change_group(
    group: Group, *, title: str | None = None, weight: float | None = None
) -> None:
    """Give a group another title or weight; its name stays.

    Raises:
        Invalid: the weight makes no sense.
    """
    if weight is not None:
        _check_weight(weight)
        group.weight = weight
    if title is not None:
        group.title = title
    group.save(update_fields=["weight", "title"])


def _check_weight(weight: float) -> None:
    if not _LEAST <= weight <= _MOST:
        raise Invalid(
            f"A weight is from {_LEAST:g} to {_MOST:g}, not {weight:g}.",
            code="out_of_range",
            where="weight",
        )


def set_member(
    group: Group,
    user: User,
    *,
    weight: float | None = None,
    is_default: bool | None = None,
) -> None:
    """Put a user into a group, or change his place in it.

    His first group is his default one, on which his jobs run unless he says otherwise.

    Raises:
        Invalid: the weight makes no sense.
    """
    if weight is not None:
        _check_weight(weight)
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        others = Membership.objects.filter(user=user).exclude(group=group)
        if is_default:
            others.update(is_default=False)
        place = Membership.objects.filter(user=user, group=group).first()
        if place is None:
            place = Membership(user=user, group=group)
            place.is_default = not others.filter(is_default=True).exists()
        place.weight = place.weight if weight is None else weight
        place.is_default = place.is_default if is_default is None else is_default
        place.save()


def remove_member(group: Group, user: User) -> None:
    """Take a user out of a group; his jobs that wait stay the group's.

    Raises:
        NotThere: he is not in it.
    """
    removed, _ = Membership.objects.filter(user=user, group=group).delete()
    if not removed:
        raise NotThere(f"{user.username} is not in the group {group.name!r}.")


def set_quota(
    *,
    limits: Mapping[str, float | None],
    user: User | None = None,
    group: Group | None = None,
    apparatus: str = "",
) -> None:
    """Set numbers of a quota; those that are not given stay as they are.

    Args:
        limits: numbers by name; None lifts one.
        user: for whom; without user and group for every user who has none of his own.
        group: for which group as a whole.
        apparatus: on which alone; empty for all together.

    Raises:
        Invalid: both a user and a group are given, or a number is unknown or negative.
    """
    if user and group:
        raise Invalid("A quota is a user's or a group's, not both.", where="group")
    for name, limit in limits.items():
        if name not in QUOTA_FIELDS:
            raise Invalid(f"No quota counts {name!r}.", where=name)
        if limit is not None and not 0 <= limit < 1e15:
            raise Invalid(f"{name} cannot be {limit:g}.", where=name)
    Quota.objects.update_or_create(
        user=user, group=group, apparatus=apparatus, defaults=dict(limits)
    )


def unset_quota(
    *, user: User | None = None, group: Group | None = None, apparatus: str = ""
) -> None:
    """Remove a quota with all its numbers.

    Raises:
        NotThere: there is none.
    """
    rows = Quota.objects.filter(user=user, group=group, apparatus=apparatus)
    removed, _ = rows.delete()
    if not removed:
        raise NotThere("There is no such quota.")

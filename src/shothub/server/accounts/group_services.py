"""What can be done with groups and quotas."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from shothub.domain.acts import Act
from shothub.domain.names import is_slug
from shothub.server.accounts.group_queries import QUOTA_FIELDS
from shothub.server.accounts.models import Group, Membership, Quota, User
from shothub.server.audit.services import Account, record
from shothub.server.refusals import Invalid, NotThere
from shothub.server.rows import insert_if_new

_LEAST, _MOST = 1e-3, 1e6
_LONGEST_TITLE = 200


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
    _check_title(title)
    group = Group(name=name, title=title, weight=weight, created=now)
    with transaction.atomic():
        # The constraint knows it, also if two make the same one at one moment.
        if not insert_if_new(group):
            raise Invalid(f"There is a group {name!r}.", code="taken", where="name")
        record(Act.GROUP_CREATED, now=now, on=f"group {name}")
        return Group.objects.get(name=name)


def change_group(
    group: Group,
    *,
    now: datetime,
    title: str | None = None,
    weight: float | None = None,
) -> None:
    """Give a group another title or weight; its name stays.

    Raises:
        Invalid: the weight or the title makes no sense.
    """
    given: dict[str, float | str] = {}
    if weight is not None:
        _check_weight(weight)
        given["weight"] = weight
    if title is not None:
        _check_title(title)
        given["title"] = title
    if not given:
        return
    with transaction.atomic():
        for name, value in given.items():
            setattr(group, name, value)
        group.save(update_fields=[*given])
        record(Act.GROUP_CHANGED, now=now, on=f"group {group.name}", detail=given)


def _check_title(title: str) -> None:
    if len(title) > _LONGEST_TITLE:
        raise Invalid(
            f"A title has at most {_LONGEST_TITLE} characters.",
            code="too_long",
            where="title",
        )


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
    now: datetime,
    weight: float | None = None,
    is_default: bool | None = None,
    is_owner: bool | None = None,
) -> None:
    """Put a user into a group, or change his place in it.

    His first group is his default one, on which his jobs run unless he says otherwise.

    Args:
        group: which one.
        user: whom.
        now: the present time.
        weight: his part of the group's machine time.
        is_default: whether his jobs are this group's unless he says otherwise.
        is_owner: whether he manages its members.

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
        act = Act.MEMBER_CHANGED if place else Act.MEMBER_ADDED
        if place is None:
            place = Membership(user=user, group=group)
            place.is_default = not others.filter(is_default=True).exists()
        place.weight = place.weight if weight is None else weight
        place.is_default = place.is_default if is_default is None else is_default
        place.is_owner = place.is_owner if is_owner is None else is_owner
        place.save()
        _record_member(act, group, user, now, place)


def _record_member(
    act: Act, group: Group, user: User, now: datetime, place: Membership | None = None
) -> None:
    said = {"weight": place.weight, "owner": place.is_owner} if place else {}
    subject = Account(user.pk, user.username)
    record(act, now=now, subject=subject, on=f"group {group.name}", detail=said)


def remove_member(group: Group, user: User, *, now: datetime) -> None:
    """Take a user out of a group; his jobs that wait stay the group's.

    Raises:
        NotThere: he is not in it.
    """
    with transaction.atomic():
        removed, _ = Membership.objects.filter(user=user, group=group).delete()
        if not removed:
            raise NotThere(f"{user.username} is not in the group {group.name!r}.")
        _record_member(Act.MEMBER_REMOVED, group, user, now)


def set_quota(
    *,
    limits: Mapping[str, float | None],
    now: datetime,
    user: User | None = None,
    group: Group | None = None,
    apparatus: str = "",
) -> None:
    """Set numbers of a quota; those that are not given stay as they are.

    Args:
        limits: numbers by name; None lifts one.
        now: the present time.
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
    with transaction.atomic():
        Quota.objects.update_or_create(
            user=user, group=group, apparatus=apparatus, defaults=dict(limits)
        )
        _record_quota(user, group, apparatus, now, dict(limits))


def _record_quota(
    user: User | None,
    group: Group | None,
    apparatus: str,
    now: datetime,
    limits: dict[str, float | None] | None,
) -> None:
    whose = f"group {group.name}" if group else f"user {user}" if user else "everybody"
    record(
        Act.QUOTA_CHANGED,
        now=now,
        subject=Account(user.pk, user.username) if user else None,
        on=f"{whose} on {apparatus}" if apparatus else whose,
        detail={"limits": limits},
    )


def unset_quota(
    *,
    now: datetime,
    user: User | None = None,
    group: Group | None = None,
    apparatus: str = "",
) -> None:
    """Remove a quota with all its numbers.

    Raises:
        NotThere: there is none.
    """
    rows = Quota.objects.filter(user=user, group=group, apparatus=apparatus)
    with transaction.atomic():
        removed, _ = rows.delete()
        if not removed:
            raise NotThere("There is no such quota.")
        _record_quota(user, group, apparatus, now, None)

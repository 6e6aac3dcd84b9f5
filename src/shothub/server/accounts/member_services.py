"""What owners do with their groups, and staff with all: each by his right."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from shothub.server.accounts.group_queries import NoSuchGroup, find_group, owns
from shothub.server.accounts.group_services import (
    change_group,
    create_group,
    remove_member,
    set_member,
    set_quota,
)
from shothub.server.accounts.models import Group, Membership, User
from shothub.server.accounts.principals import Principal
from shothub.server.accounts.proofs import require_person
from shothub.server.refusals import Forbidden, Invalid, NotThere


@dataclass(frozen=True, kw_only=True)
class Place:
    """What is to change of a member's place; None leaves it as it is."""

    weight: float | None = None
    is_owner: bool | None = None


class NotOwner(Forbidden):
    """Only an owner of the group, or the lab, may do this."""

    code = "not_group_owner"


class ForStaff(Forbidden):
    """Only the lab's staff may do this."""

    code = "staff_only"


def create_by(
    principal: Principal, *, name: str, title: str, weight: float, now: datetime
) -> Group:
    """Make a group.

    Raises:
        ForStaff: one is not of the staff.
        ProveAgain: one last proved long ago who one is.
        Invalid: the name is no slug or taken, or the weight makes no sense.
    """
    _require_staff(principal, now)
    return create_group(name=name, title=title, weight=weight, now=now)


def change_by(
    principal: Principal,
    name: str,
    *,
    now: datetime,
    title: str | None = None,
    weight: float | None = None,
) -> Group:
    """Give a group another title, as its owner, or another weight, as staff.

    Raises:
        NoSuchGroup: there is none, or one may not know.
        NotOwner, ForStaff: one may not do this.
        ProveAgain: one last proved long ago who one is.
        Invalid: the weight or the title makes no sense.
    """
    group = _owned(principal, name)
    if weight is not None:
        _require_staff(principal, now)
    change_group(group, title=title, weight=weight, now=now)
    return group


def set_member_by(
    principal: Principal, name: str, username: str, place: Place, *, now: datetime
) -> None:
    """Put a user into a group, or change his place in it.

    Raises:
        NoSuchGroup: there is no such group, or one may not know.
        NotOwner: one may not do this.
        ProveAgain, NotByToken: owners are named by persons who have just proved who
            they are.
        Invalid: there is no such user, or the weight makes no sense.
    """
    group = _owned(principal, name)
    if place.is_owner is not None:
        require_person(principal, now)
    user = _known_user(username, group)
    set_member(group, user, now=now, weight=place.weight, is_owner=place.is_owner)


def remove_member_by(
    principal: Principal, name: str, username: str, *, now: datetime
) -> None:
    """Take a user out of a group, or leave it oneself.

    Raises:
        NoSuchGroup: there is no such group, or one may not know.
        NotOwner: he is another, and one may not do this.
        NotThere: he is not in it.
    """
    group = find_group(principal, name)
    if username != principal.username and not owns(principal, group):
        raise _not_owner(name)
    user = User.objects.filter(username=username).first()
    if user is None:
        raise NotThere(f"{username[:150]!r} is not in the group {name!r}.")
    remove_member(group, user, now=now)


def choose_default(principal: Principal, name: str, *, now: datetime) -> None:
    """Let one's jobs run on a group's allocation unless one says otherwise.

    Raises:
        NoSuchGroup: one is in no such group.
    """
    with transaction.atomic():
        mine = Membership.objects.filter(user_id=principal.user, group__name=name)
        place = mine.select_related("group", "user").first()
        if place is None:
            raise NoSuchGroup(f"You are in no group {name[:48]!r}.")
        set_member(place.group, place.user, now=now, is_default=True)


def set_quota_by(
    principal: Principal,
    name: str,
    *,
    limits: Mapping[str, float | None],
    apparatus: str,
    now: datetime,
) -> None:
    """Bound what a group as a whole may take, as staff.

    Raises:
        NoSuchGroup: there is none, or one may not know.
        ForStaff: one is not of the staff.
        ProveAgain: one last proved long ago who one is.
        Invalid: a number is unknown, negative or none.
    """
    group = find_group(principal, name)
    _require_staff(principal, now)
    set_quota(limits=limits, group=group, apparatus=apparatus, now=now)


def _owned(principal: Principal, name: str) -> Group:
    group = find_group(principal, name)
    if not owns(principal, group):
        raise _not_owner(name)
    return group


def _not_owner(name: str) -> NotOwner:
    return NotOwner(f"Only an owner of the group {name!r} may do this.")


def _require_staff(principal: Principal, now: datetime) -> None:
    if not principal.staff:
        raise ForStaff("Only the lab's staff may do this.")
    require_person(principal, now)


def _known_user(username: str, group: Group) -> User:
    """Return a user who is in the group already, or may use the hub."""
    fit = Q(state="active") | Q(memberships__group=group)
    found = User.objects.filter(fit, username=username).first()
    if found is None:
        raise Invalid(
            f"There is no user {username[:150]!r}.", code="unknown_user", where="user"
        )
    return found

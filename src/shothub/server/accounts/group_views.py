"""Groups as their members see them."""

from collections.abc import Iterable

from django.db.models import Count

from shothub.server.accounts.grant_queries import grants_to
from shothub.server.accounts.group_queries import (
    bounds_of_group,
    find_group,
    groups_seen_by,
)
from shothub.server.accounts.models import Group, Membership
from shothub.server.accounts.principals import Principal
from shothub.wire.groups import (
    BoundView,
    GrantView,
    GroupDetail,
    GroupView,
    MemberView,
)


def group_list(principal: Principal) -> list[GroupView]:
    """Return the groups that one may know of, by name."""
    mine = {place.group_id: place for place in _places_of(principal)}
    counted = groups_seen_by(principal).annotate(size=Count("memberships"))
    return [
        _view(group, group.size, mine.get(group.pk))
        for group in counted.order_by("name")
    ]


def _places_of(principal: Principal) -> Iterable[Membership]:
    return Membership.objects.filter(user_id=principal.user)


def _view(group: Group, size: int, place: Membership | None) -> GroupView:
    return GroupView(
        name=group.name,
        title=group.title,
        weight=group.weight,
        members=size,
        is_member=place is not None,
        is_default=place.is_default if place else False,
        is_owner=place.is_owner if place else False,
    )


def group_detail(principal: Principal, name: str) -> GroupDetail:
    """Return a group with its members, and what is granted to them.

    Raises:
        NoSuchGroup: there is none, or one may not know.
    """
    group = find_group(principal, name)
    places = Membership.objects.filter(group=group).select_related("user")
    people = list(places.order_by("user__username"))
    mine = next((place for place in people if place.user_id == principal.user), None)
    return GroupDetail(
        **_view(group, len(people), mine).model_dump(),
        people=[
            MemberView(
                user=place.user.username,
                key=place.user.key,
                weight=place.weight,
                is_owner=place.is_owner,
            )
            for place in people
        ],
        grants=[
            GrantView(
                apparatus=granted.apparatus,
                kinds=granted.kinds,
                procedures=granted.procedures,
            )
            for granted in grants_to(group)
        ],
        bounds=[
            BoundView(apparatus=apparatus, what=what, limit=limit)
            for apparatus, what, limit in bounds_of_group(group.name)
        ],
    )

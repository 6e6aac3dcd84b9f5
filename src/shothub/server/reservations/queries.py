"""Questions about reservations and sessions."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Q, QuerySet

from shothub.domain.calendar import (
    Booking,
    Holder,
    Standing,
    booked_within,
    standing_at,
)
from shothub.server.accounts.models import Group, Membership, Quota
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.models import Apparatus
from shothub.server.apparatus.queries import description_of
from shothub.server.refusals import NotThere
from shothub.server.reservations.models import Reservation
from shothub.server.reservations.turn_queries import open_turn
from shothub.server.rows import ask
from shothub.wire.apparatus import ReservationPolicy
from shothub.wire.reservations import ReservationView

_AHEAD = 20  # bookings: more of them begin later than any shot ends
_MOST = 2000  # bookings in one answer
_LAST = 2**63 - 1


class NoSuchReservation(NotThere):
    """There is no such reservation."""


def standing(apparatus: Apparatus, now: datetime) -> Standing:
    """Return how the calendar of an apparatus stands: who may start what."""
    booked, turn = _what_stands(apparatus, now)
    if not booked:
        return standing_at((), now, open_turn(apparatus) if turn else None)
    rows = _standing_rows(apparatus).filter(ends__gt=now).order_by("starts")[:_AHEAD]
    return standing_at(map(booking_of, rows), now, open_turn(apparatus))


# Plain SQL, asked at every lease and every start: nearly always nothing stands.
_WHAT_STANDS = """
    SELECT EXISTS (
        SELECT 1 FROM reservations_reservation
        WHERE apparatus_id = %s AND ends > %s AND cancelled IS NULL
    ), EXISTS (
        SELECT 1 FROM reservations_session WHERE apparatus_id = %s AND state = 'open'
    )
"""


def _what_stands(apparatus: Apparatus, now: datetime) -> tuple[bool, bool]:
    """Tell whether anything is booked, and whether a session is open."""
    at = connection.ops.adapt_datetimefield_value(now)
    [(booked, turn)] = ask(_WHAT_STANDS, [apparatus.pk, at, apparatus.pk])
    return bool(booked), bool(turn)


def _standing_rows(apparatus: Apparatus) -> QuerySet[Reservation]:
    rows = Reservation.objects.filter(apparatus=apparatus, cancelled=None)
    return rows.select_related("owner", "group")


def booking_of(row: Reservation) -> Booking:
    """Return a reservation as the rules see it."""
    holder, name = None, row.title
    if row.kind == "exclusive":
        holder, name = Holder(user=row.owner_id), row.owner.key
    elif row.kind == "group" and row.group is not None:
        holder, name = Holder(group=row.group_id), row.group.name
    return Booking(
        id=row.pk,
        holder=holder,
        starts=row.starts,
        ends=row.ends,
        name=name,
        idle_since=row.idle_since,
        released=row.released is not None,
    )


def bookings_from(
    apparatus: Apparatus, starts: datetime, *, apart_from: int = 0
) -> list[Booking]:
    """Return all bookings that stand and are not over at a time, in order."""
    rows = _standing_rows(apparatus).filter(ends__gt=starts).exclude(pk=apart_from)
    return [booking_of(row) for row in rows.order_by("starts")]


def running_rows(
    now: datetime, apparatus: Apparatus | None = None
) -> list[Reservation]:
    """Return those that have begun and of whose end the hub has not taken note."""
    rows = Reservation.objects.filter(cancelled=None, over=None, starts__lte=now)
    rows = rows.select_related("apparatus", "owner", "group").order_by("starts", "id")
    rows = rows.defer("apparatus__description")
    return list(rows.filter(apparatus=apparatus) if apparatus else rows)


def in_words(row: Reservation) -> str:
    """Return a reservation as events and messages name it."""
    whose = {"maintenance": "maintenance", "group": f"group {row.group}"}
    span = f"{row.starts:%Y-%m-%d %H:%M} to {row.ends:%Y-%m-%d %H:%M} UTC"
    title = f": {row.title}" if row.title else ""
    return f"reservation {row.pk}, {whose.get(row.kind, row.owner.key)}, {span}{title}"


def find_reservation(pk: int, principal: Principal | None = None) -> Reservation:
    """Return one reservation; everybody may see every one.

    Args:
        pk: its number.
        principal: who asks, whose credential may be for other apparatus only.

    Raises:
        NoSuchReservation: there is none of this number for him.
    """
    rows = Reservation.objects.select_related("apparatus", "owner", "group")
    rows = rows.defer("apparatus__description")
    row = rows.filter(pk=pk).first() if 0 < pk <= _LAST else None
    if row is None or (principal and not principal.reaches(row.apparatus.name)):
        raise NoSuchReservation(f"There is no reservation {pk}.")
    return row


def list_reservations(
    principal: Principal,
    apparatus: Apparatus | None,
    span: tuple[datetime, datetime | None],
    *,
    now: datetime,
) -> list[ReservationView]:
    """Return the reservations that stand and share a moment with a span, in order."""
    starts, ends = span
    rows = Reservation.objects.filter(cancelled=None, ends__gt=starts)
    rows = rows.select_related("apparatus", "owner", "group")
    rows = rows.defer("apparatus__description")
    if apparatus:
        rows = rows.filter(apparatus=apparatus)
    if principal.only_on:
        rows = rows.filter(apparatus__name__in=principal.only_on)
    if ends:
        rows = rows.filter(starts__lt=ends)
    groups = groups_of(principal.user)
    found = rows.order_by("starts", "apparatus__name", "id")[:_MOST]
    return [reservation_view(row, principal, groups, now=now) for row in found]


def reservation_view(
    row: Reservation,
    principal: Principal,
    groups: Collection[int | None],
    *,
    now: datetime,
) -> ReservationView:
    """Return a reservation as this reader sees it; ``groups`` are his."""
    mine = row.kind == "exclusive" and row.owner_id == principal.user
    return ReservationView(
        id=row.pk,
        apparatus=row.apparatus.name,
        kind=row.kind,
        owner=row.owner.key,
        group=row.group.name if row.group else "",
        title=row.title,
        starts=row.starts,
        ends=row.ends,
        state=state_of(row, now),
        mine=mine or (row.kind == "group" and row.group_id in groups),
        may_change=may_change(row, principal) and row.cancelled is None,
    )


def view_of(pk: int, principal: Principal, *, now: datetime) -> ReservationView:
    """Return one reservation as this reader sees it.

    Raises:
        NoSuchReservation: there is none of this number.
    """
    groups = groups_of(principal.user)
    row = find_reservation(pk, principal)
    return reservation_view(row, principal, groups, now=now)


def state_of(row: Reservation, now: datetime) -> str:
    """Return the state of a reservation, as in wire.reservations.ReservationView."""
    if row.cancelled is not None:
        return "cancelled"
    if now < row.starts:
        return "coming"
    if now >= row.ends:
        return "over"
    return "lent" if booking_of(row).is_lent(now) else "running"


def may_change(row: Reservation, principal: Principal) -> bool:
    """Tell whether one may change or cancel a reservation: its owner or an operator."""
    operates = principal.may("operator", row.apparatus.name)
    return operates or row.owner_id == principal.user


def groups_of(user: int) -> set[int | None]:
    """Return the groups that a user is in."""
    rows = Membership.objects.filter(user_id=user)
    return set(rows.values_list("group_id", flat=True))


def policy_of(apparatus: Apparatus) -> ReservationPolicy:
    """Return who may book how much, as the lab published it."""
    return description_of(apparatus).reservations


def weekly_hours(apparatus: Apparatus, user: int, group: Group | None) -> float:
    """Return how many hours a week a user, or a group as a whole, may book.

    His own quota says, else the general one, else the lab's policy; of two that hold for
    this apparatus and for all, the first.
    """
    own = Q(group=group, user=None) if group else Q(user_id=user, group=None)
    here = Q(apparatus__in=[apparatus.name, ""])
    general = Q(user=None, group=None)
    rows = Quota.objects.filter(own | general, here, reserved_week__isnull=False)
    found = sorted(rows, key=_closeness)
    if found and found[0].reserved_week is not None:
        return found[0].reserved_week / 3600.0
    return policy_of(apparatus).hours_per_week


def _closeness(quota: Quota) -> tuple[bool, bool]:
    return (quota.user_id is None and quota.group_id is None, not quota.apparatus)


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """How many hours of a week somebody may book, and how many are booked already.

    Attributes:
        group: its name; empty for the user himself.
    """

    hours: float
    booked: float
    group: str = ""

    @property
    def value(self) -> str:
        """Return how a form names it."""
        return f"group:{self.group}" if self.group else "me"


def allowances(
    principal: Principal, apparatus: Apparatus, week: tuple[datetime, datetime]
) -> list[Allowance]:
    """Return what a user, and then each of his groups, may book in a week."""
    groups = Group.objects.filter(memberships__user_id=principal.user)
    found = []
    for group in (None, *groups.order_by("name")):
        booked = booked_hours(apparatus, (principal.user, group), week)
        hours = weekly_hours(apparatus, principal.user, group)
        name = group.name if group else ""
        found.append(Allowance(hours=hours, booked=booked, group=name))
    return found


def booked_hours(
    apparatus: Apparatus,
    holder: tuple[int, Group | None],
    week: tuple[datetime, datetime],
    *,
    apart_from: int = 0,
) -> float:
    """Return how many hours of a week a user, or a group, has booked already.

    What was cancelled before it began does not count, what was cut short counts as far as
    it went.
    """
    user, group = holder
    whose = {"group": group} if group else {"group": None, "owner_id": user}
    rows = Reservation.objects.filter(
        apparatus=apparatus, starts__lt=week[1], ends__gt=week[0], **whose
    ).exclude(kind="maintenance")
    spans = [
        (row.starts, min(row.ends, row.cancelled) if row.cancelled else row.ends)
        for row in rows.exclude(pk=apart_from)
    ]
    return booked_within(spans, week).total_seconds() / 3600.0

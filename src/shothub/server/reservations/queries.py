"""Questions about reservations and sessions."""

from datetime import datetime

from shothub.domain.calendar import Booking, Holder, Standing, Turn, standing_at
from shothub.server.apparatus.models import Apparatus
from shothub.server.reservations.models import Reservation, Session

_AHEAD = 20  # bookings: more of them begin later than any shot ends


def standing(apparatus: Apparatus, now: datetime) -> Standing:
    """Return how the calendar of an apparatus stands: who may start what."""
    rows = Reservation.objects.filter(
        apparatus=apparatus, ends__gt=now, cancelled=None
    ).select_related("owner", "group")
    return standing_at(
        [booking_of(row) for row in rows.order_by("starts")[:_AHEAD]],
        now,
        open_turn(apparatus),
    )


def open_turn(apparatus: Apparatus) -> Turn | None:
    """Return the open session of an apparatus, if there is one."""
    rows = Session.objects.filter(apparatus=apparatus, state="open")
    row = rows.select_related("owner").first()
    return turn_of(row) if row else None


def turn_of(session: Session) -> Turn:
    """Return an open session as the rules see it."""
    if session.until is None:
        raise ValueError(f"session {session.pk} was never opened")
    return Turn(
        id=session.pk,
        user=session.owner_id,
        group=session.group_id,
        until=session.until,
        name=session.owner.key,
    )


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

"""Reservations: booked, changed and cancelled, each with an event of the apparatus."""

from datetime import datetime

from django.db import transaction

from shothub.domain.acts import Act
from shothub.server.accounts.acting import account_of
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.models import Apparatus
from shothub.server.apparatus.queries import apparatus_for
from shothub.server.apparatus.services import lock_apparatus
from shothub.server.audit.services import record as put_on_record
from shothub.server.jobs.services.edges import attend
from shothub.server.jobs.transitions import Note, record_of_apparatus
from shothub.server.outbox.services import tell
from shothub.server.reservations import queries, services
from shothub.server.reservations.models import Reservation
from shothub.server.reservations.services import Wish
from shothub.server.reservations.turn_services import cut_turn
from shothub.wire.reservations import ReservationView


def book(
    principal: Principal, apparatus: str, wish: Wish, *, now: datetime
) -> ReservationView:
    """Book time on an apparatus; if it begins now, what was leased to others returns.

    Raises:
        NoSuchApparatus: there is none of this name.
        Refused: as `reservations.services.book` says.
    """
    pk = apparatus_for(principal, apparatus).pk
    with transaction.atomic():
        locked = lock_apparatus(pk)
        row = services.book(principal, locked, wish, now=now)
        note = Note(now=now, actor=principal.username, detail=queries.in_words(row))
        record_of_apparatus("reservation.booked", note, pk)
        _clear(locked, row, now)
        return queries.view_of(row.pk, principal, now=now)


def change(
    principal: Principal,
    reservation: int,
    *,
    starts: datetime | None = None,
    ends: datetime | None = None,
    title: str | None = None,
    now: datetime,
) -> ReservationView:
    """Move, shorten, extend or rename a reservation; what is None stays as it is.

    Raises:
        NoSuchReservation: there is none of this number.
        Refused: as `reservations.services.change` says.
    """
    found = queries.find_reservation(reservation, principal)
    with transaction.atomic():
        locked = lock_apparatus(found.apparatus_id)
        row = queries.find_reservation(reservation, principal)
        before = queries.in_words(row)
        services.change(principal, row, starts=starts, ends=ends, title=title, now=now)
        after = f"{before}; now {queries.in_words(row)}"
        note = Note(now=now, actor=principal.username, detail=after)
        record_of_apparatus("reservation.changed", note, found.apparatus_id)
        _tell_owner(principal, row, "was changed", note)
        _clear(locked, row, now)
        return queries.view_of(row.pk, principal, now=now)


def cancel(principal: Principal, reservation: int, *, now: datetime) -> ReservationView:
    """Give a reservation up for good: the time is everybody's again. Idempotent.

    Raises:
        NoSuchReservation: there is none of this number.
        Forbidden: it is another's.
        Conflict: it is over.
    """
    found = queries.find_reservation(reservation, principal)
    with transaction.atomic():
        lock_apparatus(found.apparatus_id)
        row = queries.find_reservation(reservation, principal)
        if services.cancel(principal, row, now=now):
            note = Note(now=now, actor=principal.username, detail=queries.in_words(row))
            record_of_apparatus("reservation.cancelled", note, found.apparatus_id)
            _tell_owner(principal, row, "was cancelled", note)
        return queries.view_of(row.pk, principal, now=now)


def _clear(apparatus: Apparatus, row: Reservation, now: datetime) -> None:
    """Make room for what may begin now."""
    if row.kind == "maintenance":
        cut_turn(apparatus, row.starts)
    attend(apparatus, now=now)


def _tell_owner(
    principal: Principal, row: Reservation, happened: str, note: Note
) -> None:
    if principal.user == row.owner_id:
        return
    put_on_record(
        Act.RESERVATION_OF_ANOTHER_CHANGED,
        now=note.now,
        subject=account_of(row.owner),
        on=f"apparatus {row.apparatus.name}",
        detail={"did": happened.removeprefix("was "), "reservation": note.detail},
    )
    tell(
        row.owner_id,
        "reservation",
        f"Your reservation of {row.apparatus.name} {happened}",
        f"{principal.username}: {note.detail}.",
        now=note.now,
        data={
            "apparatus": row.apparatus.name,
            "path": f"/apparatus/{row.apparatus.name}/calendar",
        },
    )

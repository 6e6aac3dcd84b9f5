"""A reservation, and lists of them, as users see them."""

from datetime import datetime
from html import escape
from typing import Self

from shothub.client import calendar_calls as calls
from shothub.client import moments
from shothub.client.connection import Connection
from shothub.client.moments import AnyMoment
from shothub.runtime import clock
from shothub.wire.reservations import ReservationChange, ReservationView


class Reservation:
    """Booked time on an apparatus.

    Attributes:
        view: the reservation as the hub last described it.
    """

    def __init__(self, connection: Connection, view: ReservationView) -> None:
        self._connection = connection
        self.view = view

    @property
    def id(self) -> int:
        """The number."""
        return self.view.id

    @property
    def starts(self) -> datetime:
        """When it begins."""
        return self.view.starts

    @property
    def ends(self) -> datetime:
        """When it ends; this moment is free again."""
        return self.view.ends

    def refresh(self) -> Self:
        """Ask the hub for the reservation as it is now."""
        self.view = self._connection.do(calls.get_reservation(self.id))
        return self

    def change(
        self,
        *,
        start: AnyMoment | None = None,
        end: AnyMoment | None = None,
        title: str | None = None,
    ) -> Self:
        """Move, shorten, extend or rename it; what is None stays as it is.

        Raises:
            Conflict: the time is another's, or too much; the hint says what is free.
            Forbidden: it is another's.
        """
        now = clock.now()
        asked = ReservationChange(
            starts=None if start is None else moments.moment(start, now=now),
            ends=None if end is None else moments.moment(end, now=now, where="end"),
            title=title,
        )
        self.view = self._connection.do(calls.change_reservation(self.id, asked))
        return self

    def cancel(self) -> Self:
        """Give it up for good.

        Raises:
            Forbidden: it is another's.
            Conflict: it is over.
        """
        self.view = self._connection.do(calls.cancel_reservation(self.id))
        return self

    def __repr__(self) -> str:
        return f"<Reservation {self.id} of {self.view.apparatus}: {text(self.view)}>"


class Reservations(list[Reservation]):
    """A list of reservations that notebooks show as a table."""

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{v.id}</td><td>{moments.local(v.starts)}</td>"
            f"<td>{moments.local(v.ends)}</td><td>{escape(whose(v))}</td>"
            f"<td>{escape(v.title)}</td><td>{v.state}</td></tr>"
            for v in (reservation.view for reservation in self)
        )
        heads = "<th>id</th><th>start</th><th>end</th><th>for</th><th></th><th></th>"
        return f"<table><tr>{heads}</tr>{rows}</table>"


def reservations_between(
    connection: Connection, apparatus: str, start: AnyMoment, end: AnyMoment | None
) -> Reservations:
    """Return what is reserved between two times, on one apparatus or (empty) on all."""
    now = clock.now()
    last = None if end is None else moments.moment(end, now=now, where="end")
    first = moments.moment(start, now=now)
    found = connection.do(calls.list_reservations(apparatus, first, last))
    return Reservations(Reservation(connection, view) for view in found)


def whose(view: ReservationView) -> str:
    """Return in words for whom the time is."""
    if view.kind == "maintenance":
        return "maintenance"
    return f"group {view.group}" if view.kind == "group" else view.owner


def text(view: ReservationView) -> str:
    """Return a reservation in one line of text, in local time."""
    span = f"{moments.local(view.starts)} to {moments.local(view.ends)}"
    title = f" ({view.title})" if view.title else ""
    return f"{span} {moments.zone(view.starts)}, {whose(view)}{title}, {view.state}"

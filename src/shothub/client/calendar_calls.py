"""What can be asked of a hub's calendars: each function builds one call."""

from datetime import datetime
from urllib.parse import quote

from pydantic import TypeAdapter

from shothub.client.calls import BASE, Call
from shothub.wire.reservations import (
    ReservationChange,
    ReservationRequest,
    ReservationView,
    SessionRequest,
    SessionView,
)

_ONE = TypeAdapter(ReservationView)
_TURN = TypeAdapter(SessionView)


def list_reservations(
    apparatus: str = "", start: datetime | None = None, end: datetime | None = None
) -> Call[list[ReservationView]]:
    """Ask for the reservations that share a moment with a span."""
    params = {
        "apparatus": apparatus,
        "from": start.isoformat() if start else "",
        "to": end.isoformat() if end else "",
    }
    return Call(
        method="GET",
        path=f"{BASE}/reservations",
        answer=TypeAdapter(list[ReservationView]),
        params={name: value for name, value in params.items() if value},
    )


def book(request: ReservationRequest) -> Call[ReservationView]:
    """Ask for time; not repeatable: the repetition would clash with its own success."""
    return Call(
        method="POST",
        path=f"{BASE}/reservations",
        answer=_ONE,
        body=request.model_dump_json().encode(),
        repeatable=False,
    )


def get_reservation(ident: int) -> Call[ReservationView]:
    """Ask for one reservation."""
    return Call(method="GET", path=f"{BASE}/reservations/{ident}", answer=_ONE)


def change_reservation(ident: int, change: ReservationChange) -> Call[ReservationView]:
    """Ask that a reservation be changed."""
    return Call(
        method="PATCH",
        path=f"{BASE}/reservations/{ident}",
        answer=_ONE,
        body=change.model_dump_json(exclude_none=True).encode(),
    )


def cancel_reservation(ident: int) -> Call[ReservationView]:
    """Ask that a reservation be given up."""
    return Call(method="DELETE", path=f"{BASE}/reservations/{ident}", answer=_ONE)


def ask_session(request: SessionRequest) -> Call[SessionView]:
    """Ask for a session."""
    return Call(
        method="POST",
        path=f"{BASE}/sessions",
        answer=_TURN,
        body=request.model_dump_json().encode(),
    )


def list_sessions(apparatus: str = "") -> Call[list[SessionView]]:
    """Ask for one's sessions, newest first."""
    return Call(
        method="GET",
        path=f"{BASE}/sessions",
        answer=TypeAdapter(list[SessionView]),
        params={"apparatus": apparatus} if apparatus else {},
    )


def get_session(ident: str, *, wait: float = 0.0) -> Call[SessionView]:
    """Ask for a session; with ``wait`` the answer waits until its turn has come."""
    return Call(
        method="GET",
        path=f"{BASE}/sessions/{quote(ident, safe='')}",
        answer=_TURN,
        params={"wait": f"{wait:g}"} if wait else {},
        wait=wait,
    )


def end_session(ident: str) -> Call[SessionView]:
    """Ask that a session be ended."""
    path = f"{BASE}/sessions/{quote(ident, safe='')}"
    return Call(method="DELETE", path=path, answer=_TURN)

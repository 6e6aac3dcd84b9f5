"""Routes: the calendar of an apparatus, and sessions."""

from typing import Annotated, Literal

from asgiref.sync import sync_to_async
from django.http import HttpResponse
from ninja import Query, Router
from pydantic import Field

from shothub.runtime import clock
from shothub.server.api.access import Needs, NeedsWhileWaiting, Request
from shothub.server.api.replies import reply, reply_list
from shothub.server.api.waiting import first
from shothub.server.apparatus.queries import apparatus_for
from shothub.server.jobs.services import bookings, turns
from shothub.server.reservations import queries, turn_queries
from shothub.server.reservations.services import Wish
from shothub.server.reservations.turn_services import TurnWish
from shothub.wire.base import Message
from shothub.wire.reservations import (
    Moment,
    ReservationChange,
    ReservationRequest,
    ReservationView,
    SessionRequest,
    SessionView,
)

reservations = Router(tags=["reservations"])
sessions = Router(tags=["sessions"])
READ = Needs("apparatus:read")
BOOK = Needs("reservations:book")
_NUMBER = {"ge": 1, "le": 2**63 - 1}


class CalendarQuery(Message):
    """Which part of which calendar; from now on unless ``from`` says otherwise."""

    apparatus: str = Field("", max_length=48)
    starts: Moment | None = Field(None, alias="from")
    ends: Moment | None = Field(None, alias="to")


@reservations.get("", response=list[ReservationView], auth=READ)
def list_reservations(request: Request, wanted: Query[CalendarQuery]) -> HttpResponse:
    """List the reservations that share a moment with a span, in order of time."""
    now = clock.now()
    apparatus = (
        apparatus_for(request.auth, wanted.apparatus) if wanted.apparatus else None
    )
    span = (wanted.starts or now, wanted.ends)
    found = queries.list_reservations(request.auth, apparatus, span, now=now)
    return reply_list(found)


@reservations.post("", response={201: ReservationView}, auth=BOOK)
def book_reservation(request: Request, asked: ReservationRequest) -> HttpResponse:
    """Book time on an apparatus: for oneself, for a group, or maintenance."""
    wish = Wish(**asked.model_dump(exclude={"apparatus"}))
    view = bookings.book(request.auth, asked.apparatus, wish, now=clock.now())
    return reply(view, status=201)


@reservations.get("/{int:reservation}", response=ReservationView, auth=READ)
def show_reservation(
    request: Request, reservation: Annotated[int, Field(**_NUMBER)]
) -> HttpResponse:
    """Show one reservation, also when it is over or cancelled."""
    return reply(queries.view_of(reservation, request.auth, now=clock.now()))


@reservations.patch("/{int:reservation}", response=ReservationView, auth=BOOK)
def change_reservation(
    request: Request,
    reservation: Annotated[int, Field(**_NUMBER)],
    asked: ReservationChange,
) -> HttpResponse:
    """Move, shorten, extend or rename a reservation; for its owner and operators."""
    given = asked.model_dump()
    view = bookings.change(request.auth, reservation, **given, now=clock.now())
    return reply(view)


@reservations.delete("/{int:reservation}", response=ReservationView, auth=BOOK)
def cancel_reservation(
    request: Request, reservation: Annotated[int, Field(**_NUMBER)]
) -> HttpResponse:
    """Give a reservation up for good; for its owner and operators."""
    return reply(bookings.cancel(request.auth, reservation, now=clock.now()))


SUBMIT = Needs("jobs:submit")
JOBS = Needs("jobs:read")
WATCH = NeedsWhileWaiting("jobs:read")


@sessions.post("", response={201: SessionView}, auth=SUBMIT)
def ask_session(request: Request, asked: SessionRequest) -> HttpResponse:
    """Ask for a turn of one's own; it waits for its fair place in the queue."""
    wish = TurnWish(**asked.model_dump(exclude={"apparatus"}))
    view = turns.ask(request.auth, asked.apparatus, wish, now=clock.now())
    return reply(view, status=201)


@sessions.get("", response=list[SessionView], auth=JOBS)
def list_sessions(
    request: Request, apparatus: Annotated[str, Query(max_length=48)] = ""
) -> HttpResponse:
    """List one's sessions, newest first; all of an apparatus for its operators."""
    which = apparatus_for(request.auth, apparatus) if apparatus else None
    return reply_list(turn_queries.list_sessions(request.auth, which))


@sessions.get("/{session}", response=SessionView, auth=WATCH)
async def show_session(
    request: Request,
    session: str,
    wait: Annotated[float, Query(ge=0)] = 0.0,
    since: Annotated[Literal["waiting", "open"], Query()] = "waiting",
) -> HttpResponse:
    """Show a session; with ``wait``, once its state is another than ``since``.

    The hub waits a minute at most. A session that waits ends if nobody asks for it for
    two minutes.
    """

    @sync_to_async
    def look() -> SessionView:
        turns.keep_waiting(request.auth, session, now=clock.now())
        return turns.view_now(request.auth, session, now=clock.now())

    view: SessionView = await first(
        look,
        lambda seen: seen.state != since,
        topic=f"session:{session}",
        seconds=min(wait, 60.0),
    )
    return reply(view)


@sessions.delete("/{session}", response=SessionView, auth=SUBMIT)
def end_session(request: Request, session: str) -> HttpResponse:
    """End a session; what it has not started goes on in the queue like other jobs."""
    return reply(turns.end(request.auth, session, now=clock.now()))

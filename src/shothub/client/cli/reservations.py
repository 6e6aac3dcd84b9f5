"""Reservations and sessions at the command line."""

from typing import Annotated

import typer

from shothub.client import moments, reservation
from shothub.client.cli import output
from shothub.client.cli.session import Json, Profile, hub
from shothub.runtime import clock
from shothub.wire.reservations import ReservationView

Name = Annotated[str, typer.Argument(help="Name of the apparatus.")]
Number = Annotated[int, typer.Argument(help="Number of the reservation.", metavar="ID")]
_TIME = "2026-12-24 14:30, 14:30 (the next) or now; without a zone, of this computer"


def list_(
    context: typer.Context,
    apparatus: Annotated[
        str, typer.Argument(help="Name of the apparatus; all of them without.")
    ] = "",
    start: Annotated[
        str, typer.Option("--from", help=f"From then on: {_TIME}.", metavar="TIME")
    ] = "now",
    end: Annotated[
        str | None, typer.Option("--to", help="Until then.", metavar="TIME")
    ] = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """List what is reserved, in the time of this computer."""
    opened = hub(context, profile)
    where = opened.apparatus(apparatus) if apparatus else opened
    found = [booked.view for booked in where.reservations(start, end)]
    if as_json:
        output.document(found)
        return
    output.table(
        ["id", "apparatus", "start", "end", "for", "title", "state", ""],
        [_row(view) for view in found],
    )
    output.note(f"times are in {moments.zone(clock.now())}")


def _row(view: ReservationView) -> tuple[object, ...]:
    return (
        view.id,
        view.apparatus,
        moments.local(view.starts),
        moments.local(view.ends),
        reservation.whose(view),
        view.title,
        view.state,
        "yours" if view.mine else "",
    )


def book(  # noqa: PLR0913 (one flag for each property)
    context: typer.Context,
    apparatus: Name,
    start: Annotated[str, typer.Argument(help=f"{_TIME}.", metavar="START")],
    hours: Annotated[float | None, typer.Option(help="How long.")] = None,
    end: Annotated[
        str | None, typer.Option(help="Or else when it ends.", metavar="TIME")
    ] = None,
    group: Annotated[
        str, typer.Option(help="For anybody of this group of yours.", metavar="NAME")
    ] = "",
    maintenance: Annotated[
        bool, typer.Option("--maintenance", help="For nobody; operators only.")
    ] = False,
    title: Annotated[str, typer.Option(help="What it is for; all can read it.")] = "",
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Book time in which only you, or a group of yours, run shots."""
    made = (
        hub(context, profile)
        .apparatus(apparatus)
        .reserve(
            start,
            hours=hours,
            end=end,
            group=group,
            maintenance=maintenance,
            title=title,
        )
    )
    _tell(made.view, as_json=as_json)


def change(  # noqa: PLR0913 (one flag for each property)
    context: typer.Context,
    ident: Number,
    start: Annotated[
        str | None, typer.Option(help="Let it begin then.", metavar="TIME")
    ] = None,
    end: Annotated[
        str | None, typer.Option(help="Let it end then.", metavar="TIME")
    ] = None,
    title: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Move, shorten, extend or rename a reservation of yours."""
    found = hub(context, profile).reservation(ident)
    _tell(found.change(start=start, end=end, title=title).view, as_json=as_json)


def cancel(
    context: typer.Context,
    ident: Number,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Give a reservation of yours up for good."""
    found = hub(context, profile).reservation(ident).cancel()
    _tell(found.view, as_json=as_json)


def _tell(view: ReservationView, *, as_json: bool) -> None:
    if as_json:
        output.document(view)
        return
    output.text(f"reservation {view.id} of {view.apparatus}: {reservation.text(view)}")


def sessions(
    context: typer.Context, profile: Profile = None, as_json: Json = False
) -> None:
    """List your sessions, newest first."""
    found = hub(context, profile).sessions()
    if as_json:
        output.document(found)
        return
    rows = [
        (
            view.id,
            view.apparatus,
            view.state,
            moments.local(view.requested),
            view.charged or None,
            view.notice,
        )
        for view in found
    ]
    output.table(["id", "apparatus", "state", "asked for", "charged (s)", ""], rows)


def end_session(
    context: typer.Context,
    ident: Annotated[str, typer.Argument(help="Id of the session.", metavar="ID")],
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """End a session, e.g. one that a program which crashed has left open."""
    view = hub(context, profile).end_session(ident)
    if as_json:
        output.document(view)
        return
    output.text(f"session {view.id}: {view.state}, {view.notice}")

"""``shothub admin user …``: who is there, who waits, who is kept out."""

# Django's tables can be imported only after the hub's configuration was read.
# ruff: noqa: PLC0415

import json
from typing import Annotated

import typer

from shothub.runtime import clock
from shothub.server.admin_start import Data, Json, fail, prepare

_ALL = 1_000_000


def add_people(user_app: typer.Typer) -> None:
    """Add the commands."""
    for name, command, example in (
        ("list", list_users, "shothub admin user list --state pending"),
        ("approve", approve, "shothub admin user approve alice --key alice"),
        ("decline", decline, "shothub admin user decline spammer"),
        ("invite", invite, "shothub admin user invite --email bob@example.org"),
        ("suspend", suspend, 'shothub admin user suspend alice --why "lost laptop"'),
        ("reinstate", reinstate, "shothub admin user reinstate alice"),
        ("staff", set_staff, "shothub admin user staff alice"),
    ):
        user_app.command(name, epilog=f"Example: {example}")(command)


def list_users(
    state: Annotated[
        str, typer.Option(help="Only those: pending, active, suspended or closed.")
    ] = "",
    text: Annotated[str, typer.Option(help="A part of name, key or address.")] = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List the users."""
    prepare(data)
    from shothub.server.accounts.standing_queries import STATES, people

    if state and state not in STATES:
        fail(f"--state {state}: it is one of {', '.join(STATES)}.")
    found = people(clock.now(), state=state, text=text, limit=_ALL)
    if as_json:
        rows = [
            {
                "username": one.username,
                "key": one.key,
                "email": one.email,
                "active": one.state == "active",
                "state": one.state,
                "staff": one.staff,
                "second_factor": one.protected,
                "groups": list(one.groups),
                "tokens": one.tokens,
                "last_login": one.last_login and one.last_login.isoformat(),
            }
            for one in found
        ]
        typer.echo(json.dumps(rows))
        return
    for one in found:
        said = "" if one.state == "active" else f"  ({one.state})"
        staff = "  staff" if one.staff else ""
        typer.echo(f"{one.username:<20} {one.key or '-':<20} {one.email}{staff}{said}")


def approve(
    username: str,
    key: Annotated[
        str,
        typer.Option(
            help="Names the folder of shots, for good.",
            show_default="one that suits the name",
        ),
    ] = "",
    data: Data = None,
) -> None:
    """Let somebody in who has signed up, and tell him."""
    prepare(data)
    from shothub.server.outbox.services import welcoming
    from shothub.server.refusals import Refused

    try:
        user = welcoming.approve(username, key=key, now=clock.now())
    except Refused as error:
        fail(str(error))
    typer.echo(f"{user.username} with key {user.key}")


def decline(username: str, data: Data = None) -> None:
    """Turn away somebody who has signed up; nothing of him is kept but the record."""
    prepare(data)
    from shothub.server.accounts import people_services
    from shothub.server.refusals import Refused

    try:
        people_services.decline(username, now=clock.now())
    except Refused as error:
        fail(str(error))
    typer.echo(f"{username} was declined")


def invite(
    email: Annotated[
        str, typer.Option(help="The only address that may use it; it is mailed there.")
    ] = "",
    group: Annotated[str, typer.Option(help="Which the invited joins.")] = "",
    days: Annotated[
        int | None, typer.Option(min=1, max=366, help="How long it is good.")
    ] = None,
    data: Data = None,
) -> None:
    """Make an invitation and print its link; it is shown only this once."""
    prepare(data)
    from django.conf import settings

    from shothub.server.accounts import people_services
    from shothub.server.outbox.services import welcoming
    from shothub.server.refusals import Refused

    try:
        code = people_services.invite(
            by=None, email=email, group=group, days=days, now=clock.now()
        )
    except Refused as error:
        fail(str(error))
    public = settings.SHOTHUB.public_url
    typer.echo(f"{public}/invitation/{code}" if public else code)
    if email and not welcoming.mail_invitation(code, email=email, by=""):
        typer.echo("The mail could not be sent: send the link yourself.", err=True)


def suspend(
    username: str,
    why: Annotated[str, typer.Option(help="The user reads it at the next login.")],
    cancel: Annotated[
        bool, typer.Option("--cancel", help="Cancel waiting jobs, not hold them back.")
    ] = False,
    data: Data = None,
) -> None:
    """Keep a user out at once: tokens, sessions and waiting jobs.

    A shot that runs ends by itself. Reserved time is free again.
    """
    prepare(data)
    from shothub.server.jobs.services import suspension
    from shothub.server.refusals import Refused

    try:
        stopped = suspension.suspend(username, why=why, cancel=cancel, now=clock.now())
    except Refused as error:
        fail(str(error))
    did = "cancelled" if cancel else "held back"
    typer.echo(
        f"{username} is suspended: {stopped.tokens} tokens revoked, {stopped.jobs} jobs"
        f" {did}, {stopped.reservations} reservations given up"
    )
    for apparatus in stopped.agents:
        typer.echo(
            f"The agent of {apparatus} uses a token of {username} and is cut off:"
            f" enrol it anew under another user.",
            err=True,
        )


def set_staff(
    username: str,
    no: Annotated[bool, typer.Option("--no", help="No longer.")] = False,
    data: Data = None,
) -> None:
    """Make a user one of the hub's staff, who see and approve everybody."""
    prepare(data)
    from shothub.server.accounts import standing
    from shothub.server.refusals import Refused

    try:
        standing.set_staff(username, staff=not no, now=clock.now())
    except Refused as error:
        fail(str(error))
    typer.echo(f"{username} is {'not ' if no else ''}staff")


def reinstate(username: str, data: Data = None) -> None:
    """Let a suspended user in again; jobs that were held back go on."""
    prepare(data)
    from shothub.server.jobs.services import suspension
    from shothub.server.refusals import Refused

    try:
        suspension.reinstate(username, now=clock.now())
    except Refused as error:
        fail(str(error))
    typer.echo(f"{username} is active; new tokens are made after logging in")

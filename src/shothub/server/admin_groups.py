"""``shothub admin group …`` and ``shothub admin quota …``."""

# Django's tables can be imported only after the hub's configuration was read.
# ruff: noqa: PLC0415

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import typer

from shothub.runtime import clock
from shothub.server.admin_start import Data, Json, fail, found, prepare

group_app = typer.Typer(help="Groups that share an allocation.", no_args_is_help=True)
quota_app = typer.Typer(
    help="How much users and groups may take.", no_args_is_help=True
)


def _carry_out(change: Callable[[], object]) -> None:
    from shothub.server.refusals import Refused

    try:
        change()
    except Refused as error:
        fail(str(error))


@group_app.command("create", epilog="Example: shothub admin group create bec-lab")
def create(
    name: str,
    title: Annotated[str, typer.Option(help="For people.")] = "",
    weight: Annotated[
        float, typer.Option(help="Part of the machine, relative to others.")
    ] = 1.0,
    data: Data = None,
) -> None:
    """Make a group: people who share an allocation."""
    prepare(data)
    from shothub.server.accounts import group_services as services

    now = clock.now()
    _carry_out(
        lambda: services.create_group(name=name, title=title, weight=weight, now=now)
    )
    typer.echo(f"group {name}")


@group_app.command("list", epilog="Example: shothub admin group list --json")
def list_groups(data: Data = None, as_json: Json = False) -> None:
    """List the groups with their weights."""
    prepare(data)
    from shothub.server.accounts import group_queries as queries

    _table(queries.groups(), as_json=as_json)


@group_app.command("show", epilog="Example: shothub admin group show bec-lab")
def show(name: str, data: Data = None, as_json: Json = False) -> None:
    """List who is in a group."""
    prepare(data)
    from shothub.server.accounts import group_queries as queries
    from shothub.server.refusals import Refused

    try:
        members = queries.members_of(queries.group_named(name))
    except Refused as error:
        fail(str(error))
    _table(members, as_json=as_json)


@group_app.command("weight", epilog="Example: shothub admin group weight bec-lab 2")
def change_weight(name: str, weight: float, data: Data = None) -> None:
    """Give a group another part of the machine, relative to others."""
    prepare(data)
    from shothub.server.accounts import group_queries as queries
    from shothub.server.accounts import group_services as services

    now = clock.now()
    _carry_out(
        lambda: services.change_group(queries.group_named(name), weight=weight, now=now)
    )
    typer.echo(f"group {name}: weight {weight:g}")


@group_app.command("add", epilog="Example: shothub admin group add bec-lab alice")
def add(
    name: str,
    username: str,
    weight: Annotated[
        float | None, typer.Option(help="His part of the group's machine time.")
    ] = None,
    default: Annotated[
        bool | None,
        typer.Option(
            "--default/--no-default",
            help="Whether his jobs are this group's unless named.",
        ),
    ] = None,
    owner: Annotated[
        bool | None,
        typer.Option("--owner/--no-owner", help="Whether he manages its members."),
    ] = None,
    data: Data = None,
) -> None:
    """Put a user into a group, or change his weight or his part in it.

    His first group is his default one.
    """
    prepare(data)
    from shothub.server.accounts import group_queries as queries
    from shothub.server.accounts import group_services as services
    from shothub.server.accounts.queries import user_named

    user = found(user_named(username), "user", username)
    _carry_out(
        lambda: services.set_member(
            queries.group_named(name),
            user,
            now=clock.now(),
            weight=weight,
            is_default=default,
            is_owner=owner,
        )
    )
    typer.echo(f"{username} in {name}")


@group_app.command("remove", epilog="Example: shothub admin group remove bec-lab alice")
def remove(name: str, username: str, data: Data = None) -> None:
    """Take a user out of a group; his jobs that wait stay the group's."""
    prepare(data)
    from shothub.server.accounts import group_queries as queries
    from shothub.server.accounts import group_services as services
    from shothub.server.accounts.queries import user_named

    user = found(user_named(username), "user", username)
    now = clock.now()
    _carry_out(lambda: services.remove_member(queries.group_named(name), user, now=now))
    typer.echo(f"{username} is no longer in {name}")


Whose = Annotated[str, typer.Option("--user", help="For this user.")]
OfGroup = Annotated[str, typer.Option("--group", help="For this group as a whole.")]
Where = Annotated[str, typer.Option("--apparatus", help="On this apparatus alone.")]


@quota_app.command(
    "set", epilog="Example: shothub admin quota set --user alice --machine-day 7200"
)
def set_quota(  # noqa: PLR0913 (one option for each number)
    user: Whose = "",
    group: OfGroup = "",
    apparatus: Where = "",
    pending_jobs: Annotated[int | None, typer.Option(help="Unfinished jobs.")] = None,
    pending_shots: Annotated[int | None, typer.Option(help="Waiting shots.")] = None,
    machine_day: Annotated[
        float | None, typer.Option(help="Seconds of machine time in 24 hours.")
    ] = None,
    machine_week: Annotated[
        float | None, typer.Option(help="Seconds of machine time in 7 days.")
    ] = None,
    stored: Annotated[int | None, typer.Option(help="Bytes of files.")] = None,
    requests: Annotated[int | None, typer.Option(help="Requests in a minute.")] = None,
    reserved_week: Annotated[
        float | None, typer.Option(help="Seconds of reservations in a week.")
    ] = None,
    lift: Annotated[
        list[str] | None, typer.Option(help="A number to lift, e.g. machine_day.")
    ] = None,
    data: Data = None,
) -> None:
    """Bound what a user, a group, or (without either) every user may take.

    A user's own number replaces the one for everybody; a group's bounds it as a whole.
    """
    given: dict[str, float | None] = {
        "pending_jobs": pending_jobs,
        "pending_shots": pending_shots,
        "machine_day": machine_day,
        "machine_week": machine_week,
        "stored": stored,
        "requests": requests,
        "reserved_week": reserved_week,
    }
    lifted: dict[str, float | None] = dict.fromkeys(lift or [])
    limits = {n: limit for n, limit in given.items() if limit is not None} | lifted
    if not limits:
        fail("Give at least one number, e.g. --machine-day 7200.")
    prepare(data)
    _change_quota(user, group, apparatus, limits)
    typer.echo(f"quota of {user or group or 'everybody'}")


@quota_app.command("list", epilog="Example: shothub admin quota list")
def list_quotas(data: Data = None, as_json: Json = False) -> None:
    """List every quota."""
    prepare(data)
    from shothub.server.accounts import group_queries as queries

    _table(queries.quotas(), as_json=as_json)


@quota_app.command("unset", epilog="Example: shothub admin quota unset --user alice")
def unset_quota(
    user: Whose = "", group: OfGroup = "", apparatus: Where = "", data: Data = None
) -> None:
    """Remove a quota with all its numbers."""
    prepare(data)
    _change_quota(user, group, apparatus, None)
    typer.echo(f"no quota of {user or group or 'everybody'}")


def _change_quota(
    user: str, group: str, apparatus: str, limits: Mapping[str, float | None] | None
) -> None:
    from shothub.server.accounts import group_queries as queries
    from shothub.server.accounts import group_services as services
    from shothub.server.accounts.queries import user_named

    def change() -> None:
        person = found(user_named(user), "user", user) if user else None
        whole = queries.group_named(group) if group else None
        if limits is None:
            services.unset_quota(
                user=person, group=whole, apparatus=apparatus, now=clock.now()
            )
        else:
            services.set_quota(
                limits=limits,
                user=person,
                group=whole,
                apparatus=apparatus,
                now=clock.now(),
            )

    _carry_out(change)


def _table(rows: Sequence[Mapping[str, object]], *, as_json: bool) -> None:
    """Print rows with a head; numbers that are not set are dashes."""
    if as_json:
        typer.echo(json.dumps(rows))
        return
    if not rows:
        typer.echo("none")
        return
    heads = list(rows[0])
    lines = [heads, *([_cell(row[head]) for head in heads] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    for line in lines:
        cells = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


def _cell(value: object) -> str:
    if value is None or value == "":
        return "-"
    return f"{value:g}" if isinstance(value, float) else str(value)

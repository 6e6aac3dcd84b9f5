"""``shothub admin grant …`` and ``shothub admin grants``."""

# Django's tables can be imported only after the hub's configuration was read.
# ruff: noqa: PLC0415

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from shothub.runtime import clock
from shothub.server.admin_start import Data, Json, fail, prepare

Relay = Annotated[
    bool | None, typer.Option("--relay/--no-relay", help="Submit through the relay.")
]
Scripts = Annotated[
    bool | None,
    typer.Option("--scripts/--no-scripts", help="Submit scripts of his own."),
]
Hdf5 = Annotated[
    bool | None, typer.Option("--hdf5/--no-hdf5", help="Download shot files.")
]
Procedure = Annotated[
    list[str] | None,
    typer.Option(
        help="A procedure that may be run; repeat for several, no others may."
    ),
]
AllProcedures = Annotated[
    bool, typer.Option("--all-procedures", help="Lift the choice of procedures.")
]


def add_grants(admin_app: typer.Typer) -> None:
    """Add the commands to ``shothub admin``."""
    admin_app.command(
        "grant",
        epilog=(
            "Examples: shothub admin grant alice bec1 --scripts --no-hdf5 | shothub admin"
            " grant --group students bec1 --procedure bec_tof --procedure mot_load"
        ),
    )(grant)
    admin_app.command("grants", epilog="Example: shothub admin grants --json")(grants)


def grant(  # noqa: PLR0913 (one flag for each kind)
    names: Annotated[
        list[str],
        typer.Argument(metavar="[USER] APPARATUS", help="To whom, and where."),
    ],
    group: Annotated[str, typer.Option(help="To every member of this group.")] = "",
    scripts: Scripts = None,
    relay: Relay = None,
    hdf5: Hdf5 = None,
    procedure: Procedure = None,
    all_procedures: AllProcedures = False,
    reviewer: Annotated[
        bool | None,
        typer.Option("--reviewer/--no-reviewer", help="Read the scripts of all jobs."),
    ] = None,
    operator: Annotated[
        bool | None,
        typer.Option(
            "--operator/--no-operator",
            help="Pause it, hold others' jobs, book maintenance, calibrate.",
        ),
    ] = None,
    admin: Annotated[
        bool | None,
        typer.Option("--admin/--no-admin", help="Grant others what they may do on it."),
    ] = None,
    data: Data = None,
) -> None:
    """Set what a user or a group may do on an apparatus beyond running its procedures.

    An operator's token needs the scopes for it: `shothub admin token NAME --operator`.
    """
    if len(names) != (1 if group else 2):
        fail("Name a user and an apparatus, or --group and an apparatus.")
    kinds = {
        "scripts": scripts,
        "relay": relay,
        "hdf5": hdf5,
        "reviewer": reviewer,
        "operator": operator,
        "admin": admin,
    }
    given: dict[str, Any] = {k: v for k, v in kinds.items() if v is not None}
    if procedure or all_procedures:
        given["procedures"] = None if all_procedures else procedure
    if not given:
        fail("Say what to grant, e.g. --scripts.")
    prepare(data)
    _set("" if group else names[0], group, names[-1], given)
    typer.echo(f"{group or names[0]} on {names[-1]}")


def _set(user: str, group: str, apparatus: str, given: dict[str, Any]) -> None:
    from shothub.server.accounts.grant_queries import whom_named
    from shothub.server.accounts.grant_services import set_grant
    from shothub.server.apparatus.queries import apparatus_named
    from shothub.server.refusals import Refused

    try:
        whom = whom_named(user=user, group=group)
        set_grant(whom, apparatus_named(apparatus).name, given, now=clock.now())
    except Refused as error:
        fail(str(error))


def grants(data: Data = None, as_json: Json = False) -> None:
    """List what is granted to users and to groups, by apparatus."""
    prepare(data)
    from shothub.server.accounts.grant_queries import all_grants

    rows = all_grants()
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows]))
        return
    for row in rows:
        only = None if row.procedures is None else f"only {', '.join(row.procedures)}"
        what = "; ".join(filter(None, [", ".join(row.kinds), only]))
        whom = row.user or f"group {row.group}"
        typer.echo(f"{row.apparatus:<20} {whom:<24} {what}")
    if not rows:
        typer.echo("none")

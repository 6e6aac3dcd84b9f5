"""What every ``shothub admin`` command begins with."""

import getpass
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer

from shothub.server import config, main

T = TypeVar("T")
Data = Annotated[
    Path | None, typer.Option(help="The hub's data folder; default: as configured.")
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document and nothing else.")
]


def prepare(data: Path | None) -> None:
    """Read the hub's configuration, bring its tables up to date, and say who acts."""
    try:
        main.prepare(data)
    except config.BadConfig as error:
        fail(str(error))
    main.migrate()
    from shothub.server.audit.services import Actor, act_as  # noqa: PLC0415

    act_as(Actor(name=_login_name(), by="command"))


def _login_name() -> str:
    """Return who runs the command, as this machine knows him."""
    try:
        return getpass.getuser()[:150]
    except (OSError, KeyError):
        return ""  # a container's user may have no name


def fail(text: str) -> NoReturn:
    """Say what is wrong and end."""
    typer.echo(text, err=True)
    raise typer.Exit(1)


def found(row: T | None, kind: str, name: str) -> T:
    """Return what was looked for, or say that it is not there and end."""
    if row is None:
        fail(f"There is no {kind} {name!r}.")
    return row

"""What every ``shothub admin`` command begins with."""

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
    """Read the hub's configuration and bring its tables up to date."""
    try:
        main.prepare(data)
    except config.BadConfig as error:
        fail(str(error))
    main.migrate()


def fail(text: str) -> NoReturn:
    """Say what is wrong and end."""
    typer.echo(text, err=True)
    raise typer.Exit(1)


def found(row: T | None, kind: str, name: str) -> T:
    """Return what was looked for, or say that it is not there and end."""
    if row is None:
        fail(f"There is no {kind} {name!r}.")
    return row

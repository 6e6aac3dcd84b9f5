"""All that the hub stores about its user."""

from pathlib import Path
from typing import Annotated

import typer

from shothub.client.cli import output
from shothub.client.cli.session import Json, Profile, hub
from shothub.client.errors import Refused
from shothub.domain.faults import Fault


def export(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="A new file.", metavar="FILE")],
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Store all that the hub knows of you in a file (JSON) that only you can read.

    The results of routines are in it; `shothub files JOB --download DIR` fetches files.
    """
    if not path.absolute().parent.is_dir():
        raise _refused("no_folder", "The folder does not exist.", path)
    try:
        hub(context, profile).export(path)
    except FileExistsError:
        raise _refused("file_exists", "There is such a file.", path) from None
    if as_json:
        output.document({"file": str(path), "bytes": path.stat().st_size})
    else:
        output.text(str(path))


def _refused(code: str, detail: str, path: Path) -> Refused:
    return Refused(Fault(code=code, detail=detail, where=str(path)))

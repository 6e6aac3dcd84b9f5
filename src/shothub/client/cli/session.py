"""What every command shares: opening the hub, and the options that all have."""

import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from shothub.client.cli import output
from shothub.client.door import Door
from shothub.client.errors import Refused
from shothub.client.hub import Hub
from shothub.client.job import Job
from shothub.client.profiles import profile_file
from shothub.client.retries import Manner
from shothub.domain.faults import Fault

Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document and nothing else.")
]
Profile = Annotated[
    str | None,
    typer.Option(help="Use this profile instead of the default.", metavar="NAME"),
]
OnlyOn = Annotated[
    list[str] | None,
    typer.Option(
        "--only-on",
        help="The only apparatus it shall be good for.",
        metavar="APPARATUS",
    ),
]
JobId = Annotated[str, typer.Argument(help="The job id, or `last`.", metavar="JOB")]


def _open(url: str | None, token: str | None, profile: str | None) -> Hub:
    return Hub(url, token, profile=profile, manner=Manner(on_retry=output.note))


def _door(url: str) -> Door:
    return Door(url, manner=Manner(on_retry=output.note))


@dataclass(frozen=True)
class Session:
    """What the command line stands on; tests put other parts in.

    Attributes:
        open_hub: makes a hub from address, token and profile, each None if not given.
        open_door: makes the door of a hub, to log in through the browser.
        browse: opens an address in a browser.
        profiles: place of the profile file.
    """

    open_hub: Callable[[str | None, str | None, str | None], Hub] = _open
    profiles: Callable[[], Path] = profile_file
    open_door: Callable[[str], Door] = _door
    browse: Callable[[str], bool] = webbrowser.open


def session(context: typer.Context) -> Session:
    """Return what the command stands on."""
    return context.ensure_object(Session)


def hub(context: typer.Context, profile: str | None) -> Hub:
    """Return the hub of a profile, to be closed when the command ends."""
    opened = session(context).open_hub(None, None, profile)
    return context.with_resource(opened)


def job(context: typer.Context, profile: str | None, ident: str) -> Job:
    """Return a job by its id, or the newest one for ``last``.

    Raises:
        Refused: there is no job yet.
        NotFound: it is not there, or not yours.
    """
    opened = hub(context, profile)
    # No job id has the letter l.
    if ident != "last":
        return opened.job(ident)
    for found in opened.jobs(limit=1):
        return found
    raise Refused(Fault(code="no_job", detail="You have not submitted a job yet."))

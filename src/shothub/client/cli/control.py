"""Holding and releasing jobs, deciding about unknown shots; pausing and draining apparatus."""

from typing import Annotated, Literal

import typer

from shothub.client import displays
from shothub.client.apparatus import Apparatus
from shothub.client.cli import output
from shothub.client.cli.session import JobId, Json, Profile, hub, job
from shothub.wire.jobs import JobView

Idents = Annotated[list[str], typer.Argument(metavar="JOB...")]
Name = Annotated[str, typer.Argument(help="Name of the apparatus.")]
Message = Annotated[
    str, typer.Option("--message", "-m", help="Why, for users to read.")
]


def hold(
    context: typer.Context,
    idents: Idents,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Hold jobs back: no further shot starts; a running one ends by itself.

    Operators may hold any job on their apparatus.
    """
    opened = hub(context, profile)
    _show([opened.job(ident).hold().view for ident in idents], as_json=as_json)


def release(
    context: typer.Context,
    idents: Idents,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Let jobs go on that were held back; what an operator holds, operators release."""
    opened = hub(context, profile)
    _show([opened.job(ident).release().view for ident in idents], as_json=as_json)


def keep(
    context: typer.Context,
    idents: Idents,
    no: Annotated[bool, typer.Option("--no", help="Keep them no longer.")] = False,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Keep the results of jobs however old they are; the lab may delete old ones."""
    opened = hub(context, profile)
    jobs = [opened.job(ident).keep(wanted=not no) for ident in idents]
    _show([job.view for job in jobs], as_json=as_json)


def _show(views: list[JobView], *, as_json: bool) -> None:
    if as_json:
        output.document(views)
        return
    for view in views:
        output.text(f"{view.id} {displays.progress_text(view)}")


def unknown(
    context: typer.Context,
    ident: JobId,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """List the shots of a job whose outcome is unknown and wait for a decision.

    Whether such a shot was carried out cannot be known: keep it so, have it run once more,
    or give it up.
    """
    found = job(context, profile, ident)
    shots = found.unknown()
    if as_json:
        output.document(shots)
        return
    rows = [
        (
            s.index,
            s.attempts,
            f"{s.ended:%Y-%m-%d %H:%M:%S}" if s.ended else "",
            s.reason,
        )
        for s in shots
    ]
    output.table(["shot", "attempts", "since (UTC)", "why"], rows)
    if shots:
        first = shots[0].index
        output.note(f"decide: shothub decide {found.id} {first} keep|rerun|give-up")


def decide(
    context: typer.Context,
    ident: JobId,
    shot: Annotated[int, typer.Argument(help="Index of the shot.", min=0)],
    choice: Annotated[
        Literal["keep", "rerun", "give-up"],
        typer.Argument(
            help="Keep it as unknown, have it run once more, or give it up.",
            metavar="keep|rerun|give-up",
        ),
    ],
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Decide about a shot whose outcome is unknown.

    A job that has ended is taken up again to run the shot once more.
    """
    found = job(context, profile, ident).decide(shot, choice.replace("-", "_"))
    if as_json:
        output.document(found.view)
    else:
        output.text(f"{found.id} {displays.progress_text(found.view)}")


def pause(
    context: typer.Context,
    name: Name,
    message: Message = "",
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Let nothing start on an apparatus until it is resumed; for its operators."""
    _tell(hub(context, profile).apparatus(name).pause(message), as_json=as_json)


def drain(
    context: typer.Context,
    name: Name,
    message: Message = "",
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Let an apparatus run empty: what is submitted from now on waits until resumed."""
    _tell(hub(context, profile).apparatus(name).drain(message), as_json=as_json)


def resume(
    context: typer.Context,
    name: Name,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """End a pause or a draining; for operators."""
    _tell(hub(context, profile).apparatus(name).resume(), as_json=as_json)


def lift(
    context: typer.Context,
    name: Name,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Lift the hold that the hub itself has put on an apparatus; for operators."""
    _tell(hub(context, profile).apparatus(name).lift_hold(), as_json=as_json)


def _tell(apparatus: Apparatus, *, as_json: bool) -> None:
    if as_json:
        output.document(apparatus.view)
    else:
        said = displays.apparatus_text(apparatus.view)
        output.text(f"{apparatus.name} {said}")

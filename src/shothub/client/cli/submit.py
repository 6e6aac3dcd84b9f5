"""Submitting a procedure or a script."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from shothub.client import displays, scans
from shothub.client.apparatus import Apparatus
from shothub.client.cli import output
from shothub.client.cli.jobs import finish
from shothub.client.cli.session import Json, Profile, hub
from shothub.client.errors import Refused
from shothub.client.hub import Hub
from shothub.domain.faults import Fault
from shothub.wire.jobs import DryRun

_TIME = "2026-12-24 14:30 or 14:30; without a zone, of this computer"


def submit(  # noqa: PLR0913 (one option for each thing that a job is made of)
    context: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(
            help="A procedure's name or a script file, after the name of the "
            "apparatus; that may be left out if there is only one.",
            metavar="[APPARATUS] WHAT",
        ),
    ],
    apparatus: Annotated[
        str, typer.Option("-a", "--apparatus", help="The apparatus, named this way.")
    ] = "",
    values: Annotated[
        list[str] | None,
        typer.Option(
            "-g",
            metavar="NAME=VALUE",
            help="One of the globals: a number, a text, JSON, or linspace:START:STOP:POINTS.",
        ),
    ] = None,
    globals_file: Annotated[
        Path | None,
        typer.Option("--globals", help="Globals in a .h5, .toml or .json file."),
    ] = None,
    routines: Annotated[
        list[Path] | None,
        typer.Option("--routine", help="A lyse routine of yours, run on each shot."),
    ] = None,
    name: Annotated[str, typer.Option(help="Free text for people.")] = "",
    tags: Annotated[
        list[str] | None, typer.Option("--tag", help="A label to find the job by.")
    ] = None,
    priority: Annotated[
        int, typer.Option(help="Orders your own jobs only; larger runs first.")
    ] = 0,
    not_before: Annotated[
        str | None,
        typer.Option(help=f"Start nothing before then: {_TIME}.", metavar="TIME"),
    ] = None,
    start_by: Annotated[
        str | None,
        typer.Option(help="Give it up if nothing started by then.", metavar="TIME"),
    ] = None,
    after: Annotated[
        list[str] | None,
        typer.Option(help="A job that must be done, with every shot, before."),
    ] = None,
    hold: Annotated[
        bool, typer.Option("--hold", help="Start nothing before `shothub release`.")
    ] = False,
    group: Annotated[
        str, typer.Option(help="On whose allocation; - for none.", metavar="NAME")
    ] = "",
    service: Annotated[
        Literal["normal", "scavenger", "calibration", "safety"],
        typer.Option(
            help="scavenger runs when nobody else waits; the last two: operators."
        ),
    ] = "normal",
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until the job has ended.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only ask what would happen.")
    ] = False,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Submit a job: a procedure of the lab by its name, or a labscript file of yours.

    Several -g that scan make a grid: every combination becomes a shot. The job id goes
    to stdout, so that scripts can keep it.
    """
    *named, what = [*([apparatus] if apparatus else []), *words]
    if len(named) > 1:
        raise typer.BadParameter("give at most one apparatus and what to run on it")
    machine = _apparatus(hub(context, profile), *named)
    is_script = what.endswith(".py") or "/" in what or Path(what).is_file()
    options: dict[str, Any] = {
        "script" if is_script else "procedure": what,
        "globals": globals_from(values or []),
        "globals_file": globals_file,
        "routines": routines or [],
        "name": name,
        "tags": tags or [],
        "priority": priority,
        "not_before": not_before,
        "start_by": start_by,
        "after": after or [],
        "hold": hold,
        "group": group,
        "service": service,
    }
    if dry_run:
        _show_dry_run(machine.run(dry_run=True, **options), as_json=as_json)
        return
    job = machine.run(**options)
    if wait:
        output.note(f"submitted job {job.id}")
        finish(job, timeout=None, as_json=as_json)
    elif as_json:
        output.document(job.view)
    else:
        output.text(job.id)
        output.note(f"{displays.job_line(job.view)}; see `shothub wait {job.id}`")


def globals_from(entries: list[str]) -> dict[str, object]:
    """Return globals written as ``name=value``.

    Raises:
        Refused: an entry is malformed, or a name comes twice.
    """
    found: dict[str, object] = {}
    for entry in entries:
        name, equals, value = entry.partition("=")
        name = name.strip()
        if not equals or not name.isidentifier():
            raise _bad_entry(f"{entry[:80]!r} is not of the form NAME=VALUE.")
        if name in found:
            raise _bad_entry(f"{name} is given twice.")
        found[name] = scans.from_text(value)
    return found


def _bad_entry(detail: str) -> Refused:
    hint = "for instance: -g tof=0.01, or -g tof=linspace:0.005:0.025:11"
    return Refused(Fault(code="bad_value", detail=detail, where="-g", hint=hint))


def _apparatus(opened: Hub, name: str = "") -> Apparatus:
    if name:
        return opened.apparatus(name)
    found = opened.apparatuses()
    if len(found) == 1:
        return found[0]
    names = ", ".join(apparatus.name for apparatus in found) or "none"
    raise Refused(
        Fault(
            code="which_apparatus",
            detail=f"There are these apparatus: {names}.",
            where="APPARATUS",
            hint="name the one you want: shothub submit APPARATUS WHAT",
        )
    )


def _show_dry_run(found: DryRun, *, as_json: bool) -> None:
    if as_json:
        output.document(found)
    else:
        shots = (
            "not known before it is compiled" if found.shots is None else found.shots
        )
        rows: list[tuple[str, object]] = [("shots", shots), ("seconds", found.seconds)]
        for name, at in (("starts", found.starts), ("ends", found.ends)):
            rows.append((name, at and f"about {at:%Y-%m-%d %H:%M:%S} UTC"))
        output.pairs([*rows, *(("warning", said) for said in found.warnings)])
        output.faults(Fault(**fault.model_dump()) for fault in found.faults)
    if found.faults:
        raise typer.Exit(1)

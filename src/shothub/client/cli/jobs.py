"""One's jobs: listing, showing, waiting, watching, cancelling."""

from datetime import datetime
from typing import Annotated

import typer

from shothub.client import displays
from shothub.client.cli import output
from shothub.client.cli.session import JobId, Json, Profile, hub, job
from shothub.client.job import Job
from shothub.domain.states import JobState
from shothub.wire.jobs import EventView, JobView

Timeout = Annotated[
    float | None,
    typer.Option(help="Wait at most so many seconds; else for ever.", min=0.0),
]


def jobs(  # noqa: PLR0913 (one option for each filter)
    context: typer.Context,
    state: Annotated[JobState | None, typer.Option(help="Only this state.")] = None,
    apparatus: Annotated[
        str, typer.Option("-a", "--apparatus", help="Only this apparatus.")
    ] = "",
    tag: Annotated[str, typer.Option(help="Only with this label.")] = "",
    limit: Annotated[int, typer.Option(help="How many at most.", min=1)] = 20,
    shared: Annotated[
        bool, typer.Option("--shared", help="Those that others share with your groups.")
    ] = False,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """List your jobs, newest first."""
    found = hub(context, profile).jobs(
        state=state or "",
        apparatus=apparatus,
        tag=tag,
        limit=limit,
        shared=shared,
    )
    if as_json:
        output.document([j.view for j in found])
        return
    rows = [
        (
            j.id,
            j.name or j.view.source,
            j.view.apparatus,
            displays.progress_text(j.view),
            _moment(j.submitted),
        )
        for j in found
    ]
    output.table(["job", "name", "apparatus", "state", "submitted (UTC)"], rows)


def show(
    context: typer.Context,
    ident: JobId,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Show one job: its globals, where it is, and why it failed if it did."""
    view = job(context, profile, ident).view
    if as_json:
        output.document(view)
    else:
        _show(view)


def wait(
    context: typer.Context,
    ident: JobId,
    timeout: Timeout = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Wait until a job has ended; fails if the job did."""
    finish(job(context, profile, ident), timeout=timeout, as_json=as_json)


def finish(found: Job, *, timeout: float | None, as_json: bool) -> None:
    """Wait for a job and show how it ended.

    Raises:
        ShothubError: it failed, was cancelled, or goes on after ``timeout`` seconds.
    """
    found.wait(timeout, raise_on_failure=not as_json)
    if as_json:
        output.document(found.view)
        raise typer.Exit(0 if found.state == JobState.DONE else 1)
    output.text(f"{found.id} {displays.progress_text(found.view)}")


def watch(
    context: typer.Context,
    ident: JobId,
    timeout: Timeout = None,
    events: Annotated[
        bool, typer.Option("--events", help="Tell each change of each shot as well.")
    ] = False,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Print a line each time a job changes, until it has ended.

    With --json each line is one JSON document: the job as it is then, or the event.
    """
    found = job(context, profile, ident)
    for news in found.news(timeout=timeout):
        if isinstance(news, JobView):
            _tell(news, as_json=as_json)
        elif events:
            _tell_event(news, as_json=as_json)
    raise typer.Exit(0 if found.state == JobState.DONE else 1)


def _tell_event(event: EventView, *, as_json: bool) -> None:
    if as_json:
        output.json_line(event)
        return
    shot = "" if event.shot is None else f" shot {event.shot}"
    said = f"{event.at:%H:%M:%S} {event.what}{shot} {event.detail}"
    output.text(said.rstrip())


def cancel(
    context: typer.Context,
    idents: Annotated[list[str], typer.Argument(metavar="JOB...")],
    abort: Annotated[
        bool, typer.Option("--abort", help="Abort the running shot as well.")
    ] = False,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Cancel jobs: no further shot starts; a running one ends first."""
    opened = hub(context, profile)
    found = [opened.job(ident).cancel(abort=abort).view for ident in idents]
    if as_json:
        output.document(found)
        return
    for view in found:
        output.text(f"{view.id} {displays.progress_text(view)}")


def events(
    context: typer.Context,
    ident: JobId,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Print every change of a job and of its shots."""
    found = job(context, profile, ident).events()
    if as_json:
        output.document(found)
        return
    rows = [
        (f"{e.at:%Y-%m-%d %H:%M:%S.%f}"[:-3], e.what, e.shot, e.detail) for e in found
    ]
    output.table(["when (UTC)", "what", "shot", ""], rows)


def _tell(view: JobView, *, as_json: bool) -> None:
    if as_json:
        output.json_line(view)
    else:
        output.text(f"{view.id} {displays.progress_text(view)}")


def _show(view: JobView) -> None:
    output.pairs(
        [
            ("job", view.id),
            ("name", view.name),
            ("apparatus", view.apparatus),
            (view.kind, view.source),
            ("globals", displays.globals_text(view)),
            ("tags", ", ".join(view.tags)),
            ("priority", view.priority or None),
            ("state", displays.progress_text(view)),
            ("submitted", _moment(view.submitted)),
            ("started", _moment(view.started)),
            ("ended", _moment(view.ended)),
        ]
    )
    for fault in view.faults:
        output.pairs(
            [("fault", fault.detail), ("  where", fault.where), ("  hint", fault.hint)]
        )


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else ""

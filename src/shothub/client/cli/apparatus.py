"""The apparatus that one may use, and folders that describe one."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from shothub.client import displays
from shothub.client.apparatus import Apparatus
from shothub.client.cli import output
from shothub.client.cli.session import Json, Profile, hub
from shothub.wire.apparatus import ApiFunction, ProcedureView
from shothub.wire.queue import ForecastErrors, QueueView

Name = Annotated[str, typer.Argument(help="Name of the apparatus.")]


def list_(
    context: typer.Context, profile: Profile = None, as_json: Json = False
) -> None:
    """List all apparatus that you may see."""
    found = hub(context, profile).apparatuses()
    if as_json:
        output.document([apparatus.view for apparatus in found])
        return
    rows = [
        (a.name, a.view.title, displays.apparatus_text(a.view), ", ".join(a.view.may))
        for a in found
    ]
    output.table(["name", "title", "state", "you may run"], rows)


def show(  # noqa: PLR0913 (one flag for each thing to show)
    context: typer.Context,
    name: Name,
    queue: Annotated[bool, typer.Option("--queue", help="Show its queue.")] = False,
    procedures: Annotated[
        bool, typer.Option("--procedures", help="Show its procedures and globals.")
    ] = False,
    api: Annotated[
        bool, typer.Option("--api", help="Show the functions that scripts may call.")
    ] = False,
    connection_table: Annotated[
        bool, typer.Option("--connection-table", help="Print its connection table.")
    ] = False,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Show an apparatus: whether it runs, what it offers, who waits."""
    apparatus = hub(context, profile).apparatus(name)
    wanted: list[tuple[str, bool, Callable[[], Any], Callable[[Any], None]]] = [
        ("queue", queue, apparatus.queue, _show_queue),
        ("procedures", procedures, apparatus.procedures, _show_procedures),
        ("api", api, apparatus.api, _show_api),
        (
            "connection_table",
            connection_table,
            apparatus.connection_table,
            output.text,
        ),
    ]
    found = [(key, ask(), tell) for key, asked, ask, tell in wanted if asked]
    if as_json:
        parts = {key: part for key, part, _ in found}
        output.document({"apparatus": apparatus.view, **parts})
        return
    if not found:
        _show(apparatus)
    for _, part, tell in found:
        tell(part)


def _show(apparatus: Apparatus) -> None:
    view = apparatus.view
    names = ", ".join(p.name for p in apparatus.procedures())
    output.pairs(
        [
            ("name", view.name),
            ("title", view.title),
            ("doc", view.doc),
            ("state", displays.apparatus_text(view)),
            ("message", view.status.message),
            ("takes", ", ".join(view.accepts)),
            ("you may run", ", ".join(view.may)),
            ("procedures", names),
        ]
    )


def _show_queue(queue: QueueView) -> None:
    nobody = "No compiled shot waits." if queue.entries else "Nobody waits."
    output.text(queue.next or nobody)
    if queue.entries:
        rows = [
            (
                e.place,
                "yours" if e.mine else e.owner,
                e.job,
                e.source,
                f"{e.state}, waits {e.waits}" if e.waits else e.state,
                e.shots_left,
                displays.clock_text(e.starts) if e.starts else None,
                displays.clock_text(e.ends) if e.ends else None,
            )
            for e in queue.entries
        ]
        heads = ["place", "whose", "job", "source", "state", "shots left"]
        output.table([*heads, "starts about", "ends about"], rows)
    if queue.more:
        output.text(f"and {queue.more} more")
    _show_shares(queue)
    if queue.errors and queue.errors.jobs:
        output.text(_errors_in_words(queue.errors))


def _show_shares(queue: QueueView) -> None:
    rows = [
        (
            f"{s.within}/{s.name}" if s.within else s.name,
            s.kind,
            s.weight,
            s.waiting,
            f"{s.behind:.0f} s",
            f"{s.used_week / 60:.0f} min",
            None if s.credit is None else f"{s.credit:.0f} s",
        )
        for s in queue.shares
    ]
    if rows:
        heads = ["share", "kind", "weight", "shots waiting", "had more in this round"]
        output.table([*heads, "used in 7 days", "express credit"], rows)


def _errors_in_words(errors: ForecastErrors) -> str:
    parts = [
        f"{name} {median:+.0f} s in the median, nine of ten within {p90:.0f} s"
        for name, median, p90 in (
            ("starts", errors.start_median, errors.start_p90),
            ("ends", errors.end_median, errors.end_p90),
        )
        if median is not None and p90 is not None
    ]
    return f"Forecasts of the last {errors.jobs} jobs: {'; '.join(parts)}."


def _show_api(functions: list[ApiFunction]) -> None:
    for function in functions:
        output.text(f"{function.module}.{function.name}{function.signature}")
        output.text(_indented(function.doc))


def _show_procedures(procedures: list[ProcedureView]) -> None:
    for procedure in procedures:
        output.text(f"{procedure.name}: {procedure.title}")
        if procedure.doc:
            output.text(_indented(procedure.doc))
        rows = [
            (f"  {p.name}", p.type, p.default, p.unit, p.minimum, p.maximum, p.doc)
            for p in procedure.parameters
        ]
        output.table(["  global", "type", "default", "unit", "min", "max", ""], rows)
        output.text("")


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.strip().splitlines())

"""What came of a job: results, images, logs, files."""

from pathlib import Path
from typing import Annotated, Any

import typer

from shothub.client import displays, downloads
from shothub.client.cli import output
from shothub.client.cli.session import JobId, Json, Profile, job
from shothub.client.errors import MissingPart, Refused
from shothub.client.job import Job
from shothub.domain.faults import Fault
from shothub.wire.jobs import FileKind, ResultTable


def results(
    context: typer.Context,
    ident: JobId,
    csv: Annotated[
        Path | None, typer.Option(help="Write the table to this CSV file.")
    ] = None,
    parquet: Annotated[
        Path | None, typer.Option(help="Write it to this Parquet file; needs pyarrow.")
    ] = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Print the table of results: one row per shot, in order; what is missing is -."""
    found = job(context, profile, ident)
    if csv:
        found.results().to_csv(_writable(csv))
    if parquet:
        _write_parquet(found, _writable(parquet))
    if as_json:
        output.document(found.result_table())
    elif not (csv or parquet):
        _show(found.result_table())


def images(  # noqa: PLR0913 (one option for each way to store)
    context: typer.Context,
    ident: JobId,
    label: Annotated[
        str | None, typer.Argument(help="Name of the image, e.g. absorption.")
    ] = None,
    save: Annotated[
        Path, typer.Option("--save", "-o", help="A .npy file, or a folder.")
    ] = Path(),
    png: Annotated[
        bool, typer.Option("--png", help="Store the hub's pictures instead of numbers.")
    ] = False,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Store images as one numpy file (shots, frames, y, x), or as pictures.

    Shots that are missing are NaN in that file.
    """
    found = job(context, profile, ident)
    if png:
        stored = _pictures(found, label, save)
    else:
        stored = [_numbers(found, label or found.only_image_label(), save)]
    _tell_stored(stored, as_json=as_json)


def logs(
    context: typer.Context,
    ident: JobId,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Print what your script and routines printed, by stage."""
    found = job(context, profile, ident)
    if as_json:
        output.document(found.log_views())
    else:
        output.text(found.logs())


def files(
    context: typer.Context,
    ident: JobId,
    download: Annotated[
        Path | None,
        typer.Option("--download", "-d", help="Store them below this folder."),
    ] = None,
    kind: Annotated[
        FileKind | None, typer.Option(help="Only files of this kind.")
    ] = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """List the files of a job, or store them in a folder named by the job id."""
    found = job(context, profile, ident)
    if download is not None:
        _tell_stored([found.download(download, kind=kind or "")], as_json=as_json)
        return
    listed = [file for file in found.files() if kind in (None, file.kind)]
    if as_json:
        output.document(listed)
        return
    rows = [(f.name, f.kind, f.label, f.shot, f.size) for f in listed]
    output.table(["name", "kind", "label", "shot", "bytes"], rows)


def _show(table: ResultTable) -> None:
    units = table.units or [""] * len(table.columns)
    heads = [
        f"{'.'.join(path)} ({unit})" if unit else ".".join(path)
        for path, unit in zip(table.columns, units, strict=True)
    ]
    rows = [
        (index, str(state), *row)
        for index, state, row in zip(table.index, table.states, table.rows, strict=True)
    ]
    output.table(["shot", "shot_state", *heads], rows)
    for routine, saved in table.multishot.items():
        output.pairs((f"{routine}.{name}", value) for name, value in saved.items())
    for failure in displays.failure_texts(table.routines):
        output.note(failure)


def _write_parquet(found: Job, path: Path) -> None:
    try:
        found.results().to_parquet(path)
    except ImportError:
        raise MissingPart(
            Fault(
                code="missing_part",
                detail="Parquet files need pyarrow, which is not installed.",
                hint="run: pip install pyarrow, or write a CSV file",
            )
        ) from None


def _writable(path: Path) -> Path:
    if not path.absolute().parent.is_dir():
        detail = "The folder does not exist."
        raise Refused(Fault(code="no_folder", detail=detail, where=str(path)))
    return path


def _numbers(found: Job, label: str, save: Path) -> Path:
    import numpy as np  # noqa: PLC0415 (takes its time; other commands need it not)

    target = save
    if save.suffix != ".npy":
        save.mkdir(parents=True, exist_ok=True)
        target = downloads.place_below(save, f"{found.id}_{label}.npy")
    pixels: Any = found.images(label)
    if isinstance(pixels, np.ma.MaskedArray):
        pixels = np.ma.filled(pixels.astype(np.float32), np.nan)
    np.save(_writable(target), pixels)
    return target


def _pictures(found: Job, label: str | None, save: Path) -> list[Path]:
    shown = [
        file
        for file in found.files()
        if file.kind == "preview" and label in (None, file.label)
    ]
    place = downloads.place_below(save, found.id)
    return [found.save(file, place) for file in shown]


def _tell_stored(stored: list[Path], *, as_json: bool) -> None:
    if as_json:
        output.document([str(path) for path in stored])
        return
    for path in stored:
        output.text(str(path))

"""Questions about results and files of jobs."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from django.conf import settings
from django.db.models import F, Sum
from pydantic import JsonValue

from shothub.server.jobs.models import Job, Shot
from shothub.server.jobs.queries import shot_rows
from shothub.server.refusals import NotThere, TooLarge
from shothub.server.results.models import File, RoutineRun
from shothub.wire.jobs import FileView, ResultTable, RoutineView

Column = tuple[str, ...]


def stored_bytes(user: int | None, group: int | None) -> int:
    """Return the size of all files of a user's jobs, or of a group's."""
    whose = {"job__owner_id": user} if group is None else {"job__group_id": group}
    files = File.objects.filter(**whose).order_by()
    return files.aggregate(n=Sum("size"))["n"] or 0


class NoSuchFile(NotThere):
    """The job has no file of this name."""


def result_table(job: Job, rows: Sequence[Shot] | None = None) -> ResultTable:
    """Return the results of a job: a row per shot, missing values None.

    Args:
        job: the job.
        rows: its shots, if they were read already.
    """
    shots = shot_rows(job) if rows is None else rows
    most = settings.SHOTHUB.max_result_cells
    runs = list(RoutineRun.objects.filter(job=job)[: most + 1])
    _require_size(len(runs))
    cells: dict[int, dict[Column, JsonValue]] = {
        shot.index: {(name,): value for name, value in shot.globals.items()}
        for shot in shots
    }
    columns: dict[Column, None] = {c: None for row in cells.values() for c in row}
    for run in runs:
        if run.shot is not None:
            saved: dict[Column, JsonValue] = {
                (run.routine, name): v for name, v in run.values.items()
            }
            cells.setdefault(run.shot, {}).update(saved)
            columns |= dict.fromkeys(saved)
    _require_size(len(columns) * len(cells))
    return ResultTable(
        job=job.pk,
        columns=[list(column) for column in columns],
        units=[job.units.get(c[0], "") if len(c) == 1 else "" for c in columns],
        index=[shot.index for shot in shots],
        states=[shot.state for shot in shots],
        rows=[[cells[shot.index].get(c) for c in columns] for shot in shots],
        multishot={run.routine: run.values for run in runs if run.shot is None},
        routines=[_routine_view(run) for run in runs],
    )


def _require_size(cells: int) -> None:
    most = settings.SHOTHUB.max_result_cells
    if cells > most:
        raise TooLarge(
            f"The table of results has {cells} cells; this hub sends {most} at most.",
            code="too_many_cells",
            hint="split the scan over several jobs, or download its files",
        )


def _routine_view(run: RoutineRun) -> RoutineView:
    return RoutineView(
        routine=run.routine,
        shot=run.shot,
        state="failed" if run.state == "failed" else "done",
        reason=run.reason,
        log=run.log,
    )


def files_of(job: Job, *, kind: str = "", label: str = "") -> list[FileView]:
    """Return the files of a job in order of shot and name, optionally of one kind."""
    files = File.objects.filter(job=job)
    if kind:
        files = files.filter(kind=kind)
    if label:
        files = files.filter(label=label)
    in_order = files.order_by(F("shot").asc(nulls_first=True), "name")
    return [file_view(file) for file in in_order]


def images_of(job: Job) -> list[FileView]:
    """Return the images of a job in order of shot."""
    return files_of(job, kind="image")


def find_file(job: Job, name: str) -> File:
    """Return one file of a job.

    Raises:
        NoSuchFile: the job has no file of this name.
    """
    found = File.objects.filter(job=job, name=name).first()
    if found is None:
        raise NoSuchFile(f"The job has no file named {name[:100]!r}.")
    return found


def image_rows(job: Job, label: str) -> Iterable[tuple[int, Path]]:
    """Return shot index and path of every image of this label.

    Raises:
        NoSuchFile: there is none.
        TooLarge: they would make too large an archive.
    """
    rows = File.objects.filter(job=job, kind="image", label=label)
    size = rows.order_by().aggregate(n=Sum("size"))["n"] or 0
    if size > settings.SHOTHUB.max_archive_bytes:
        raise TooLarge(
            f"These images have {size} bytes; an archive of this hub has"
            f" {settings.SHOTHUB.max_archive_bytes} at most.",
            code="archive_too_large",
            hint="download them one by one",
        )
    rows = rows.exclude(shot=None).order_by("shot", "-id")
    found = [(file.shot or 0, path_of(file)) for file in rows]
    if not found:
        raise NoSuchFile(f"The job has no image named {label[:100]!r}.")
    return found


def path_of(file: File) -> Path:
    """Return where the content of a file is stored."""
    return folder_of_files() / file.path


def stored_files() -> Iterator[tuple[str, Path]]:
    """Yield every file that the hub has, below its folder of files and in full."""
    folder = folder_of_files()
    paths = File.objects.order_by("path").values_list("path", flat=True).distinct()
    for path in paths.iterator():
        yield path, folder / path


def folder_of_files() -> Path:
    """Return the hub's folder of files."""
    return Path(settings.SHOTHUB.data) / "files"


def file_view(file: File) -> FileView:
    """Return a file as users see it."""
    return FileView.model_validate(
        {name: getattr(file, name) for name in FileView.model_fields}
    )

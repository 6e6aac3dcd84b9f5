"""Runs lyse routines on finished shots and jobs, and packs what they and the shots hold.

A routine that fails marks itself failed only: the shot stays done, the next routine runs.
The lab's own shot file is never written to; results lie beside it.
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import h5py
from pydantic import JsonValue, ValidationError

from shothub.agent import jobfile
from shothub.agent.gathered import Gathered, RoutineFile
from shothub.agent.jobfile import JobFile
from shothub.agent.journal import Attempted, Parcel
from shothub.agent.parcels import CONTENT, Spool, image_parcels, routine_parcels
from shothub.agent.ports import GuestPort
from shothub.agent.site import Site, is_full
from shothub.shots.read import BadShotFile, images, strip_front_panel
from shothub.wire.agents import (
    AnalyseTask,
    JobAnalysed,
    RoutineResult,
    ShotAnalysed,
)
from shothub.wire.guests import AnalyseOrder
from shothub.wire.jobs import SourceFile

SEPARATOR = "\x1f"
"""Joins the parts of a column's path."""


class DiskFull(Exception):
    """There is no room for the results; the same can be done again later."""


class Analyst:
    """Analyses one shot or job at a time.

    Args:
        guest: a warm process of the sandbox that analyses.
        site: the apparatus.
    """

    def __init__(self, *, guest: GuestPort, site: Site) -> None:
        self._guest = guest
        self._site = site

    def shot(
        self, attempted: Attempted, folder: Path | None, *, epoch: int
    ) -> list[Parcel]:
        """Run the single-shot routines on a done attempt; return all that is to go.

        Raises:
            DiskFull: there is no room for what is to go.
        """
        route = f"attempts/{attempted.attempt}/analysis"
        try:
            job = _job(folder)
            results, parcels = self._shot(job, folder or Path(), attempted.index)
        except (OSError, BadShotFile, ValidationError, IndexError) as error:
            _raise_if_full(error)
            reason = f"the shot's files cannot be read: {error}"
            results, parcels = [RoutineResult(routine="files", failed=reason)], []
        report = ShotAnalysed(epoch=epoch, routines=results)
        body = report.model_dump_json()
        return [
            *parcels,
            Parcel(rank=CONTENT, route=route, body=body, job=attempted.job),
        ]

    def _shot(
        self, job: JobFile, folder: Path, index: int
    ) -> tuple[list[RoutineResult], list[Parcel]]:
        path = job.shot_path(folder, index)
        spool = Spool(self._site.spool, job.job)
        parcels, broken = _images(spool, path, index)
        routines = [*self._lab_routines(job.single), *job.routines]
        results, files = self._run_single(routines, path)
        parcels += routine_parcels(spool, files, index)
        if self._site.hdf5 and job.hdf5_allowed:
            parcels.append(_hdf5(spool, path, index))
        values = {r.routine: r.values for r in results if not r.failed}
        jobfile.write_text(job.results_path(folder, index), json.dumps(values))
        return [*results, *broken], parcels

    def _run_single(
        self, routines: Sequence[SourceFile], path: Path
    ) -> tuple[list[RoutineResult], list[RoutineFile]]:
        order = AnalyseOrder(
            mode="single",
            routines=list(routines),
            shots=[path.name],
            routine_seconds=self._site.routine_seconds,
        )
        return self._run(order, [path])

    def _run(
        self, order: AnalyseOrder, paths: Sequence[Path]
    ) -> tuple[list[RoutineResult], list[RoutineFile]]:
        """Run routines; if one takes the whole guest down, the others run without it."""
        asked, broken = list(order.routines), dict[str, RoutineResult]()
        results: list[RoutineResult] = []
        files: list[RoutineFile] = []
        while order.routines:
            gathered = Gathered(asked=_names(order.routines))
            with _opened(paths) as shots:
                end = self._guest.run(order, files=shots, sink=gathered.take)
            results, files = gathered.finished(end), gathered.files
            culprit = gathered.ended_in(end)
            if culprit is None:
                break
            broken[culprit] = next(r for r in results if r.routine == culprit)
            rest = [r for r in order.routines if r.name.removesuffix(".py") != culprit]
            order = order.model_copy(update={"routines": rest})
        kept = {r.routine: r for r in results} | broken
        order_of = {name: place for place, name in enumerate(_names(asked))}
        return sorted(
            kept.values(), key=lambda r: order_of.get(r.routine, len(asked))
        ), files

    def _lab_routines(self, names: Sequence[str]) -> list[SourceFile]:
        return [self._site.routines[n] for n in names if n in self._site.routines]

    def job(
        self, task: AnalyseTask, folder: Path | None, *, epoch: int
    ) -> list[Parcel]:
        """Run the multi-shot routines of a job; return all that is to go.

        Raises:
            DiskFull: there is no room for what is to go.
        """
        route = f"jobs/{task.job}/analysed"
        try:
            job = _job(folder)
            results, parcels = self._job(job, folder or Path(), task.done)
        except (OSError, BadShotFile, ValidationError, IndexError) as error:
            _raise_if_full(error)
            reason = f"the job's files cannot be read: {error}"
            results, parcels = [RoutineResult(routine="files", failed=reason)], []
        report = JobAnalysed(epoch=epoch, routines=results)
        body = report.model_dump_json()
        return [
            *parcels,
            Parcel(rank=CONTENT, route=route, body=body, job=task.job),
        ]

    def _job(
        self, job: JobFile, folder: Path, done: Sequence[int]
    ) -> tuple[list[RoutineResult], list[Parcel]]:
        routines = self._lab_routines(job.multi)
        if not routines or not done:
            return [], []
        paths = [job.shot_path(folder, index) for index in done]
        order = AnalyseOrder(
            mode="multi",
            routines=routines,
            shots=[path.name for path in paths],
            rows=[_row(job, folder, index) for index in done],
            routine_seconds=self._site.routine_seconds,
        )
        results, files = self._run(order, paths)
        spool = Spool(self._site.spool, job.job)
        return results, routine_parcels(spool, files, None)


def _images(
    spool: Spool, path: Path, index: int
) -> tuple[list[Parcel], list[RoutineResult]]:
    parcels: list[Parcel] = []
    labels: set[str] = set()
    try:
        for stack in images(path):
            # Two cameras may call their images alike.
            again = stack.label in labels
            label = f"{stack.orientation}_{stack.label}" if again else stack.label
            labels.add(label)
            parcels += image_parcels(spool, stack, index, label=label)
    except (BadShotFile, ValueError) as error:
        return parcels, [RoutineResult(routine="images", failed=str(error))]
    return parcels, []


def _raise_if_full(error: Exception) -> None:
    if isinstance(error, OSError) and is_full(error):
        raise DiskFull(str(error)) from error


@contextmanager
def _opened(paths: Sequence[Path]) -> Iterator[list[int]]:
    with ExitStack() as stack:
        shots = []
        for path in paths:
            shots.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
            stack.callback(os.close, shots[-1])
        yield shots


def _names(routines: Sequence[SourceFile]) -> list[str]:
    return [routine.name.removesuffix(".py") for routine in routines]


def _job(folder: Path | None) -> JobFile:
    if folder is None:
        raise FileNotFoundError("the job was not compiled here")
    return jobfile.read(folder)


def _row(job: JobFile, folder: Path, index: int) -> dict[str, JsonValue]:
    """Return lyse's columns of a shot: its globals, its results, its run's attributes."""
    path = job.shot_path(folder, index)
    row: dict[str, JsonValue] = dict(job.globals_of(index))
    for routine, values in _results(job.results_path(folder, index)).items():
        row |= {f"{routine}{SEPARATOR}{name}": v for name, v in values.items()}
    return row | _attributes(path)


def _results(path: Path) -> dict[str, dict[str, JsonValue]]:
    if not path.exists():
        return {}
    found: dict[str, dict[str, JsonValue]] = json.loads(path.read_text("utf-8"))
    return found


def _attributes(path: Path) -> dict[str, JsonValue]:
    with h5py.File(path, "r") as shot:
        found = shot.attrs
        return {
            "filepath": path.name,
            "labscript": str(found.get("script_basename", "")) + ".py",
            "sequence": str(found.get("sequence_id", "")),
            "sequence_index": int(found.get("sequence_index", 0)),
            "run number": int(found.get("run number", 0)),
            "run repeat": int(found.get("run repeat", 0)),
            "n_runs": int(found.get("n_runs", 1)),
            "run time": str(found.get("run time", "")),
        }


def _hdf5(spool: Spool, path: Path, index: int) -> Parcel:
    name = f"hdf5/{path.name}"
    target = spool.place(name)
    target.unlink(missing_ok=True)  # an analysis that was cut short may have left one
    strip_front_panel(path, target)
    return spool.describe(
        target,
        name,
        kind="hdf5",
        label=path.name,
        shot=index,
        media_type="application/x-hdf5",
    )

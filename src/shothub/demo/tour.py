"""The tour: two users on one machine, and whether all came out as it should."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from shothub.client import Job, linspace
from shothub.client.errors import NotFound
from shothub.demo.stage import Stage
from shothub.runtime import clock
from shothub.sim import expected, lab_files
from shothub.suite.profile import suite_environment

TOF_POINTS = 7
RABI_POINTS = 6  # in the globals file
RELATIVE, ABSOLUTE = 0.1, 2_000.0  # of atoms; see sim.expected.atom_number
_SHOWN = (
    "atom_number.atoms",
    "bimodal_fit.condensate_fraction",
    "bimodal_fit.temperature_nK",
)
_THOUSANDS = 1e4


@dataclass(frozen=True)
class Booked:
    """A job of the tour with its owner and the number of its shots."""

    owner: str
    job: Job
    shots: int


def run_tour(stage: Stage, console: Console) -> list[str]:
    """Let Alice and Bob use the machine at once; return what is wrong, nothing if all is.

    Alice scans a published procedure; Bob runs a script of his own with a globals file
    that runmanager's own functions wrote.
    """
    booked = [_alice(stage), _bob(stage)]
    _wait(stage, booked, console)
    faults = [fault for one in booked for fault in _faults(one, stage)]
    faults += _privacy_faults(stage, booked)
    for one in booked:
        console.print(table_of(one))
    return faults


def _alice(stage: Stage) -> Booked:
    apparatus = stage.members["alice"].hub().apparatus(stage.apparatus)
    job = apparatus.run(
        procedure="bec_tof",
        globals={"tof": linspace(5e-3, 25e-3, TOF_POINTS)},
        name="time of flight of a condensate",
        tags=["demo"],
    )
    return Booked("alice", job, TOF_POINTS)


def _bob(stage: Stage) -> Booked:
    script, globals_file = _write_own_experiment(stage)
    apparatus = stage.members["bob"].hub().apparatus(stage.apparatus)
    job = apparatus.run(
        script=script, globals=globals_file, name="Rabi flopping", tags=["demo"]
    )
    return Booked("bob", job, RABI_POINTS)


def _write_own_experiment(stage: Stage) -> tuple[Path, Path]:
    """Copy the example script and let runmanager's functions write its globals file."""
    folder = stage.folder / "bob"
    folder.mkdir(exist_ok=True)
    script, globals_file = folder / "my_rabi.py", folder / "my_rabi_globals.h5"
    shutil.copy(lab_files.LAB / "examples" / "my_rabi.py", script)
    globals_file.unlink(missing_ok=True)
    writer = lab_files.LAB / "examples" / "make_globals.py"
    subprocess.run(  # noqa: S603  (our own example)
        [sys.executable, str(writer), str(globals_file)],
        env=suite_environment(stage.lab / "state" / "profile", offscreen=True),
        check=True,
        capture_output=True,
    )
    return script, globals_file


def _wait(stage: Stage, booked: list[Booked], console: Console) -> None:
    with Progress(
        TextColumn("{task.description:<42}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[state]}"),
        console=console,
    ) as progress:
        bars = {
            one.job.id: progress.add_task(
                f"{one.owner}: {one.job.view.name}", total=one.shots, state="submitted"
            )
            for one in booked
        }
        waiting = {one.job.id: one.job for one in booked}
        while waiting:
            for job in list(waiting.values()):
                job.refresh()
                view = job.view
                progress.update(
                    bars[job.id],
                    completed=view.shots_done + view.shots_failed,
                    state=str(view.state),
                )
                if job.ended:
                    del waiting[job.id]
            stage.check()
            clock.pause(0.2)


def _faults(one: Booked, stage: Stage) -> Iterator[str]:
    view = one.job.view
    who = f"{one.owner}'s job {one.job.id}"
    if view.state != "done" or view.shots_done != one.shots:
        yield f"{who} ended {view.state} with {view.shots_done} of {one.shots} shots"
        for fault in view.faults:
            yield f"{who}: {fault.where} {fault.detail}"
        return
    files = sorted(_folder(one, stage).glob("*.h5"))
    if len(files) != one.shots:
        yield f"{who} has {len(files)} shot files in {_folder(one, stage)}"
        return
    yield from _physics_faults(one, files, who)


def _physics_faults(one: Booked, files: list[Path], who: str) -> Iterator[str]:
    """Hold the counted atoms against what the shot's own output tables do to atoms."""
    counted = one.job.results()["atom_number.atoms"]
    for index, path in enumerate(files):
        true, atoms = expected.atom_number(path), float(counted[index])
        if not abs(atoms - true) <= max(RELATIVE * true, ABSOLUTE):
            yield (
                f"{who}, shot {index}: {atoms:.0f} atoms were counted where the physics"
                f" says {true:.0f}"
            )


def _folder(one: Booked, stage: Stage) -> Path:
    view = one.job.view
    return (
        stage.lab
        / "shots"
        / one.owner
        / view.source
        / f"{view.submitted:%Y/%m/%d}"
        / one.job.id
    )


def _privacy_faults(stage: Stage, booked: list[Booked]) -> Iterator[str]:
    for mine in booked:
        hub = stage.members[mine.owner].hub()
        for other in booked:
            if other.owner == mine.owner:
                continue
            if other.job.id in {job.id for job in hub.jobs()}:
                yield f"{mine.owner} sees {other.owner}'s job in his list"
            try:
                hub.job(other.job.id).refresh()
            except NotFound:
                continue
            yield f"{mine.owner} can read {other.owner}'s job"


def table_of(one: Booked) -> Table:
    """Return the results of a job as a table for the terminal, its scan first."""
    results = one.job.results()
    scanned = [
        name
        for name in map(str, results.columns)
        if "." not in name and results[name].nunique() > 1
    ]
    shown = [*scanned, *_SHOWN]
    table = Table(
        title=f"{one.owner}: {one.job.view.name} · job {one.job.id}",
        caption=_multishot(one.job),
    )
    table.add_column("shot", justify="right")
    for name in shown:
        table.add_column(str(name).replace(".", "\n"), justify="right")
    for index, row in results.iterrows():
        table.add_row(str(index), *(_short(row[name]) for name in shown))
    return table


def _multishot(job: Job) -> str:
    return "\n".join(
        f"{routine}: " + ", ".join(f"{k} = {_short(v)}" for k, v in values.items())
        for routine, values in job.multishot().items()
    )


def _short(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= _THOUSANDS else f"{value:.4g}"

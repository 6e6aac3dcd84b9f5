"""A compile task becomes the shot files of a job, all or none, through the one gate."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import cast

from shothub.agent import jobfile
from shothub.agent.entries import (
    GROUP,
    BadGlobals,
    Entries,
    procedure_entries,
    script_entries,
)
from shothub.agent.jobfile import JobFile
from shothub.agent.ports import GuestPort
from shothub.agent.site import Site, changed_words, disk_fault, low_disk
from shothub.agent.workshop import Taken, put_in_place, workshop
from shothub.domain.faults import Fault
from shothub.domain.names import BadName, job_folder, shot_file
from shothub.sandbox.limits import Frame, GuestEnd
from shothub.shots.decode import Bounds, ShotAssembler, Undecodable
from shothub.shots.gate import Refused, admit
from shothub.shots.rebuild import ShotExists, make_durable, sequence, write_shot
from shothub.shots.tree import DecodedShot
from shothub.wire.agents import CompiledShot, CompileTask
from shothub.wire.guests import CompileOrder, GlobalEntry
from shothub.wire.jobs import SourceFile


class CannotCompile(Exception):
    """The job cannot be compiled; ``faults`` say why and where."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = list(faults)


@dataclass(frozen=True, kw_only=True)
class Product:
    """A compiled job, or the faults that prevented it.

    Attributes:
        folder: where its files are, None if there are none.
        log: what the user's code printed.
    """

    folder: Path | None = None
    shots: tuple[CompiledShot, ...] = ()
    units: Mapping[str, str]
    faults: tuple[Fault, ...] = ()
    log: str = ""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What is to be compiled, and which routines belong to it."""

    script: SourceFile
    globals: Entries
    globals_file: bytes = b""
    globals_name: str = ""
    single: tuple[str, ...] = ()
    multi: tuple[str, ...] = ()


class Compiler:
    """Compiles one job at a time; several may share a site.

    Args:
        guest: a warm process of the sandbox that compiles.
        site: the apparatus.
        in_use: tells whether shots of a job were started: their files are never touched.
        now: the clock.
    """

    def __init__(
        self,
        *,
        guest: GuestPort,
        site: Site,
        in_use: Callable[[str], bool],
        now: Callable[[], datetime],
    ) -> None:
        self._guest = guest
        self._site = site
        self._in_use = in_use
        self._now = now

    def compile(self, task: CompileTask, *, epoch: int) -> Product:
        """Compile every shot of a job into its folder; on any fault, leave nothing."""
        try:
            return self._compile(task, epoch)
        except CannotCompile as failure:
            return Product(units={}, faults=tuple(failure.faults))
        except Taken as taken:
            return Product(units={}, faults=(taken.fault,))
        except OSError as error:
            return Product(units={}, faults=(disk_fault(error),))

    def _compile(self, task: CompileTask, epoch: int) -> Product:
        if fault := low_disk(self._site):
            raise CannotCompile(fault)
        self._refuse_changed_files()
        recipe = self._recipe(task)
        folder = self._folder(task)
        with workshop(folder, epoch) as here:
            return self._into(task, recipe, here, folder, epoch)

    def _into(
        self,
        task: CompileTask,
        recipe: Recipe,
        here: Path,
        folder: Path,
        epoch: int,
    ) -> Product:
        bench = Bench(
            site=self._site,
            task=task,
            folder=here,
            epoch=epoch,
            made=self._now(),
        )
        blobs = [recipe.globals_file] if recipe.globals_name else []
        end = self._guest.run(_order(task, recipe), blobs=blobs, sink=bench.take)
        if faults := bench.faults_after(end):
            return Product(units={}, faults=tuple(faults), log=end.output)
        self._refuse_changed_files()
        jobfile.write(here, _job_file(task, recipe, bench, epoch))
        make_durable(here)
        put_in_place(here, folder, epoch=epoch, started=self._in_use(task.job))
        return Product(
            folder=folder, shots=tuple(bench.shots), units=bench.units, log=end.output
        )

    def _refuse_changed_files(self) -> None:
        if files := self._site.changed():
            raise CannotCompile(
                Fault(
                    code="lab_changed",
                    detail=changed_words(files),
                    where=files[:300],
                    hint="submit again when the lab has done so",
                )
            )

    def _folder(self, task: CompileTask) -> Path:
        try:
            inner = job_folder(
                key=task.key,
                source=task.source,
                day=date.fromisoformat(task.day),
                job=task.job,
            )
        except (BadName, ValueError) as error:
            raise CannotCompile(
                Fault(code="bad_name", detail=f"{error}.", where="name")
            ) from error
        return self._site.storage / inner

    def _recipe(self, task: CompileTask) -> Recipe:
        try:
            return self._procedure(task) if task.script is None else self._script(task)
        except BadGlobals as error:
            raise CannotCompile(*error.faults) from error

    def _procedure(self, task: CompileTask) -> Recipe:
        published = self._site.procedures.get(task.source)
        if published is None:
            raise CannotCompile(
                Fault(
                    code="unknown_procedure",
                    detail=f"The lab has no procedure {task.source!r} any more.",
                    where="procedure",
                )
            )
        if task.procedure_sha256 and task.procedure_sha256 != published.sha256:
            raise CannotCompile(
                Fault(
                    code="procedure_changed",
                    detail=f"The lab changed the procedure {task.source!r} after this"
                    " job was submitted.",
                    where="procedure",
                    hint="look at its new version and submit again",
                )
            )
        return Recipe(
            script=published.source,
            globals=procedure_entries(
                published.parameters, task.globals, max_shots=task.max_shots
            ),
            single=tuple(published.single),
            multi=tuple(published.multi),
        )

    def _script(self, task: CompileTask) -> Recipe:
        if task.script is None:
            raise TypeError("a script task has a script")
        file = task.globals_file
        return Recipe(
            script=task.script,
            globals=script_entries(task.globals),
            globals_file=file.content if file else b"",
            globals_name=file.name if file else "",
            single=tuple(self._site.single),
            multi=tuple(self._site.multi),
        )


class Bench:
    """Where the frames of one compilation become shot files."""

    def __init__(
        self, *, site: Site, task: CompileTask, folder: Path, epoch: int, made: datetime
    ) -> None:
        self._site = site
        self._task = task
        self._folder = folder
        self._assembler = ShotAssembler(Bounds(shots=task.max_shots))
        self._failures: list[Fault] = []
        self._attributes = {
            "job_id": task.job,
            "owner": task.key,
            "epoch": epoch,
            **cast(
                dict[str, str | int],
                sequence(
                    source=task.source, submitted=made, index=_sequence_index(folder)
                ),
            ),
        }
        self.shots: list[CompiledShot] = []
        self.units: dict[str, str] = {}

    def take(self, frame: Frame) -> None:
        """Take one frame of the guest; after a failure the rest is ignored."""
        if self._failures:
            return
        try:
            shot = self._assembler.feed(frame)
            if shot is not None:
                self._write(shot)
        except Undecodable as error:
            self._failures.append(error.fault)
        except ShotExists as error:
            self._failures.append(Fault(code="bad_shot", detail=f"{error}."))
        except OSError as error:
            self._failures.append(disk_fault(error))

    def _write(self, shot: DecodedShot) -> None:
        admitted = admit(shot, self._site.lab)
        if isinstance(admitted, Refused):
            self._failures += [_in_shot(f, shot) for f in admitted.faults]
            return
        name = shot_file(job=self._task.job, index=shot.index, count=shot.count)
        write_shot(
            admitted,
            self._site.lab,
            self._folder / name,
            self._attributes,
            durable=False,
        )
        self.shots.append(
            CompiledShot(
                index=shot.index,
                globals=dict(shot.globals),
                duration=admitted.duration,
            )
        )
        self.units.update(shot.units)

    def faults_after(self, end: GuestEnd) -> list[Fault]:
        """Return why there are no shots, once the guest has ended; the cause first."""
        if self._failures:
            return self._failures
        if self._assembler.faults:
            return self._assembler.faults
        if not end.ok and end.reason:
            detail = end.detail or f"The compilation ended: {end.reason}."
            return [
                Fault(code=end.reason, detail=detail, where=_script_name(self._task))
            ]
        try:
            self._assembler.finish()
        except Undecodable as error:
            return [error.fault]
        return []


def _in_shot(fault: Fault, shot: DecodedShot) -> Fault:
    where = f"shots[{shot.index}]"
    return replace(fault, where=f"{where}.{fault.where}" if fault.where else where)


def _script_name(task: CompileTask) -> str:
    return task.script.name if task.script else f"{task.source}.py"


def _sequence_index(workshop: Path) -> int:
    return sum(not other.name.startswith(".") for other in workshop.parent.iterdir())


def _order(task: CompileTask, recipe: Recipe) -> CompileOrder:
    group: dict[str, GlobalEntry] = dict(recipe.globals.entries)
    return CompileOrder(
        script=recipe.script,
        globals={GROUP: group} if group else {},
        globals_file=recipe.globals_name,
        shuffle=list(recipe.globals.shuffle),
        max_shots=task.max_shots,
        seed=_seed(task.job),
    )


def _seed(job: str) -> int:
    """Return a seed of the job's own, so that a shuffle can be repeated."""
    return int.from_bytes(hashlib.sha256(job.encode()).digest()[:4], "big")


def _job_file(task: CompileTask, recipe: Recipe, bench: Bench, epoch: int) -> JobFile:
    return JobFile(
        job=task.job,
        key=task.key,
        kind=task.kind,
        source=task.source,
        epoch=epoch,
        procedure_sha256=task.procedure_sha256,
        shots=bench.shots,
        units=bench.units,
        single=list(recipe.single),
        multi=list(recipe.multi),
        routines=task.routines,
        hdf5_allowed=task.hdf5_allowed,
    )

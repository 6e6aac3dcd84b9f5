"""``job.json`` beside the shots of a job: what the agent must know of it later."""

import os
from pathlib import Path

from pydantic import JsonValue

from shothub.domain.names import shot_file
from shothub.wire.agents import CompiledShot
from shothub.wire.base import Message
from shothub.wire.jobs import SourceFile

NAME = "job.json"


class JobFile(Message):
    """A compiled job.

    Attributes:
        source: name of the procedure or script, without ``.py``.
        epoch: the session that compiled it.
        single: the lab's single-shot routines to run on each shot.
        multi: the lab's multi-shot routines to run on the job.
        routines: the user's own single-shot routines.
    """

    job: str
    key: str
    kind: str
    source: str
    procedure_sha256: str
    epoch: int = 0
    shots: list[CompiledShot]
    units: dict[str, str]
    single: list[str]
    multi: list[str]
    routines: list[SourceFile]
    hdf5_allowed: bool

    def shot_path(self, folder: Path, index: int) -> Path:
        """Return the file of a shot."""
        return folder / shot_file(job=self.job, index=index, count=len(self.shots))

    def results_path(self, folder: Path, index: int) -> Path:
        """Return where the results of a shot are kept beside it."""
        return self.shot_path(folder, index).with_suffix(".results.json")

    def globals_of(self, index: int) -> dict[str, JsonValue]:
        """Return the globals of a shot."""
        return self.shots[index].globals


def write(folder: Path, job: JobFile) -> None:
    """Write ``job.json``, whole or not at all."""
    write_text(folder / NAME, job.model_dump_json(indent=1))


def read(folder: Path) -> JobFile:
    """Read ``job.json``.

    Raises:
        OSError: there is none.
        pydantic.ValidationError: it was changed.
    """
    return JobFile.model_validate_json((folder / NAME).read_text("utf-8"))


def write_text(path: Path, text: str) -> None:
    """Write a small file, whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    part.rename(path)

"""Where a job is compiled, and how its files come into the shot storage.

Two agents may write to one storage for a while: one that was taken over from does not know
it yet. Each session has a workshop of its own, and an earlier session never replaces what a
later one has made.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import ValidationError

from shothub.agent import jobfile
from shothub.domain.faults import Fault


class Taken(Exception):
    """The folder of the job is another's already."""

    def __init__(self, code: str, detail: str, folder: Path) -> None:
        self.fault = Fault(code=code, detail=detail, where=str(folder))
        super().__init__(str(self.fault))


@contextmanager
def workshop(folder: Path, epoch: int) -> Iterator[Path]:
    """Yield an empty folder beside ``folder``; remove it in the end if it is still there.

    Workshops that earlier sessions left are removed too.
    """
    for left in folder.parent.glob(f".{folder.name}.*.part"):
        number = left.name.split(".")[-2]
        if number.isdecimal() and int(number) <= epoch:
            shutil.rmtree(left, ignore_errors=True)
    own = folder.with_name(f".{folder.name}.{epoch}.part")
    own.mkdir(parents=True)
    try:
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)


def put_in_place(made: Path, folder: Path, *, epoch: int, started: bool) -> None:
    """Move what was compiled to ``folder``, in place of what an earlier try left there.

    Args:
        made: the workshop, with ``job.json`` in it.
        folder: of the job in the shot storage.
        epoch: the session's.
        started: whether shots of the job were started: their files are never touched.

    Raises:
        Taken: shots were started, or a later session has compiled the job.
        OSError: the storage cannot be written.
    """
    with _locked(folder.parent):
        if folder.exists():
            if started:
                why = "Shots of this job were started before."
                raise Taken("already_started", why, folder)
            if _epoch_of(folder) > epoch:
                why = "A later session of the agent has compiled this job."
                raise Taken("taken_over", why, folder)
            # The hub gives a task again only if it never took the first answer.
            shutil.rmtree(folder)
        made.rename(folder)


def _epoch_of(folder: Path) -> int:
    # Without a readable job.json the folder is not of a job that was ever whole.
    with suppress(OSError, ValidationError):
        return jobfile.read(folder).epoch
    return 0


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

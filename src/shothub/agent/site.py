"""What an apparatus gives to its agent: folders, the lab's table and limits, its code."""

import errno
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shothub.domain.faults import Fault
from shothub.domain.parameters import Parameter
from shothub.shots.lab import Lab
from shothub.wire.jobs import SourceFile

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, kw_only=True)
class Published:
    """A procedure as it lies in the lab's folder now.

    Attributes:
        source: its text, under its file name.
        parameters: its globals, as its author declares them.
        single: names of its single-shot routines.
        multi: names of its multi-shot routines.
    """

    source: SourceFile
    sha256: str
    parameters: Sequence[Parameter] = ()
    single: Sequence[str] = ()
    multi: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Site:
    """The apparatus as the agent's workers see it.

    Attributes:
        storage: root of the shot storage.
        state: folder of the agent's own files.
        lab: the lab's connection table, outputs and limits.
        procedures: by name.
        routines: the lab's lyse routines by name, without ``.py``.
        single: single-shot routines of script jobs.
        multi: multi-shot routines of script jobs.
        hdf5: whether the lab's policy lets HDF5 files leave.
        routine_seconds: how long one routine may take.
        changed: returns the lab's files that are not any more what is published.
    """

    storage: Path
    state: Path
    lab: Lab
    procedures: Mapping[str, Published] = field(default_factory=dict)
    routines: Mapping[str, SourceFile] = field(default_factory=dict)
    single: Sequence[str] = ()
    multi: Sequence[str] = ()
    minimum_free_bytes: int = 0
    hdf5: bool = False
    routine_seconds: float = 30.0
    changed: Callable[[], str] = str

    @property
    def spool(self) -> Path:
        """Folder of files that wait to be uploaded."""
        return self.state / "spool"


def disk_free(folder: Path) -> int:
    """Return the free bytes of the disk on which ``folder`` lies."""
    return shutil.disk_usage(folder).free


def low_disk(site: Site) -> Fault | None:
    """Return why nothing more may be written, if the disk is too full."""
    free = disk_free(site.storage)
    if free >= site.minimum_free_bytes:
        return None
    return Fault(
        code="disk_full",
        detail=f"The shot storage has {free:,} bytes left; the lab keeps"
        f" {site.minimum_free_bytes:,} free.",
        where=str(site.storage),
        hint="the lab must make room; then submit again",
    )


def is_full(error: OSError) -> bool:
    """Tell whether a file could not be written because the disk is full."""
    return error.errno in _FULL


def changed_words(files: str) -> str:
    """Return why nothing is compiled after the lab changed ``files``."""
    return (
        f"The lab changed {files} after the agent had read it: restart the agent, and"
        " BLACS too if devices changed."
    )


def disk_fault(error: OSError) -> Fault:
    """Return the fault of a file that could not be written."""
    if is_full(error):
        return Fault(
            code="disk_full",
            detail="The disk of the shot storage became full.",
            hint="the lab must make room; then submit again",
        )
    return Fault(
        code="storage_failed",
        detail=f"The shot storage cannot be written: {error.strerror or error}.",
        hint="the lab must look after its shot storage",
    )

"""Control groups that bound the memory and the processes of one run."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
MANAGER = "shothub-manager"


@dataclass(frozen=True)
class CgroupParents:
    """Folders below which a group per run may be made; none where there is no right to.

    Attributes:
        version: 2 (delegated subtree), 1 (memory and pids hierarchies) or 0.
        folders: one of version 2; two of version 1.
        missing: why there are none, in words.
    """

    version: int
    folders: tuple[Path, ...] = ()
    missing: str = ""


def find_parents(own: str | None = None, root: Path = ROOT) -> CgroupParents:
    """Return where groups can be made; ``own`` is the text of /proc/self/cgroup."""
    text = Path("/proc/self/cgroup").read_text() if own is None else own
    unified = re.search(r"^0::(/.*)$", text, re.MULTILINE)
    if unified and (root / "cgroup.controllers").exists():
        return _delegated(root / unified[1].lstrip("/"))
    folders = tuple(root / controller for controller in ("memory", "pids"))
    if all(os.access(f / "cgroup.procs", os.W_OK) for f in folders):
        return CgroupParents(1, tuple(folder / "shothub" for folder in folders))
    return CgroupParents(0, missing="no control group hierarchy is writable")


def _delegated(own: Path) -> CgroupParents:
    # Once the memory controller is given to children, their parent may hold no process:
    # the service itself sits in a leaf beside the groups of the runs.
    base = own.parent if own.name == MANAGER else own
    try:
        controllers = set((base / "cgroup.controllers").read_text().split())
        writable = os.access(base / "cgroup.subtree_control", os.W_OK)
    except OSError as error:
        return CgroupParents(0, missing=f"the control group is not readable: {error}")
    if not writable or not {"memory", "pids"} <= controllers:
        text = "the control group is not delegated (systemd: Delegate=memory pids)"
        return CgroupParents(0, missing=text)
    return CgroupParents(2, (base,))


def prepare(parents: CgroupParents) -> None:
    """Make the parents ready for groups of runs.

    Raises:
        OSError: the kernel does not allow it.
    """
    for folder in parents.folders:
        folder.mkdir(exist_ok=True)
    if parents.version == 2:
        (base,) = parents.folders
        leaf = base / MANAGER
        leaf.mkdir(exist_ok=True)
        for process in (base / "cgroup.procs").read_text().split():
            (leaf / "cgroup.procs").write_text(process)
        (base / "cgroup.subtree_control").write_text("+memory +pids")


def sweep(parents: CgroupParents) -> None:
    """Remove the empty groups that hosts left which are no more."""
    for folder in parents.folders:
        for group in folder.glob("run-*"):
            owner = group.name.split("-")[1]
            if not Path("/proc", owner).exists():
                _remove(group)


class Cgroup:
    """The groups of one run; without parents it does nothing."""

    def __init__(self, parents: CgroupParents, name: str) -> None:
        self._folders = tuple(
            folder / f"run-{os.getpid()}-{name}" for folder in parents.folders
        )
        self._version = parents.version

    def make(self, *, memory: int, processes: int) -> None:
        """Make the groups and set their limits.

        Raises:
            OSError: the kernel does not allow it.
        """
        knobs: tuple[dict[str, int], ...] = (
            {"memory.limit_in_bytes": memory},
            {"pids.max": processes},
        )
        if self._version == 2:
            knobs = (
                {"memory.max": memory, "memory.swap.max": 0, "pids.max": processes},
            )
        for folder, settings in zip(self._folders, knobs, strict=False):
            folder.mkdir()
            for knob, value in settings.items():
                with _absent_swap_is_fine(knob):
                    (folder / knob).write_text(str(value))

    def add(self, process: int) -> None:
        """Move a process into the groups."""
        for folder in self._folders:
            (folder / "cgroup.procs").write_text(str(process))

    def out_of_memory(self) -> bool:
        """Tell whether the kernel ended a process of the groups for its memory."""
        for folder in self._folders:
            for name in ("memory.events", "memory.oom_control"):
                file = folder / name
                if file.exists() and re.search(
                    r"^oom_kill [1-9]", file.read_text(), re.M
                ):
                    return True
        return False

    def close(self) -> None:
        """Remove the groups; a group that is still emptying goes at the next sweep."""
        for folder in self._folders:
            _remove(folder)


@contextmanager
def _absent_swap_is_fine(knob: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        if knob != "memory.swap.max":
            raise


def _remove(group: Path) -> None:
    try:
        group.rmdir()
    except OSError:
        return

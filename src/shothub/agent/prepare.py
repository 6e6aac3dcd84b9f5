"""Make an apparatus folder ready for BLACS and the agent: profile, connection table."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shothub.agent.folder import ApparatusFolder, load
from shothub.agent.lab_files import LabFiles
from shothub.domain.faults import Fault
from shothub.shots.lab import BadLab, Lab, read_lab
from shothub.suite.connection_table import compile_connection_table
from shothub.suite.profile import labconfig_file, make_profile, suite_environment

_SEALS = "made-from"


class NotReady(Exception):
    """The apparatus folder cannot be used; ``faults`` say why and where."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """An apparatus folder that is ready.

    Attributes:
        folder: what the lab keeps in it.
        lab: its compiled connection table with the lab's limits.
        files: the lab's files as they were when they were read.
    """

    folder: ApparatusFolder
    lab: Lab
    files: LabFiles

    @property
    def state(self) -> Path:
        """Folder of the agent's and the suite's own files."""
        return self.folder.state


def prepare(path: Path) -> Prepared:
    """Read an apparatus folder, make its profile and compile its connection table.

    What was made before is made again only if what it was made from has changed.

    Raises:
        NotReady: something is wrong with the folder.
    """
    # First of all, so that what changes meanwhile is noticed later.
    files = LabFiles(path.resolve())
    folder = load(path)
    if isinstance(folder, list):
        raise NotReady(folder)
    folder.state.mkdir(parents=True, exist_ok=True)
    folder.shots.mkdir(parents=True, exist_ok=True)
    _profile(folder)
    _table(folder)
    try:
        lab = read_lab(
            folder.connection_table_h5, folder.limits, folder.orders, folder.units
        )
    except BadLab as error:
        raise NotReady([error.fault]) from error
    return Prepared(folder=folder, lab=lab, files=files)


def _profile(folder: ApparatusFolder) -> None:
    if folder.config.labscript.profile:
        return
    seal = _digest(_profile_parts(folder))
    if labconfig_file(folder.profile).exists() and _unchanged(folder, "profile", seal):
        return
    make_profile(
        folder.profile,
        apparatus_name=folder.config.name,
        connection_table=folder.connection_table_py,
        shots=folder.shots,
        user_devices=folder.user_devices,
        pythonlib=folder.pythonlib,
    )
    _seal(folder, "profile", seal)


def _table(folder: ApparatusFolder) -> None:
    parts = [folder.connection_table.encode(), *_profile_parts(folder)]
    seal = _digest(parts)
    made = folder.connection_table_h5.exists()
    if made and _unchanged(folder, "connection_table", seal):
        return
    environment = suite_environment(folder.profile)
    fault = compile_connection_table(
        folder.connection_table_py, folder.connection_table_h5, environment
    )
    if fault:
        raise NotReady([fault])
    _seal(folder, "connection_table", seal)


def _profile_parts(folder: ApparatusFolder) -> Iterator[bytes]:
    yield folder.config.name.encode()
    yield str(folder.path).encode()
    yield str(folder.shots).encode()
    for root in (*folder.user_devices, *folder.pythonlib):
        for file in sorted(root.rglob("*.py")):
            yield str(file).encode()
            yield file.read_bytes()


def _digest(parts: "Iterator[bytes] | list[bytes]") -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()


def _unchanged(folder: ApparatusFolder, what: str, seal: str) -> bool:
    file = folder.state / f"{what}.{_SEALS}"
    return file.exists() and file.read_text("ascii") == seal


def _seal(folder: ApparatusFolder, what: str, seal: str) -> None:
    (folder.state / f"{what}.{_SEALS}").write_text(seal, "ascii")

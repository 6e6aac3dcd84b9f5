"""What is wrong with an apparatus folder, everything at once."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from shothub.agent.config_faults import FILE, line_of
from shothub.agent.folder import ApparatusFolder, load
from shothub.domain.faults import Fault
from shothub.domain.limits import ShotLimits
from shothub.shots.gate import unvalidated
from shothub.shots.lab import BadLab, Lab, read_lab
from shothub.shots.validators import installed
from shothub.suite.connection_table import compile_connection_table
from shothub.suite.profile import make_profile, suite_environment

WARNINGS = frozenset({"no_limits", "no_validator", "no_procedures"})
"""Codes of faults with which an apparatus can still run some shots."""


def is_warning(fault: Fault) -> bool:
    """Tell whether an apparatus can run in spite of this fault."""
    return fault.code in WARNINGS


def check_folder(folder: Path) -> list[Fault]:
    """Return all that is wrong with an apparatus folder; nothing in it is changed.

    The connection table is compiled by labscript, in a profile made for the purpose.
    """
    read = load(folder)
    if isinstance(read, list):
        return read
    with tempfile.TemporaryDirectory(prefix="shothub-check-") as scratch:
        table = _compile_table(read, Path(scratch))
        # Without the limits, so that all of those that fit nothing are told by line.
        lab = table if isinstance(table, Fault) else _lab(read, table, ShotLimits())
    found = [lab] if isinstance(lab, Fault) else [*lab_faults(read, lab)]
    return [*found, *_no_procedures(read)]


def compile_lab(folder: ApparatusFolder, state: Path) -> Lab | Fault:
    """Compile the connection table into ``state`` and read it.

    Args:
        folder: of the apparatus.
        state: takes a profile of its own and ``connection_table.h5``.
    """
    table = _compile_table(folder, state)
    return table if isinstance(table, Fault) else _lab(folder, table, folder.limits)


def _compile_table(folder: ApparatusFolder, state: Path) -> Path | Fault:
    home, table = state / "profile", state / "connection_table.h5"
    make_profile(
        home,
        apparatus_name=folder.config.name,
        connection_table=folder.connection_table_py,
        shots=state / "shots",
        user_devices=folder.user_devices,
        pythonlib=folder.pythonlib,
    )
    environment = suite_environment(home, offscreen=True)
    fault = compile_connection_table(folder.connection_table_py, table, environment)
    return fault or table


def _lab(folder: ApparatusFolder, table: Path, limits: ShotLimits) -> Lab | Fault:
    try:
        return read_lab(table, limits, folder.orders, folder.units)
    except BadLab as error:
        return error.fault


def lab_faults(folder: ApparatusFolder, lab: Lab) -> Iterator[Fault]:
    """Yield what does not fit between apparatus.toml and the connection table."""
    text = (folder.path / FILE).read_text(encoding="utf-8")
    for name in folder.config.limits.outputs:
        if name not in lab.outputs:
            yield _unknown(
                text, ["limits", "outputs", name], "output", sorted(lab.outputs)
            )
    for name in folder.config.orders:
        if name not in lab.attached:
            yield _unknown(text, ["orders", name], "device", sorted(lab.attached))
    for name, device_class in sorted(lab.attached.items()):
        if device_class not in installed():
            yield unvalidated(name, device_class)
    if free := sorted(set(lab.outputs) - set(folder.config.limits.outputs)):
        yield Fault(
            code="no_limits",
            detail=f"Outputs without limits: {', '.join(free)}.",
            where=f"{FILE} [limits.outputs]",
            hint="bound those that can do harm; these may do all that their device can",
        )


def _unknown(text: str, keys: list[str], what: str, known: list[str]) -> Fault:
    return Fault(
        code=f"unknown_{what}",
        detail=f"{'.'.join(keys)}: the connection table has no {what} {keys[-1]!r}.",
        where=f"{FILE}:{line_of(text, keys) or 1}",
        hint=f"it has: {', '.join(known) or 'none'}",
    )


def _no_procedures(folder: ApparatusFolder) -> list[Fault]:
    if folder.procedures or "script" in folder.config.accept.kinds:
        return []
    return [
        Fault(
            code="no_procedures",
            detail="Only procedures are accepted, and there is none.",
            where="procedures",
            hint="put a labscript with GLOBALS into procedures/, or accept scripts",
        )
    ]

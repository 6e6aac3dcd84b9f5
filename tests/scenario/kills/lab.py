"""The smallest apparatus that the gate lets through: one pseudoclock, one procedure."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tests.fakes.compiled_shots import EMPTY, MARKER, PROGRAM, WAIT, Row, write_table

from shothub.agent.folder import load
from shothub.agent.lab_files import LabFiles
from shothub.agent.prepare import Prepared
from shothub.shots.lab import read_lab

PROCEDURE = "number"
ROUTINE = "reading"
SHOT_SECONDS = 0.01
ROWS: tuple[Row, ...] = (
    ("clock", "DummyPseudoclock", "None", "None", "dummy"),
    ("clock_line", "ClockLine", "clock_pseudoclock", "internal", ""),
    ("clock_pseudoclock", "_DummyPseudoclock", "clock", "pseudoclock", ""),
)
_CONFIG = """
name = "{name}"
max_shots = 1000
[storage]
minimum_free_bytes = 1_000_000
"""
_SOURCE = f'''"""Reads a number."""

GLOBALS = {{"number": {{"type": "int", "default": 0}}, "user": {{"type": "str", "default": ""}}}}
EXAMPLE = {{"number": 1}}
ROUTINES = ["{ROUTINE}"]
MULTISHOT = []
'''


def make_apparatus(folder: Path, name: str) -> Path:
    """Write an apparatus folder, its connection table compiled already."""
    (folder / "procedures").mkdir(parents=True)
    (folder / "routines").mkdir()
    (folder / "shots").mkdir()
    (folder / "apparatus.toml").write_text(_CONFIG.format(name=name))
    (folder / "connection_table.py").write_text("start()\nstop(1)\n")
    (folder / "procedures" / f"{PROCEDURE}.py").write_text(_SOURCE)
    (folder / "routines" / f"{ROUTINE}.py").write_text("pass\n")
    return folder


def prepared(folder: Path, state: str) -> Prepared:
    """Return the apparatus as the agent of the state folder ``state`` finds it."""
    files = LabFiles(folder.resolve())
    lab = load(folder)
    if isinstance(lab, list):
        raise AssertionError(lab)
    storage = lab.config.storage.model_copy(update={"state": state})
    lab = replace(lab, config=lab.config.model_copy(update={"storage": storage}))
    lab.state.mkdir(exist_ok=True)
    if not lab.connection_table_h5.exists():
        write_table(lab.connection_table_h5, ROWS)
    return Prepared(
        folder=lab, lab=read_lab(lab.connection_table_h5, lab.limits), files=files
    )


def content() -> dict[str, Any]:
    """Return the nodes of a shot, but for its globals."""
    tick = round(SHOT_SECONDS / 25e-9)
    return {
        "/": {"script_basename": PROCEDURE},
        "devices": {},
        "devices/clock": {"is_master_pseudoclock": np.True_, "stop_time": 0.0},
        "devices/clock/PULSE_PROGRAM": np.array([(tick, 2), (0, 0)], PROGRAM),
        "calibrations": {},
        "time_markers": np.empty(0, MARKER),
        "waits": np.empty(0, WAIT),
        "script": "start()\nstop(1)\n",
        "shot_properties": {
            "target_cycle_time": f"{EMPTY[:-2]}null",
            "cycle_time_delay_after_programming": np.False_,
        },
    } | {
        "devices/clock": {"is_master_pseudoclock": np.True_, "stop_time": SHOT_SECONDS}
    }

"""The example lab in a folder of its own, with the suite's own compiler and lyse."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py

from shothub.sim.frames import seed_of, take_frames
from shothub.sim.lab_files import make_lab
from shothub.sim.physics.imaging import Camera
from shothub.sim.shot_file import pack, read_exposures, read_program, write_images
from shothub.suite.connection_table import compile_connection_table
from shothub.suite.profile import compiled_table, make_profile, suite_environment

COMPILER = """\
import json, sys, types
import labscript_utils.h5_lock, h5py, labscript
for order in json.load(sys.stdin):
    with h5py.File(order["shot"], "w") as file:
        file.create_group("globals").attrs.update(order["globals"])
        file.attrs.update({"sequence_id": "20260101T000000_test", "run number": order["number"]})
        file.attrs.update({"n_runs": 1, "script_basename": "test"})
        file.attrs.update({"sequence_index": 0, "sequence_date": "2026-01-01"})
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    labscript.labscript_init(order["shot"], labscript_file=order["script"])
    try:
        exec(compile(open(order["script"]).read(), order["script"], "exec"), vars(module))
    finally:
        labscript.labscript_cleanup()
"""
ANALYST = """\
import json, sys, types, warnings
import labscript_utils.h5_lock, h5py
import lyse, lyse.utils.worker as worker
import lyse.dataframe_utilities as tables
import matplotlib.pyplot as plt
order = json.load(sys.stdin)

def run(routine, path):
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    module.__file__ = routine
    worker.path, worker.spinning_top, worker._updated_data = path, True, {}
    exec(compile(open(routine).read(), routine, "exec"), vars(module))
    for name in plt.get_figlabels():
        figures.append(name)
    plt.close("all")

def results(path):
    with h5py.File(path) as file:
        groups = file["results"] if "results" in file else {}
        return {n: {k: float(v) for k, v in g.attrs.items()} for n, g in groups.items()}

figures = []
for shot in order["shots"]:
    for routine in order["single"]:
        run(routine, shot)
if order["multi"]:
    frame = tables.get_dataframe_from_shots(order["shots"])
    frame = tables.rangeindex_to_multiindex(frame, inplace=False)
    lyse.data = lambda *a, **k: frame.copy()
    run(order["multi"], order["sequence"])
    found = results(order["sequence"])
else:
    found = {}
json.dump({"shots": [results(s) for s in order["shots"]], "multi": found,
           "figures": figures}, open(order["answer"], "w"))
"""


class SimLab:
    """A copy of the example lab with a profile and a compiled connection table."""

    def __init__(self, target: Path) -> None:
        make_lab(target)
        self.folder = target
        self.state = target / "state"
        self.shots = target / "shots"
        home = self.state / "profile"
        table = target / "connection_table.py"
        make_profile(
            home,
            apparatus_name="sim",
            connection_table=table,
            shots=self.shots,
            user_devices=[target / "user_devices" / "shothub_sim"],
        )
        self.environment = suite_environment(home, offscreen=True)
        fault = compile_connection_table(
            table, compiled_table(self.state), self.environment
        )
        assert fault is None, fault

    def compile(
        self, script: str, globals_: Sequence[Mapping[str, float | str]]
    ) -> list[Path]:
        """Compile one shot for each mapping of globals with stock labscript."""
        name = Path(script).stem
        taken = len(list(self.shots.glob("*.h5")))
        paths = [self.shots / f"{taken + i}_{name}.h5" for i in range(len(globals_))]
        orders = [
            {
                "script": str(self.folder / script),
                "shot": str(path),
                "globals": values,
                "number": number,
            }
            for number, (path, values) in enumerate(zip(paths, globals_, strict=True))
        ]
        self._python(COMPILER, orders)
        return paths

    def run(
        self, script: str, globals_: Sequence[Mapping[str, float | str]]
    ) -> list[Path]:
        """Compile shots and put the camera's images into them, without BLACS."""
        paths = self.compile(script, globals_)
        for path in paths:
            self.image(path)
        return paths

    def image(self, path: Path, lab_seed: int = 1995) -> None:
        """Write the images as the camera's worker does."""
        camera = Camera()
        with h5py.File(path, "r+") as file:
            exposures = read_exposures(file["devices/camera"])
            seed = seed_of(dict(file.attrs), lab_seed)
            frames = take_frames(read_program(file), exposures, camera, seed)
            attributes = {
                "camera": "camera",
                "pixel_at_atoms": camera.pixel,
                "quantum_efficiency": camera.quantum_efficiency,
                "electrons_per_count": camera.electrons_per_count,
            }
            write_images(file, "images/side", attributes, pack(frames))

    def analyse(
        self, shots: Sequence[Path], single: Sequence[str], multi: str = ""
    ) -> dict[str, Any]:
        """Run the lab's routines with stock lyse; return what they saved."""
        routines = self.folder / "routines"
        answer = self.folder / "answer.json"
        sequence = self.folder / "sequence.h5"
        sequence.unlink(missing_ok=True)
        order = {
            "shots": [str(shot) for shot in shots],
            "single": [str(routines / f"{name}.py") for name in single],
            "multi": str(routines / f"{multi}.py") if multi else "",
            "sequence": str(sequence),
            "answer": str(answer),
        }
        self._python(ANALYST, order)
        found: dict[str, Any] = json.loads(answer.read_text())
        return found

    def _python(self, program: str, order: object) -> None:
        paths = f"{self.folder}"
        ended = subprocess.run(
            [sys.executable, "-c", program],
            env=self.environment
            | {
                "READTHEDOCS": "1",
                "MPLBACKEND": "Agg",
                "PYTHONPATH": paths,
                "OMP_NUM_THREADS": "1",
            },
            input=json.dumps(order),
            text=True,
            capture_output=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr[-3000:]

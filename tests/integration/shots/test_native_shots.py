"""What labscript itself compiled goes through the gate and comes out the same."""

import importlib.util
import json
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from tests.fakes.compiled_shots import end, frames_of_file, node, shot_head

from shothub.domain.limits import OutputLimit, ShotLimits
from shothub.shots.decode import Bounds, RawFrame, Undecodable, assemble
from shothub.shots.gate import Admitted, Refused, admit
from shothub.shots.lab import Lab, read_lab
from shothub.shots.rebuild import sequence, write_shot
from shothub.shots.traces import Trace
from shothub.shots.tree import DecodedShot

TABLE = """
from labscript import start, stop, AnalogOut, DigitalOut, Shutter
from labscript_devices.DummyPseudoclock.labscript_devices import DummyPseudoclock
from labscript_devices.DummyIntermediateDevice import DummyIntermediateDevice
from shothub.sim.devices.labscript_devices import SimulatedCamera, SimulatedOutputs

DummyPseudoclock("clock")
SimulatedOutputs("card", clock.clockline)
AnalogOut("coil", card, "ao0")
AnalogOut("bias", card, "ao1")
DigitalOut("light", card, "do0")
SimulatedCamera("camera", card, "do5", orientation="side")
DummyIntermediateDevice("dummies", clock.clockline)
AnalogOut("spare", dummies, "ao0")
Shutter("blade", dummies, "port0/line0", delay=(0.002, 0.003))
"""
RAMPS = f"""{TABLE}
start()
coil.constant(0, 1.5)
coil.ramp(0.1, duration=0.2, initial=1.5, final=4.0, samplerate=1e3)
bias.sine(0.1, duration=0.2, amplitude=2, angfreq=50, phase=0, dc_offset=0.5, samplerate=2e3)
spare.exp_ramp(0.5, duration=0.1, initial=1.0, final=0.1, samplerate=1e4)
light.go_high(0.1)
light.go_low(0.25)
blade.open(0.3)
blade.close(0.4)
for i, frame in enumerate(("atoms", "light", "dark")):
    camera.expose(0.7 + 0.05 * i, "absorption", frame, 1e-3)
stop(tof + 1)
"""


def example(name: str) -> str:
    spec = importlib.util.find_spec("labscript_profile")
    assert spec is not None
    assert spec.origin is not None
    folder = (
        Path(spec.origin).parent
        / "default_profile/userlib/labscriptlib/example_apparatus"
    )
    return (folder / f"{name}.py").read_text()


def steps(seed: int) -> tuple[str, dict[str, list[tuple[float, float]]]]:
    """Return a random script of steps and what each output is to do."""
    draw = random.Random(seed)
    times = sorted(
        {round(draw.uniform(0, 3), 4) for _ in range(draw.randint(1, 12))} | {0.0}
    )
    asked: dict[str, list[tuple[float, float]]] = {"coil": [], "light": [], "spare": []}
    lines = []
    for time in times:
        for name, course in asked.items():
            if time and draw.random() < 0.5:
                continue
            digital = name == "light"
            value = (
                float(draw.randint(0, 1)) if digital else round(draw.uniform(-5, 5), 6)
            )
            call = ("go_high" if value else "go_low") if digital else "constant"
            arguments = f"{time}" if digital else f"{time}, {value}"
            lines.append(f"{name}.{call}({arguments})")
            course.append((time, value))
    return "\n".join([TABLE, "start()", *lines, "stop(3.5)"]), asked


STEPS = {f"steps{seed}": steps(seed) for seed in range(25)}


@pytest.fixture(scope="module")
def compiled(compile_natively: Callable[..., dict[str, Path]]) -> dict[str, Path]:
    scripts: dict[str, tuple[str, Mapping[str, Any]]] = {
        "table": (f"{TABLE}\nstart()\nstop(1)", {}),
        "ramps": (
            RAMPS,
            {"tof": 0.25, "n": 3, "species": "x", "scan": [1.0, 2.0], "on": True},
        ),
        "stock_table": (
            example("connection_table").replace("__name__ == '__main__'", "True"),
            {},
        ),
        "stock": (example("example_experiment"), {"x": 1.0}),
        "miswired": (
            TABLE.replace('"ao1")', '"ao2")').replace('"side"', '"top"')
            + "\nstart()\nstop(1)",
            {},
        ),
        "waiting": (
            f"{TABLE}\nstart()\nwait('atoms', 0.5)\nstop(1)".replace(
                "stop, A", "stop, wait, A"
            ),
            {},
        ),
        "partial": (
            "\n".join(line for line in TABLE.splitlines() if "bias" not in line)
            + "\nstart()\ncoil.constant(0, 1)\nstop(1)",
            {},
        ),
    }
    return compile_natively(
        scripts | {name: (text, {}) for name, (text, _) in STEPS.items()}
    )


@pytest.fixture(scope="module")
def lab(compiled: dict[str, Path]) -> Lab:
    return read_lab(compiled["table"], ShotLimits(max_duration=10))


def shot_of(path: Path, *, table: bool = True, **values: Any) -> DecodedShot:
    frames = [*frames_of_file(path, values=values, table=table), end()]
    (shot,) = assemble(frames, Bounds(shots=1))
    return shot


def admitted(path: Path, lab: Lab, **values: Any) -> Admitted:
    judged = admit(shot_of(path, **values), lab)
    assert isinstance(judged, Admitted), judged
    return judged


def at(trace: Trace, time: float) -> float:
    return float(trace.values[np.searchsorted(trace.times, time + 1e-7) - 1])


def test_traces_of_ramps_are_what_the_script_asked_for(
    compiled: dict[str, Path], lab: Lab
) -> None:
    traces = admitted(compiled["ramps"], lab).traces
    for time in np.linspace(0.1, 0.299, 50).round(3):
        assert at(traces["coil"], time) == pytest.approx(
            1.5 + (time - 0.1) / 0.2 * 2.5, abs=0.02
        )
        wanted = 2 * np.sin(50 * (time - 0.1)) + 0.5
        assert at(traces["bias"], time) == pytest.approx(wanted, abs=0.06)
    assert at(traces["coil"], 0.05) == 1.5
    assert at(traces["coil"], 1.0) == 4.0
    assert [at(traces["light"], t) for t in (0.05, 0.15, 0.3)] == [0, 1, 0]
    assert at(traces["spare"], 0.61) == pytest.approx(0.1)


def test_a_camera_exposes_when_its_trigger_is_high(
    compiled: dict[str, Path], lab: Lab
) -> None:
    shot = admitted(compiled["ramps"], lab)
    table = shot.devices["camera"].datasets["EXPOSURES"]
    assert table["frametype"].tolist() == [b"atoms", b"light", b"dark"]
    for exposure in table:
        assert at(shot.traces["camera_trigger"], exposure["t"] + 5e-4) == 1
        assert at(shot.traces["camera_trigger"], exposure["t"] - 5e-4) == 0


@pytest.mark.parametrize("name", STEPS)
def test_traces_of_random_steps_are_what_the_script_asked_for(
    name: str, compiled: dict[str, Path], lab: Lab
) -> None:
    traces = admitted(compiled[name], lab).traces
    for output, course in STEPS[name][1].items():
        for (time, value), (following, _) in zip(
            course, [*course[1:], (3.5, 0)], strict=True
        ):
            assert at(traces[output], time) == value
            assert at(traces[output], (time + following) / 2) == value


def test_the_duration_is_that_of_the_script(
    compiled: dict[str, Path], lab: Lab
) -> None:
    assert admitted(compiled["ramps"], lab).duration == pytest.approx(1.25, abs=1e-5)


def test_limits_hold_for_what_labscript_compiled(compiled: dict[str, Path]) -> None:
    limits = ShotLimits(
        outputs={"coil": OutputLimit(maximum=3.9), "bias": OutputLimit(minimum=-3)}
    )
    judged = admit(shot_of(compiled["ramps"]), read_lab(compiled["table"], limits))
    assert isinstance(judged, Refused)
    assert [fault.where for fault in judged.faults] == ["limits.outputs.coil"]


def test_the_stock_example_passes_on_the_stock_connection_table(
    compiled: dict[str, Path],
) -> None:
    lab = read_lab(compiled["stock_table"], ShotLimits())
    traces = admitted(compiled["stock"], lab).traces
    assert at(traces["analog_out"], 1.6) == pytest.approx(0.4, abs=0.005)
    assert [at(traces["digital_out"], t) for t in (0.5, 1.5, 2.0)] == [0, 1, 0]


def test_a_shot_may_leave_outputs_out(compiled: dict[str, Path], lab: Lab) -> None:
    assert "bias" not in admitted(compiled["partial"], lab).traces


def test_another_wiring_than_the_labs_is_refused_in_words(
    compiled: dict[str, Path], lab: Lab
) -> None:
    judged = admit(shot_of(compiled["miswired"]), lab)
    assert isinstance(judged, Refused)
    text = " ".join(map(str, judged.faults))
    assert (
        "bias: it is connected to card ao2; the lab's is connected to card ao1" in text
    )
    assert "camera: its properties are not the lab's: orientation" in text


def test_a_script_that_waits_is_refused_in_words(
    compiled: dict[str, Path], lab: Lab
) -> None:
    judged = admit(shot_of(compiled["waiting"]), lab)
    assert isinstance(judged, Refused)
    assert [fault.code for fault in judged.faults] == ["waits_unsupported"]
    assert "The script calls wait()" in judged.faults[0].detail


def test_another_lab_is_refused_device_by_device(
    compiled: dict[str, Path], lab: Lab
) -> None:
    judged = admit(shot_of(compiled["stock"]), lab)
    assert isinstance(judged, Refused)
    assert {"unknown_device", "no_master_pseudoclock"} <= {
        f.code for f in judged.faults
    }


@pytest.fixture(scope="module")
def rebuilt(
    compiled: dict[str, Path], lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("rebuilt") / "abcd2345_0.h5"
    values = {
        "tof": 0.25,
        "n": 3,
        "species": "x",
        "scan": [1.0, 2.0],
        "on": True,
        "none": None,
    }
    made = datetime(2026, 11, 22, 12, tzinfo=UTC)
    attributes: dict[str, Any] = {"job_id": "abcd2345", "owner": "alice", "epoch": 1}
    write_shot(
        admitted(compiled["ramps"], lab, **values),
        lab,
        path,
        attributes | dict(sequence(source="ramps", submitted=made, index=4)),
    )
    return path


def test_a_rebuilt_file_has_the_devices_of_the_native_one(
    compiled: dict[str, Path], rebuilt: Path
) -> None:
    with h5py.File(compiled["ramps"]) as native, h5py.File(rebuilt) as ours:
        assert set(ours["devices"]) == set(native["devices"])
        for name, group in native["devices"].items():
            assert dict(ours["devices"][name].attrs) == dict(group.attrs), name
            assert set(ours["devices"][name]) == set(group), name
            for table, dataset in group.items():
                assert (ours["devices"][name][table][()] == dataset[()]).all(), table
                assert ours["devices"][name][table].dtype == dataset.dtype, table
        for name in ("waits", "time_markers", "shot_properties"):
            assert dict(ours[name].attrs) == dict(native[name].attrs)
        assert set(native) - set(ours) <= {"labscriptlib"}
        assert set(native["globals"].attrs) < set(ours["globals"].attrs)


LYSE = """
import json, sys
import lyse
path = sys.argv[1]
run, row = lyse.Run(path, no_write=True), lyse.data(path)
values = run.get_globals()
print("\\nOUT" + json.dumps({
    "globals": {k: v.tolist() if hasattr(v, "tolist") else v for k, v in values.items()},
    "row": {k: str(row[k]) for k in ("sequence", "run number", "n_runs", "labscript")},
}, default=lambda reference: bool(reference) or None))
"""


def test_stock_lyse_reads_a_rebuilt_file(
    rebuilt: Path, in_suite: Callable[..., str]
) -> None:
    told = json.loads(in_suite(LYSE, rebuilt).split("OUT")[1])
    assert told["globals"] == {
        "tof": 0.25,
        "n": 3,
        "species": "x",
        "scan": [1.0, 2.0],
        "on": True,
        "none": None,
    }
    assert told["row"]["run number"] == "0"
    assert told["row"]["labscript"] == "ramps.py"
    assert told["row"]["sequence"].startswith("2026-11-22 12:00:00")


BLACS = """
import sys
import labscript_utils.h5_lock
from labscript_utils.connections import ConnectionTable
from labscript_utils import properties
import h5py
lab, ours, native = map(ConnectionTable, sys.argv[1:])
assert lab.compare_to(ours) == (True, {}), lab.compare_to(ours)
assert ours.compare_to(native) == (True, {}), ours.compare_to(native)
assert ours.master_pseudoclock == "clock"
with h5py.File(sys.argv[2]) as file:
    assert properties.get_attribute(file["shot_properties"], "target_cycle_time") is None
    for name in ours.get_attached_devices():
        found = properties.get(file, name, "device_properties")
        assert found["start_order"] == found["stop_order"] == 0
print("fine")
"""


def test_blacs_own_check_of_the_connection_table_passes(
    compiled: dict[str, Path], rebuilt: Path, in_suite: Callable[..., str]
) -> None:
    assert "fine" in in_suite(BLACS, compiled["table"], rebuilt, compiled["ramps"])


EVIL: dict[str, list[RawFrame]] = {
    "function table": [
        node("devices/card/FUNCTION_TABLE", "import os; os.system('evil')"),
    ],
    "front panel": [
        node("front_panel"),
        node(
            "front_panel/_notebook_data",
            attributes={"analysis_data": "__import__('os')"},
        ),
    ],
    "preferences": [node("preferences", attributes={"data": "__import__('os')"})],
}


def written_blindly(frames: list[RawFrame], path: Path) -> None:
    """Write what frames say, as a server without a gate would."""
    with h5py.File(path, "w") as file:
        for kind, head, _ in frames:
            if kind != b"N":
                continue
            entry = json.loads(head)
            group = file.require_group(entry["path"])
            for name, value in entry["attributes"].items():
                group.attrs[name] = (value["text"] or [value["data"]])[0]


@pytest.mark.parametrize("name", EVIL)
def test_what_blacs_would_execute_is_refused_and_would_be_written_without_the_gate(
    name: str, compiled: dict[str, Path], tmp_path: Path
) -> None:
    honest = frames_of_file(compiled["ramps"])
    with pytest.raises(Undecodable) as refusal:
        assemble([*honest, *EVIL[name], end()], Bounds(shots=1))
    assert refusal.value.fault.code == "forbidden_content"
    written_blindly([*shot_head(), *EVIL[name]], tmp_path / "control.h5")
    with h5py.File(tmp_path / "control.h5") as file:
        assert json.loads(EVIL[name][0][1])["path"] in file

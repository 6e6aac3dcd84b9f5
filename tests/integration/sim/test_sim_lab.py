"""The example lab: its scripts compile, and its routines find what the physics put there."""

import ast
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from tests.fakes.compiled_shots import end, frames_of_file
from tests.fakes.sim_lab import SimLab

from shothub.agent.folder import load
from shothub.domain.parameters import check_values
from shothub.domain.scans import Scan
from shothub.shots.decode import Bounds, assemble
from shothub.shots.gate import Admitted, Refused, admit
from shothub.shots.lab import read_lab
from shothub.sim.expected import atom_number, expected
from shothub.sim.lab_files import LAB, make_lab
from shothub.suite.profile import compiled_table

PROCEDURES = sorted(path.stem for path in (LAB / "procedures").glob("*.py"))


def example(name: str) -> list[dict[str, float | str]]:
    """Return the globals of each shot of a procedure's own example."""
    folder = load(LAB)
    assert not isinstance(folder, list), folder
    procedure = folder.procedures[name]
    values, faults = check_values(
        procedure.parameters, procedure.example, max_shots=100
    )
    assert not faults
    (scanned,) = [key for key, value in values.items() if isinstance(value, Scan)]
    fixed = {k: v for k, v in values.items() if not isinstance(v, Scan)}
    scan = values[scanned]
    assert isinstance(scan, Scan)
    return [fixed | {scanned: value} for value in scan.values]


def routines(name: str) -> tuple[list[str], str]:
    folder = load(LAB)
    assert not isinstance(folder, list), folder
    procedure = folder.procedures[name]
    return list(procedure.routines), next(iter(procedure.multishot), "")


def column(found: Mapping[str, Any], routine: str, name: str) -> np.ndarray:
    return np.array([shot[routine][name] for shot in found["shots"]])


def test_the_apparatus_folder_has_no_faults() -> None:
    assert not isinstance(load(LAB), list), load(LAB)


def test_a_lab_is_copied_once_and_never_over_another(tmp_path: Path) -> None:
    make_lab(tmp_path / "lab")
    assert (tmp_path / "lab" / "apparatus.toml").is_file()
    assert not list((tmp_path / "lab").rglob("__pycache__"))
    with pytest.raises(FileExistsError):
        make_lab(tmp_path / "lab")


@pytest.mark.parametrize("name", PROCEDURES)
def test_the_images_of_an_example_hold_the_expected_atoms(
    sim_lab: SimLab, name: str
) -> None:
    points = example(name)
    shots = sim_lab.run(f"procedures/{name}.py", points[:: max(1, len(points) // 7)])
    single, multi = routines(name)
    found = sim_lab.analyse(shots, single, multi)
    atoms = column(found, "atom_number", "atoms")
    truth = np.array([atom_number(shot) for shot in shots])
    # A clipped magneto-optical trap and the deepest ramp deviate most.
    slack = 0.2 if name == "mot_loading" else 0.1
    assert (np.abs(atoms - truth) < slack * truth + 3000).all(), (atoms, truth)
    assert bool(multi) == bool(found["multi"])
    assert found["figures"]


def test_the_temperature_is_recovered_from_the_time_of_flight(sim_lab: SimLab) -> None:
    flights = np.linspace(5e-3, 25e-3, 6)
    shots = sim_lab.run(
        "procedures/bec_tof.py",
        [{"tof": float(t), "evaporation_end": 1.2} for t in flights],
    )
    single, multi = routines("bec_tof")
    found = sim_lab.analyse(shots, single, multi)
    result = found["multi"][multi]
    truth = 1e9 * expected(shots[0]).temperature
    assert result["temperature_nK"] == pytest.approx(truth, rel=0.05)
    assert result["temperature_error_nK"] < 0.05 * truth
    assert result["gravity"] == pytest.approx(9.81, rel=0.01)


def test_the_fit_recovers_both_parts_of_a_bimodal_cloud(sim_lab: SimLab) -> None:
    shots = sim_lab.run(
        "procedures/bec_tof.py",
        [{"tof": t, "evaporation_end": 0.75} for t in (10e-3, 15e-3, 20e-3, 25e-3)],
    )
    found = sim_lab.analyse(shots, ["atom_number", "bimodal_fit"])
    truth = expected(shots[0])
    atoms = column(found, "bimodal_fit", "atoms")
    temperature = column(found, "bimodal_fit", "temperature_nK")
    fraction = column(found, "bimodal_fit", "condensate_fraction")
    assert atoms == pytest.approx(truth.atoms, rel=0.07)
    assert temperature == pytest.approx(1e9 * truth.temperature, rel=0.12)
    assert fraction == pytest.approx(truth.condensed / truth.atoms, abs=0.05)


def test_the_fit_sees_the_condensate_grow_with_the_evaporation(sim_lab: SimLab) -> None:
    ends = (1.2, 0.9, 0.8, 0.75, 0.72)
    shots = sim_lab.run(
        "procedures/evaporation.py",
        [
            {"evaporation_end": end, "evaporation_time": 0.4, "tof": 15e-3}
            for end in ends
        ],
    )
    found = sim_lab.analyse(shots, ["atom_number", "bimodal_fit"])
    fraction = column(found, "bimodal_fit", "condensate_fraction")
    assert fraction[:2] == pytest.approx([0, 0], abs=0.02)
    assert (np.diff(fraction[1:]) > 0.05).all(), fraction


def test_the_rabi_frequency_is_the_one_of_the_amplitude(sim_lab: SimLab) -> None:
    shots = sim_lab.run("procedures/rabi.py", example("rabi")[::2])
    result = sim_lab.analyse(shots, *routines("rabi"))["multi"]["rabi_fit"]
    assert result["rabi_frequency_kHz"] == pytest.approx(2.0, rel=0.02)
    assert result["pi_time_us"] == pytest.approx(250, rel=0.02)
    assert result["contrast"] > 0.9


def test_a_users_own_script_with_runmanagers_globals_file_works(
    sim_lab: SimLab,
) -> None:
    file = sim_lab.folder / "my_globals.h5"
    script = sim_lab.folder / "examples" / "make_globals.py"
    subprocess.run(
        [sys.executable, str(script), str(file)],
        env=sim_lab.environment | {"READTHEDOCS": "1"},
        check=True,
    )
    with h5py.File(file) as globals_file:
        pulse = globals_file["globals/pulse"]
        assert pulse.attrs["pulse_duration"] == "linspace(50e-6, 1.05e-3, 6)"
        assert pulse["expansion"].attrs["pulse_duration"] == "outer"
    values = [
        {"pulse_duration": d, "pulse_amplitude": 1.0, "hold_time": 0.02}
        for d in np.linspace(50e-6, 1.05e-3, 6).tolist()
    ]
    shots = sim_lab.run("examples/my_rabi.py", values)
    atoms = column(sim_lab.analyse(shots, ["atom_number"]), "atom_number", "atoms")
    truth = np.array([atom_number(shot) for shot in shots])
    assert (np.abs(atoms - truth) < 0.1 * truth + 3000).all(), (atoms, truth)


def test_the_same_shot_gives_the_same_images(sim_lab: SimLab) -> None:
    values = [{"tof": 15e-3, "evaporation_end": 0.75}]
    frames = []
    for seed in (1995, 1995, 1996):
        (shot,) = sim_lab.compile("procedures/bec_tof.py", values)
        sim_lab.image(shot, lab_seed=seed)
        with h5py.File(shot) as file:
            frames.append(file["images/side/absorption/atoms"][()])
    assert (frames[0] == frames[1]).all()
    assert (frames[0] != frames[2]).any()


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("evaporate(t, end=20)", "evaporate: end = 20 MHz is outside 0.5 to 15.0 MHz"),
        ("hold(t, -1)", "hold: duration = -1 s is outside 0 to 10 s"),
        ("hold(t, float('nan'))", "hold: duration = nan s is outside 0 to 10 s"),
        ("hold(t, 'long')", "hold: duration is a number in s, not 'long'"),
        ("rf_pulse(t, 1e-6)", "rf_pulse: duration = 1e-06 s is outside 5e-06"),
        ("image(t, state='F=1')", 'image: state is "all" or "F=2", not \'F=1\''),
    ],
)
def test_a_wrong_argument_is_refused_in_words(
    sim_lab: SimLab, step: str, message: str
) -> None:
    script = sim_lab.folder / "wrong.py"
    script.write_text(
        f"from labscriptlib.bec import *\nt = begin()\nt = prepare_bec(t)\n{step}\n"
    )
    with pytest.raises(AssertionError) as failed:
        sim_lab.compile("wrong.py", [{}])
    assert message in str(failed.value)


def test_every_function_of_the_api_says_what_it_takes_in_which_units() -> None:
    module = ast.parse((LAB / "labscriptlib" / "bec.py").read_text())
    for function in module.body:
        if isinstance(function, ast.FunctionDef) and function.name[0] != "_":
            text = ast.get_docstring(function) or ""
            for argument in function.args.args:
                assert f"{argument.arg}: " in text, (function.name, argument.arg)


def judged(sim_lab: SimLab, shot: Path) -> Admitted | Refused:
    folder = load(LAB)
    assert not isinstance(folder, list), folder
    lab = read_lab(compiled_table(sim_lab.state), folder.limits)
    (decoded,) = assemble([*frames_of_file(shot), end()], Bounds(shots=1))
    return admit(decoded, lab)


@pytest.mark.parametrize("name", PROCEDURES)
def test_the_labs_own_limits_admit_its_procedures(sim_lab: SimLab, name: str) -> None:
    points = example(name)
    for shot in sim_lab.compile(f"procedures/{name}.py", [points[0], points[-1]]):
        verdict = judged(sim_lab, shot)
        assert isinstance(verdict, Admitted), verdict


@pytest.mark.parametrize(
    ("steps", "output"),
    [
        ("chip_current.constant(0.1, 4.5)", "chip_current"),
        ("mot_gradient.constant(0.1, 26)", "mot_gradient"),
        ("bias_field.constant(0.15, 1)", "bias_field"),
    ],
)
def test_the_labs_limits_refuse_what_would_harm_the_machine(
    sim_lab: SimLab, steps: str, output: str
) -> None:
    script = sim_lab.folder / "harmful.py"
    script.write_text(
        f"from labscript import stop\nfrom labscriptlib.bec import *\nt = begin()\n"
        f"{steps}\nstop(0.2)\n"
    )
    (shot,) = sim_lab.compile("harmful.py", [{}])
    verdict = judged(sim_lab, shot)
    assert isinstance(verdict, Refused)
    assert {f"limits.outputs.{output}"} == {fault.where for fault in verdict.faults}

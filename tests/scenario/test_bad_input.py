"""Bad scripts: each gets a clear error with a code and a place, and the next job runs."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from shothub.client import Apparatus
from shothub.client.errors import JobFailed, Refused

GOOD = """\
from labscriptlib.bec import begin, finish, image, prepare_bec, time_of_flight

t = begin()
t = prepare_bec(t, evaporation_end=0.75)
t = time_of_flight(t, 10e-3)
t = image(t)
finish(t)
"""


def script(folder: Path, text: str) -> Path:
    path = folder / "experiment.py"
    path.write_text(text)
    return path


def runs(apparatus: Apparatus) -> bool:
    """Tell whether a good job still comes to its end."""
    job = apparatus.run(procedure="bec_tof", globals={"tof": 10e-3})
    return job.wait(progress=False).state == "done"


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("x = 1\nraise ValueError('no')\n", "compile_error", "experiment.py:2"),
        ("x = 1\nprepare_bce()\n", "compile_error", "experiment.py:2"),
        ("x = (1\n", "", "experiment.py:1"),
        ("import sys\nsys.exit(0)\n", "", "experiment.py:2"),
        ("import nonesuch\n", "", "experiment.py:1"),
        ("while True: pass\n", "", ""),
        ("import os\nwhile True: os.fork()\n", "", ""),
        ("print('x' * 100_000_000)\n", "", ""),
        (
            "f = open('/tmp/x', 'wb')\nfor _ in range(10_000): f.write(bytes(1 << 20))\n",
            "",
            "",
        ),
        ("x = [0] * 10**10\n", "", ""),
    ],
    ids=[
        "raises",
        "misspells",
        "no syntax",
        "exits",
        "imports",
        "loops",
        "forks",
        "prints",
        "writes",
        "hoards",
    ],
)
def test_a_bad_script_is_told_what_is_wrong_and_the_next_job_runs(
    bob: Apparatus, folder: Path, text: str, code: str, place: str
) -> None:
    job = bob.run(script=script(folder, text))
    with pytest.raises(JobFailed) as caught:
        job.wait(progress=False)
    fault = job.view.faults[0]
    assert fault.code
    assert fault.detail
    assert code in fault.code
    assert place in fault.where
    assert "shothub/" not in str(caught.value)
    assert runs(bob)


def runmanagers(values: dict[str, str]) -> Callable[[Path], None]:
    """Return what writes these expressions as runmanager stores globals."""

    def write(path: Path) -> None:
        with h5py.File(path, "w") as file:
            group = file.create_group("globals/mine")
            group.create_group("units")
            group.create_group("expansion")
            for name, value in values.items():
                group.attrs[name] = value
                group["units"].attrs[name] = ""
                group["expansion"].attrs[name] = ""

    return write


def linked(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["globals"] = h5py.ExternalLink("/etc/passwd", "/")


def circular(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_group("globals")["again"] = h5py.SoftLink("/globals")


def huge(path: Path) -> None:
    with h5py.File(path, "w") as file:
        mine = file.create_group("globals")
        mine.create_dataset("x", (10**12,), "f8", chunks=(10**6,), compression=9)
        mine.attrs["y"] = np.zeros(8_000)


BAD_GLOBALS: dict[str, tuple[Callable[[Path], object], str]] = {
    "none.h5": (lambda path: path.write_bytes(b"this is not HDF5"), "none.h5"),
    "torn.h5": (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" * 99), "torn.h5"),
    "bytes.h5": (lambda path: path.write_bytes(bytes(15_000_000)), "bytes.h5"),
    "linked.h5": (linked, ""),
    "circular.h5": (circular, ""),
    "huge.h5": (huge, ""),
    "hoards.h5": (runmanagers({"x": "[0] * 10**10"}), ""),
    "computes.h5": (runmanagers({"x": "9**9**9"}), ""),
    "reads.h5": (runmanagers({"x": "open('/etc/shadow').read()"}), "mine.x"),
    "exits.h5": (runmanagers({"x": "exit()"}), ""),
    "counts.h5": (runmanagers({"x": "range(10**9)"}), ""),
    "list.json": (lambda path: path.write_text("[1, 2]"), "list.json"),
    "deep.json": (lambda path: path.write_text('{"a":' * 9_999), "deep.json"),
    "nan.json": (lambda path: path.write_text('{"x": NaN}'), ""),
    "torn.toml": (lambda path: path.write_text("x = ["), "torn.toml"),
    "latin.toml": (lambda path: path.write_bytes(b'x = "\xe9"'), "latin.toml"),
}


@pytest.mark.parametrize("name", BAD_GLOBALS)
def test_a_bad_globals_file_is_told(bob: Apparatus, folder: Path, name: str) -> None:
    make, where = BAD_GLOBALS[name]
    make(folder / name)
    job = bob.run(script=script(folder, GOOD), globals_file=folder / name)
    job.wait(60, progress=False, raise_on_failure=False)
    if name in ("circular.h5", "counts.h5", "huge.h5"):
        return  # a strange group of globals that harms nobody
    assert job.view.state == "failed"
    assert job.view.faults[0].detail
    assert where in job.view.faults[0].where


def test_an_expression_starts_no_process(bob: Apparatus, folder: Path) -> None:
    values = {"x": "__import__('os').system('true')"}
    runmanagers(values)(folder / "calls.h5")
    job = bob.run(script=script(folder, GOOD), globals_file=folder / "calls.h5")
    (shot,) = job.wait(60, progress=False).shots()
    assert shot.globals["x"] != 0


STRANGE = {
    "another pseudoclock": (
        "from labscript import start, stop\n"
        "from labscript_devices.PulseBlasterUSB import PulseBlasterUSB\n"
        "PulseBlasterUSB(name='pb')\nstart()\nstop(1)\n",
        ["no device 'pb'"],
    ),
    "another device": (
        "import connection_table\n"
        "from labscript import DigitalOut, start, stop\n"
        "from labscript_devices.DummyIntermediateDevice import DummyIntermediateDevice\n"
        "connection_table.build()\n"
        "DummyIntermediateDevice('extra', clock.clockline, 'COM1')\n"
        "DigitalOut('more', extra, 'do0')\n"
        "start()\nstop(1)\n",
        ["extra"],
    ),
    "beyond a limit": (
        GOOD.replace("finish(t)", "chip_current.constant(t, 5.0)\nfinish(t + 1)"),
        ["chip_current", " s", "5", "4", "A"],
    ),
    "too long": (GOOD.replace("finish(t)", "finish(t + 30)"), ["20", "s"]),
    "waits": (
        GOOD.replace(
            "finish(t)", "from labscript import wait\nwait('w', t, 1)\nfinish(t)"
        ),
        ["wait"],
    ),
    "no stop": (GOOD.replace("finish(t)", ""), ["stop"]),
    "not a number": (
        GOOD.replace("finish(t)", "chip_current.constant(t, float('nan'))\nfinish(t)"),
        ["chip_current"],
    ),
}


@pytest.mark.parametrize("what", STRANGE)
def test_a_shot_that_the_lab_cannot_run_is_refused(
    bob: Apparatus, folder: Path, what: str
) -> None:
    text, words = STRANGE[what]
    job = bob.run(script=script(folder, text))
    job.wait(60, progress=False, raise_on_failure=False)
    assert job.view.state == "failed"
    fault = job.view.faults[0]
    told = f"{fault.detail} {fault.where} {fault.hint}"
    for word in words:
        assert word in told


def test_a_shot_without_an_image_is_a_shot(bob: Apparatus, folder: Path) -> None:
    text = GOOD.replace("t = image(t)\n", "")
    job = bob.run(script=script(folder, text)).wait(60, progress=False)
    assert job.view.shots_done == 1
    told = {one.routine: one.state for one in job.result_table().routines}
    assert told["atom_number"] == "failed"
    assert runs(bob)


def test_script_names_that_are_odd_but_plain_run(bob: Apparatus, folder: Path) -> None:
    for name in ("con.py", "__init__.py", "x" * 97 + ".py"):
        path = folder / name
        path.write_text(GOOD)
        assert bob.run(script=path).wait(60, progress=False).view.shots_done == 1


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"tof": 1.0}, "globals.tof"),
        ({"tof": "soon"}, "globals.tof"),
        ({"speed": 1.0}, "globals.speed"),
    ],
)
def test_wrong_globals_are_refused_at_once(
    alice: Apparatus, values: dict[str, object], where: str
) -> None:
    with pytest.raises(Refused) as caught:
        alice.run(procedure="bec_tof", globals=values)
    assert where in str(caught.value)


def test_an_unknown_procedure_is_refused_at_once(alice: Apparatus) -> None:
    with pytest.raises(Refused, match="nonesuch"):
        alice.run(procedure="nonesuch")


def test_a_good_script_of_ones_own_runs(bob: Apparatus, folder: Path) -> None:
    """The control: what makes the bad ones bad is what was changed in them."""
    job = bob.run(script=script(folder, GOOD)).wait(progress=False)
    assert job.state == "done"
    assert job.results()["atom_number.atoms"][0] > 5e4

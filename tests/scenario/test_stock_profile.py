"""Input that nobody here wrote: the stock profile and its own example experiment."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import labscript_profile
import pytest

from shothub.agent.init_folder import Initialised, init_folder
from shothub.demo.stage import Stage

APPARATUS = "example_apparatus"
LABSCRIPTLIB = Path("userlib", "labscriptlib", APPARATUS)
WRITE_GLOBALS = """\
import sys
import runmanager
path = sys.argv[1]
runmanager.new_globals_file(path)
runmanager.new_group(path, "example")
for name, value, units, expansion in (
    ("level", "linspace(0, 1, 2)", "V", "outer"),
    ("ramp_time", "250 * 1e-3", "s", ""),
):
    runmanager.new_global(path, "example", name)
    runmanager.set_value(path, "example", name, value)
    runmanager.set_units(path, "example", name, units)
    runmanager.set_expansion(path, "example", name, expansion)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with the profile that the suite's own command makes."""
    home = tmp_path_factory.mktemp("home")
    subprocess.run(
        [Path(sys.executable).with_name("labscript-profile-create")],
        env=suite(home),
        check=True,
        capture_output=True,
    )
    return home


def suite(home: Path) -> dict[str, str]:
    return os.environ | {
        "HOME": str(home),
        "LOGNAME": "/",
        "QT_QPA_PLATFORM": "offscreen",
        "READTHEDOCS": "1",  # labscript's own switch: no lock server on a fixed port
    }


@pytest.fixture(scope="module")
def stage(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    def make_lab(target: Path) -> None:
        made = init_folder(target, home / "labscript-suite")
        assert isinstance(made, Initialised), made

    folder = tmp_path_factory.mktemp("stock")
    with Stage(folder, make_lab, names=("alice",), apparatus=APPARATUS) as running:
        yield running


def test_the_stock_example_runs_as_a_script_job(
    stage: Stage, home: Path, tmp_path: Path
) -> None:
    shipped = Path(labscript_profile.__file__).parent / "default_profile"
    script = home / "labscript-suite" / LABSCRIPTLIB / "example_experiment.py"
    original = shipped / LABSCRIPTLIB / "example_experiment.py"
    assert script.read_bytes() == original.read_bytes()
    globals_file = tmp_path / "example_globals.h5"
    subprocess.run(
        [sys.executable, "-c", WRITE_GLOBALS, str(globals_file)],
        env=suite(home),
        check=True,
        capture_output=True,
    )
    apparatus = stage.members["alice"].hub().apparatus(APPARATUS)
    job = apparatus.run(script=script, globals=globals_file)
    table = job.wait(progress=False).results()
    assert table["level"].tolist() == [0.0, 1.0]
    assert table["ramp_time"].tolist() == [0.25, 0.25]
    files = sorted((stage.lab / "shots").rglob(f"{job.id}_*.h5"))
    assert len(files) == 2
    for path in files:
        with h5py.File(path) as file:
            assert "data" in file  # BLACS makes this group when a shot has run
            assert file.attrs["script_basename"] == "example_experiment"

"""Apparatus folders made from a profile of the stock suite, and checked by labscript."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shothub.agent.check import check_folder, compile_lab, is_warning
from shothub.agent.description import description
from shothub.agent.folder import ApparatusFolder, load
from shothub.agent.init_folder import Initialised, init_folder
from shothub.shots.lab import Lab


@pytest.fixture(scope="module")
def stock_profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the profile that labscript-profile-create makes."""
    home = tmp_path_factory.mktemp("home")
    subprocess.run(
        [Path(sys.executable).with_name("labscript-profile-create")],
        env=os.environ | {"HOME": str(home), "LOGNAME": "/"},
        check=True,
        capture_output=True,
    )
    return home / "labscript-suite"


@pytest.fixture
def made(stock_profile: Path, tmp_path: Path) -> Path:
    made = init_folder(tmp_path / "lab", stock_profile)
    assert isinstance(made, Initialised), made
    assert made.name == "example_apparatus"
    return made.folder


def test_a_folder_made_from_the_stock_profile_lacks_only_limits(made: Path) -> None:
    assert [fault.code for fault in check_folder(made)] == ["no_limits"]


def test_a_folder_made_from_the_stock_profile_knows_its_outputs(
    made: Path, tmp_path: Path
) -> None:
    folder = load(made)
    assert isinstance(folder, ApparatusFolder)
    lab = compile_lab(folder, tmp_path / "state")
    assert isinstance(lab, Lab)
    published = description(
        folder, lab, refusals={"script": "there is no sandbox here"}
    )
    assert [output.name for output in published.outputs] == [
        "analog_out",
        "digital_out",
    ]
    assert published.connection_table_sha256 == lab.digest
    assert published.accepts == ["procedure"]
    assert published.refusals == ["script: there is no sandbox here"]
    assert "DummyPseudoclock(name='pseudoclock')" in published.connection_table


def test_the_lab_s_library_comes_along_and_its_secret_does_not(
    made: Path, stock_profile: Path
) -> None:
    assert list(stock_profile.rglob("*.key"))
    assert not list(made.rglob("*.key"))
    assert (made / "labscriptlib/example_apparatus/example_experiment.py").is_file()
    assert (made / "labscriptlib/common/__init__.py").is_file()


def test_a_profile_is_found_from_the_folder_around_it(
    stock_profile: Path, tmp_path: Path
) -> None:
    assert isinstance(init_folder(tmp_path / "lab", stock_profile.parent), Initialised)


def test_a_folder_with_content_is_left_alone(
    stock_profile: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    refused = init_folder(tmp_path, stock_profile)
    assert isinstance(refused, list)
    assert refused[0].code == "not_empty"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_what_is_no_profile_is_refused_and_nothing_made(tmp_path: Path) -> None:
    refused = init_folder(tmp_path / "lab", tmp_path / "nothing")
    assert isinstance(refused, list)
    assert refused[0].code == "no_profile"
    assert not (tmp_path / "lab").exists()


def test_a_limit_on_an_output_that_is_not_there_is_told(made: Path) -> None:
    config = made / "apparatus.toml"
    config.write_text(
        config.read_text() + "\n[limits.outputs.coil]\nmax = 3\n[orders.cam]\n"
    )
    told = {fault.code: fault for fault in check_folder(made)}
    assert set(told) == {"unknown_output", "unknown_device", "no_limits"}
    assert "analog_out" in told["unknown_output"].hint
    assert told["unknown_output"].where.startswith("apparatus.toml:")
    assert [code for code in told if is_warning(told[code])] == ["no_limits"]


def test_a_device_without_a_validator_is_a_warning(made: Path) -> None:
    table = made / "connection_table.py"
    device = (
        "from labscript_devices.FunctionRunner.labscript_devices import *\n"
        "FunctionRunner('runner')\n\nif __name__"
    )
    table.write_text(table.read_text().replace("if __name__", device))
    (fault,) = [f for f in check_folder(made) if f.code != "no_limits"]
    assert fault.code == "no_validator"
    assert is_warning(fault)
    assert "FunctionRunner of device runner" in fault.detail


def test_a_connection_table_that_labscript_refuses_is_told_with_its_line(
    made: Path,
) -> None:
    table = made / "connection_table.py"
    lines = table.read_text().splitlines()
    lines[2:2] = ["raise ValueError('wrong cable')"]
    table.write_text("\n".join(lines))
    (fault,) = check_folder(made)
    assert fault.where == "connection_table.py:3"
    assert "wrong cable" in fault.detail


def test_checking_changes_nothing_in_the_folder(made: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*")}
    check_folder(made)
    assert {path: path.stat().st_mtime_ns for path in made.rglob("*")} == before

"""Whether the lab's files are noticed to have changed."""

from pathlib import Path

import pytest

from shothub.agent.lab_files import LabFiles


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("labscriptlib", "procedures", "routines", "shots"):
        (tmp_path / name).mkdir()
    for name in ("apparatus.toml", "connection_table.py", "labscriptlib/bec.py"):
        (tmp_path / name).write_text("x = 1\n")
    return tmp_path


def test_files_that_stay_do_not_differ(folder: Path) -> None:
    assert LabFiles(folder).changed() == ""


@pytest.mark.parametrize(
    "name",
    [
        "apparatus.toml",
        "connection_table.py",
        "labscriptlib/bec.py",
        "procedures/new.py",
        "routines/deep/new.py",
        "user_devices/cards/labscript_devices.py",
    ],
)
def test_a_file_that_is_written_or_new_is_named(folder: Path, name: str) -> None:
    files = LabFiles(folder)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("x = 2\n")
    assert files.changed() == name


def test_a_file_that_is_gone_is_named(folder: Path) -> None:
    files = LabFiles(folder)
    (folder / "labscriptlib/bec.py").unlink()
    assert files.changed() == "labscriptlib/bec.py"


def test_the_same_content_written_anew_does_not_differ(folder: Path) -> None:
    files = LabFiles(folder)
    new = folder / "new"
    new.write_text("x = 1\n")
    new.rename(folder / "labscriptlib/bec.py")
    assert files.changed() == ""


def test_a_change_taken_back_does_not_differ_any_more(folder: Path) -> None:
    files = LabFiles(folder)
    (folder / "labscriptlib/bec.py").write_text("x = 2\n")
    assert files.changed()
    (folder / "labscriptlib/bec.py").write_text("x = 1\n")
    assert files.changed() == ""


def test_files_that_the_agent_writes_do_not_count(folder: Path) -> None:
    files = LabFiles(folder)
    (folder / "shots/odd.py").write_text("")
    assert files.changed() == ""

"""``shothub blacs --install``: only where it can work, else refused in words."""

from pathlib import Path

import pytest

from shothub import command
from shothub.agent import prepare
from shothub.agent.folder import ApparatusFolder, load
from shothub.sim.lab_files import make_lab


class Became(Exception):
    """Instead of becoming another program."""


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "lab"
    make_lab(folder)

    def ready(path: Path) -> object:
        found = load(path)
        assert isinstance(found, ApparatusFolder)
        return type("Ready", (), {"folder": found})

    def become(module: list[str], _environment: object) -> None:
        raise Became(*module[1:])

    monkeypatch.setattr(prepare, "prepare", ready)
    monkeypatch.setattr(command, "_become", become)
    return folder


def run_blacs(*options: str) -> int:
    return command.run(["blacs", "--apparatus", *options])


def test_installing_needs_the_profile_of_the_lab(
    lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_blacs(str(lab), "--install") == 1
    assert "[labscript]" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--install", "--uninstall"])
def test_the_launcher_is_told_to_install(
    lab: Path, tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = lab / "apparatus.toml"
    text = file.read_text()
    profile = tmp_path / "labscript-suite"
    profile.mkdir()
    file.write_text(f"{text}\n[labscript]\nprofile = '{profile}'\n")
    run_blacs(str(lab), option)
    said = capsys.readouterr().err
    assert "Became" in said
    assert option in said


def test_installing_and_uninstalling_exclude_each_other(lab: Path) -> None:
    assert run_blacs(str(lab), "--install", "--uninstall") == 2

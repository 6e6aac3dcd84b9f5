"""The programs of the ``shothub`` command as a lab meets them."""

import json
from pathlib import Path

import pytest

from shothub.command import run


def test_a_folder_that_is_none_is_told_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["apparatus", "check", str(tmp_path)]) == 1
    assert "shothub apparatus init" in capsys.readouterr().err
    assert run(["apparatus", "check", str(tmp_path), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is False
    assert document["faults"][0]["where"] == "apparatus.toml"


def test_blacs_does_not_start_on_a_folder_that_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["blacs", "--apparatus", str(tmp_path)]) == 1
    assert "where: apparatus.toml" in capsys.readouterr().err


def test_a_folder_is_never_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "precious").touch()
    assert run(["apparatus", "init", str(tmp_path)]) == 1
    assert "not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


@pytest.mark.parametrize("other", ["--token-file", "--enrol"])
def test_an_agent_takes_one_token(
    other: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = ["--apparatus", str(tmp_path), "--hub", "http://localhost:1"]
    assert run(["agent", *folder, "--token", "a", other, "b"]) == 2
    assert "--token goes with neither" in capsys.readouterr().err


def test_an_agents_token_file_must_be_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = ["--apparatus", str(tmp_path), "--hub", "http://localhost:1"]
    assert run(["agent", *folder, "--token-file", str(tmp_path / "none")]) == 1
    assert "--token-file" in capsys.readouterr().err


def test_the_sandbox_tells_its_layers(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["sandbox", "--json"])
    layers = json.loads(capsys.readouterr().out)
    assert code == (1 if layers["missing"] else 0)


def test_the_admin_command_has_its_own_help(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["admin", "user", "create", "--help"]) == 0
    assert "shothub admin user create" in capsys.readouterr().out

"""The demo says at once what this machine lacks, all of it together."""

import os
import socket
from pathlib import Path

from shothub.agent.alone import hold_folder
from shothub.demo.needs import what_lacks

HOST = "127.0.0.1"


def codes(folder: Path, port: int = 0, missing: tuple[str, ...] = ()) -> list[str]:
    return [fault.code for fault in what_lacks(folder, HOST, port, missing)]


def test_nothing_lacks_in_a_new_folder(tmp_path: Path) -> None:
    assert codes(tmp_path / "new") == []
    assert (tmp_path / "new").is_dir()


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        assert codes(tmp_path, port) == ["port_taken"]
    assert codes(tmp_path, port) == []


def test_a_folder_that_cannot_be_made_is_told_with_all_else(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert codes(file / "demo", missing=("bwrap",)) == ["no_sandbox", "no_folder"]


def test_a_second_demo_in_one_folder_is_told_before_it_starts(tmp_path: Path) -> None:
    state = tmp_path / "apparatus" / "state"
    state.mkdir(parents=True)
    first = hold_folder(state)
    assert codes(tmp_path) == ["demo_runs"]
    os.close(first)
    assert codes(tmp_path) == []

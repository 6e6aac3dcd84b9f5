"""Snippets that people copy are right as they stand."""

import shlex

from pydantic import JsonValue

from shothub.client.cli.submit import globals_from
from shothub.server.web.snippets import python_call, shell_call

VALUES: dict[str, JsonValue] = {
    "tof": {"linspace": [0.005, 0.025, 11]},
    "hold": {"values": [1, 2]},
    "state": "F=1 or 'so'",
    "light": True,
}


def test_the_same_job_is_said_in_python() -> None:
    call = python_call(apparatus="sim", procedure="bec", values=VALUES)
    assert "from shothub import Hub, linspace" in call
    assert 'run(procedure="bec", globals={"tof": linspace(0.005, 0.025, 11)' in call
    compile(call, "snippet", "exec")


def test_the_same_job_is_said_in_the_shell_as_the_command_reads_it() -> None:
    words = shlex.split(shell_call(apparatus="sim", procedure="bec", values=VALUES))
    assert words[:5] == ["shothub", "submit", "bec", "-a", "sim"]
    read = globals_from(words[6::2])
    assert read["state"] == "F=1 or 'so'"
    assert read["light"] is True
    assert set(read) == set(VALUES)

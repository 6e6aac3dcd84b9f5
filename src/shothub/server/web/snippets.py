"""The same job as lines of Python or of the shell, for people to copy."""

import json
import shlex
from collections.abc import Mapping

from pydantic import JsonValue


def python_call(
    *, apparatus: str, procedure: str, values: Mapping[str, JsonValue]
) -> str:
    """Return the lines of Python that submit the same job."""
    scans = any(isinstance(v, dict) and "linspace" in v for v in values.values())
    names = "Hub, linspace" if scans else "Hub"
    inside = ", ".join(f'"{name}": {_python(v)}' for name, v in values.items())
    given = f", globals={{{inside}}}" if inside else ""
    return (
        f"from shothub import {names}\n\n"
        f'apparatus = Hub().apparatus("{apparatus}")\n'
        f'job = apparatus.run(procedure="{procedure}"{given})\n'
        "job.wait()\njob.results()"
    )


def _python(value: JsonValue) -> str:
    match value:
        case {"linspace": [start, stop, points], **rest} if not rest:
            return f"linspace({start!r}, {stop!r}, {points!r})"
        case {"values": list() as values, **rest} if not rest:
            return repr(values)
        case _:
            return repr(value)


def shell_call(
    *, apparatus: str, procedure: str, values: Mapping[str, JsonValue]
) -> str:
    """Return the command that submits the same job."""
    given = [f"-g {shlex.quote(f'{n}={_shell(v)}')}" for n, v in values.items()]
    words = ["shothub submit", shlex.quote(procedure), "-a", shlex.quote(apparatus)]
    return " ".join([*words, *given])


def _shell(value: JsonValue) -> str:
    match value:
        case {"linspace": [start, stop, points], **rest} if not rest:
            return f"linspace:{start}:{stop}:{points}"
        case str():
            return value
        case _:
            return json.dumps(value)

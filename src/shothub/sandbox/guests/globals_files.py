"""Reads a globals file: runmanager's HDF5, JSON or TOML, told apart by name and content."""

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import runmanager
from pydantic import ValidationError

from shothub.domain.faults import Fault
from shothub.domain.scans import BadValue
from shothub.sandbox.entries import entries
from shothub.sandbox.guests.expanding import Groups, as_groups
from shothub.sandbox.guests.faulty import Refused
from shothub.wire.guests import GlobalEntry

_GROUP = "globals"
_MARKS = {"linspace", "values", "expression"}
_HINT = "give runmanager's HDF5 file, or JSON or TOML with one object of globals"


def read_globals_file(name: str, content: bytes) -> tuple[Groups, list[str]]:
    """Return the groups of a globals file and the axes that it shuffles.

    Raises:
        Refused: the file is none of the three, or has something wrong in it.
    """
    if content.startswith(b"\x89HDF\r\n\x1a\n"):
        return _from_hdf5(name, content), []
    match Path(name).suffix.lower():
        case ".json":
            return _from_data(name, _parsed(name, content, json.loads))
        case ".toml":
            return _from_data(name, _parsed(name, content, tomllib.loads))
    text = f"{name} is no HDF5 file, and its name ends neither in .json nor in .toml."
    raise Refused(Fault(code="bad_globals_file", detail=text, where=name, hint=_HINT))


def _from_hdf5(name: str, content: bytes) -> Groups:
    path = f"{os.environ['TMPDIR']}/globals.h5"  # in memory, of this guest alone
    Path(path).write_bytes(content)
    try:
        groups: Groups = runmanager.get_globals(runmanager.get_all_groups([path]))
    except (
        OSError,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        RuntimeError,
    ) as error:
        text = f"{name} is an HDF5 file, but not one of runmanager's globals: {error}"
        raise Refused(
            Fault(code="bad_globals_file", detail=text[:500], where=name, hint=_HINT)
        ) from error
    finally:
        Path(path).unlink()
    return {
        group: {n: (str(e), str(u), str(x)) for n, (e, u, x) in sorted(members.items())}
        for group, members in sorted(groups.items())
    }


def _parsed(name: str, content: bytes, parse: Any) -> Mapping[str, object]:
    try:
        data = parse(content.decode())
    except (ValueError, RecursionError) as error:
        raise Refused(
            Fault(
                code="bad_globals_file", detail=f"{error}"[:500], where=name, hint=_HINT
            )
        ) from error
    if not isinstance(data, dict):
        text = "It must hold one object: name to value, or group to name to value."
        raise Refused(
            Fault(code="bad_globals_file", detail=text, where=name, hint=_HINT)
        )
    return data


def _from_data(name: str, data: Mapping[str, object]) -> tuple[Groups, list[str]]:
    grouped = data and all(
        isinstance(v, dict) and not _MARKS & set(v) for v in data.values()
    )
    groups: Mapping[str, Any] = data if grouped else {_GROUP: data}
    made: dict[str, dict[str, GlobalEntry]] = {}
    shuffled: list[str] = []
    for group, members in groups.items():
        made[group] = {}
        for key, raw in members.items():
            try:
                one, axes = entries({key: raw})
            except (BadValue, ValidationError) as error:
                raise Refused(
                    Fault(
                        code="bad_value",
                        detail=str(error)[:500],
                        where=f"{group}.{key}",
                    )
                ) from error
            made[group] |= one
            shuffled += axes
    return as_groups(made), shuffled

"""A job's globals, given as data, become runmanager's own entries."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue, ValidationError

from shothub.domain.faults import Fault
from shothub.domain.scans import BadValue, Scan, parse_value
from shothub.wire.guests import GlobalEntry
from shothub.wire.jobs import GlobalsFile

GROUP = "globals"
"""Name of the one group of globals that shothub makes."""


class BadGlobals(Exception):
    """The job's globals cannot be read; ``faults`` say why and where."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = faults


@dataclass(frozen=True, kw_only=True)
class Entries:
    """Globals in runmanager's terms.

    Attributes:
        entries: by name.
        shuffle: names of the axes that run in random order: ``outer <name>`` of one of
            the globals or ``zip <group>``, as in runmanager's expansion order.
    """

    entries: Mapping[str, GlobalEntry] = field(default_factory=dict)
    shuffle: tuple[str, ...] = ()


def entries(
    values: Mapping[str, JsonValue],
    *,
    units: Mapping[str, str],
    expressions: bool = False,
    where: str = "globals",
) -> Entries:
    """Return the entries of globals given as data.

    Args:
        values: plain values and scans.
        units: by name, for people.
        expressions: whether ``{"expression": ...}`` is allowed; it is evaluated in the
            sandbox alone.
        where: begin of the place that a fault names.

    Raises:
        BadGlobals: a name or value is not what runmanager takes.
    """
    made: dict[str, GlobalEntry] = {}
    shuffle: list[str] = []
    faults: list[Fault] = []
    for name, raw in values.items():
        place = f"{where}.{name}"
        try:
            made[name], axis = _entry(
                name, raw, units.get(name, ""), expressions=expressions
            )
        except (BadValue, ValidationError) as error:
            detail = error if isinstance(error, BadValue) else _first(error)
            faults.append(Fault(code="bad_value", detail=f"{detail}.", where=place))
        else:
            shuffle += [axis] if axis else []
    if faults:
        raise BadGlobals(faults)
    return Entries(entries=made, shuffle=tuple(dict.fromkeys(shuffle)))


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def _entry(
    name: str, raw: JsonValue, unit: str, *, expressions: bool
) -> tuple[GlobalEntry, str]:
    if not name.isidentifier():
        raise BadValue(f"{name[:60]!r} is no name of a global")
    if expressions and isinstance(raw, dict) and "expression" in raw:
        return GlobalEntry.model_validate(raw), ""
    value = parse_value(raw)
    if not isinstance(value, Scan):
        return GlobalEntry(expression=repr(value), units=unit), ""
    entry = GlobalEntry(
        expression=repr(list(value.values)), units=unit, expansion=value.zip or "outer"
    )
    axis = f"zip {value.zip}" if value.zip else f"outer {name}"
    return entry, axis if value.shuffle else ""


def is_hdf5(file: GlobalsFile) -> bool:
    """Tell by its name whether a globals file is runmanager's HDF5."""
    return file.name.lower().endswith((".h5", ".hdf5"))


def read_data_file(file: GlobalsFile) -> dict[str, JsonValue]:
    """Return the globals of a JSON or TOML file.

    Raises:
        BadGlobals: the file is neither, or not one mapping of names to values.
    """
    reader = _READERS.get(file.name.lower().rpartition(".")[2])
    if reader is None:
        raise BadGlobals([_unreadable(file.name, "its name ends in none of these")])
    try:
        found = reader(file.content.decode())
    except (ValueError, RecursionError) as error:
        raise BadGlobals([_unreadable(file.name, str(error))]) from error
    if not isinstance(found, dict):
        raise BadGlobals([_unreadable(file.name, "it is not one mapping")])
    return found


_READERS = {"json": json.loads, "toml": tomllib.loads}


def _unreadable(name: str, why: str) -> Fault:
    return Fault(
        code="bad_globals_file",
        detail=f"The globals file cannot be read: {why[:200]}.",
        where=name,
        hint="give runmanager's .h5, or a .json or .toml file of names and values",
    )

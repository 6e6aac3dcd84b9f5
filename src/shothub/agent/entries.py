"""A job's globals, given as data, become runmanager's own entries."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue, ValidationError

from shothub.domain.faults import Fault
from shothub.domain.scans import BadValue, Scan, parse_value
from shothub.sandbox.entries import entry
from shothub.wire.guests import GlobalEntry

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
        shuffle: names of the axes that run in random order: one of the globals, or a
            zip group.
    """

    entries: Mapping[str, GlobalEntry] = field(default_factory=dict)
    shuffle: tuple[str, ...] = ()


def entries(
    values: Mapping[str, JsonValue],
    *,
    units: Mapping[str, str],
    expressions: bool = False,
) -> Entries:
    """Return the entries of globals given as data.

    Args:
        values: plain values and scans.
        units: by name, for people.
        expressions: whether ``{"expression": ...}`` is allowed; it is evaluated in the
            sandbox alone.

    Raises:
        BadGlobals: a name or value is not what runmanager takes.
    """
    made: dict[str, GlobalEntry] = {}
    shuffle: list[str] = []
    faults: list[Fault] = []
    for name, raw in values.items():
        place = f"globals.{name}"
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
    shuffled = isinstance(value, Scan) and value.shuffle
    axis = (value.zip or name) if isinstance(value, Scan) and shuffled else ""
    return entry(value, units=unit), axis

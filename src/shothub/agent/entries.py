"""A job's globals, given as data, become runmanager's own entries."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue, ValidationError

from shothub.domain.faults import Fault
from shothub.domain.parameters import Parameter, check_values
from shothub.domain.scans import BadValue, Scalar, Scan
from shothub.sandbox.entries import entries, entry
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


def procedure_entries(
    parameters: Sequence[Parameter], given: Mapping[str, JsonValue], *, max_shots: int
) -> Entries:
    """Return the entries of a procedure's globals, held against its declaration again.

    Raises:
        BadGlobals: a value is unknown, of the wrong type or out of bounds.
    """
    values, faults = check_values(parameters, given, max_shots=max_shots)
    if faults:
        raise BadGlobals(faults)
    units = {parameter.name: parameter.unit for parameter in parameters}
    return Entries(
        entries={n: entry(v, units=units.get(n, "")) for n, v in values.items()},
        shuffle=tuple(dict.fromkeys(_axes(values))),
    )


def _axes(values: Mapping[str, Scalar | Scan]) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, Scan) and value.shuffle:
            yield value.zip or name


def script_entries(given: Mapping[str, JsonValue]) -> Entries:
    """Return the entries of the globals that come with a script as data.

    Besides values and scans, ``{"expression": ...}`` is allowed: it is evaluated in the
    sandbox alone.

    Raises:
        BadGlobals: a name or value is not what runmanager takes.
    """
    made: dict[str, GlobalEntry] = {}
    shuffle: dict[str, None] = {}
    faults: list[Fault] = []
    for name, raw in given.items():
        try:
            one, axes = _script_entry(name, raw)
        except (BadValue, ValidationError) as error:
            detail = str(error) if isinstance(error, BadValue) else _first(error)
            where = f"globals.{name}"
            faults.append(Fault(code="bad_value", detail=f"{detail}.", where=where))
        else:
            made |= one
            shuffle |= dict.fromkeys(axes)
    if faults:
        raise BadGlobals(faults)
    return Entries(entries=made, shuffle=tuple(shuffle))


def _script_entry(
    name: str, raw: JsonValue
) -> tuple[dict[str, GlobalEntry], list[str]]:
    if not name.isidentifier():
        raise BadValue(f"{name[:60]!r} is no name of a global")
    return entries({name: raw})


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"

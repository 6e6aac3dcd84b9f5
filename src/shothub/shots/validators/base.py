"""What a validator is given and what it gives back: values only, never a node."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from shothub.domain.faults import Fault
from shothub.shots.lab import Lab, Output
from shothub.shots.tree import Array, Data, Node, scalar


class Invalid(Exception):
    """A device's part of the shot is not what the device takes."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


@dataclass(frozen=True, kw_only=True, eq=False)
class Clock:
    """When the master pseudoclock ticks.

    Attributes:
        times: of each tick, seconds, rising from 0.
        duration: until the end of the last tick, seconds.
        tolerance: how far rounding may shift any of these, seconds.
    """

    times: Array
    duration: float
    tolerance: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """A device's part of a shot that is to be judged.

    Attributes:
        name: of the device.
        attributes: of its group.
        nodes: what is in its group, by name.
        clock: of the device; None while a pseudoclock itself is judged.
    """

    name: str
    attributes: Mapping[str, Data]
    nodes: Mapping[str, Node]
    lab: Lab
    clock: Clock | None = None

    def invalid(
        self, detail: str, *, place: str = "", code: str = "bad_device"
    ) -> Invalid:
        """Return the refusal of this part, to be raised."""
        where = f"devices/{self.name}{'/' if place else ''}{place}"
        return Invalid(Fault(code=code, detail=f"{self.name}: {detail}.", where=where))

    def ticking(self) -> Clock:
        """Return the clock of a device that must have one."""
        if self.clock is None:
            raise self.invalid("it has no clock")
        return self.clock

    def tables(self, *names: str) -> list[Array]:
        """Return the datasets of exactly these names.

        Raises:
            Invalid: one is missing, or there is anything else.
        """
        if extra := set(self.nodes) - set(names):
            raise self.invalid(f"it has no place for {min(extra)!r}", place=min(extra))
        return [self._table(name) for name in names]

    def _table(self, name: str) -> Array:
        node = self.nodes.get(name)
        if node is None or not isinstance(node.data, np.ndarray):
            raise self.invalid("the table is missing", place=name)
        if node.data.ndim != 1:
            raise self.invalid("the table must have one dimension", place=name)
        return node.data

    def number(self, name: str) -> float:
        """Return an attribute that must be one finite number."""
        value = scalar(self.attributes.get(name))
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.invalid(f"{name} must be a number", place=f"@{name}")
        if not np.isfinite(value):
            raise self.invalid(f"{name} must be finite", place=f"@{name}")
        return float(value)


@dataclass(frozen=True, kw_only=True, eq=False)
class Valid:
    """What of a device's part may be written.

    Attributes:
        datasets: by name.
        attributes: properties of the device, without its orders.
        values: per output's name, one value a tick.
        clock: of a pseudoclock.
        instructions: rows of its longest table.
    """

    datasets: Mapping[str, Array]
    attributes: Mapping[str, bool | float] = field(default_factory=dict)
    values: Mapping[str, Array] = field(default_factory=dict)
    clock: Clock | None = None
    instructions: int = 0


class Validator(Protocol):
    """Judges one device's part of a shot; raises Invalid."""

    def __call__(self, part: Part, /) -> Valid: ...


def channel_values(
    part: Part, table: Array, channels: Mapping[str, Output], place: str
) -> dict[str, Array]:
    """Return the columns of a table by the name of the output that each drives.

    Raises:
        Invalid: a column drives no output of the device, its type is not that of the
            output, a value is not finite, a digital one not 0 or 1, or the rows are not
            one a tick.
    """
    ticks = len(part.ticking().times)
    if len(table) != ticks:
        raise part.invalid(
            f"{len(table)} rows for {ticks} ticks of the clock", place=place
        )
    values = {}
    for column in table.dtype.names or ():
        if column not in channels:
            raise part.invalid(
                f"it has no output {column[:60]!r}", place=place, code="unknown_output"
            )
        output = channels[column]
        values[output.name] = _column(part, table[column], output, place)
    return values


def _column(part: Part, column: Array, output: Output, place: str) -> Array:
    digital = column.dtype.kind in "iub"
    if column.ndim != 1 or digital != output.digital:
        raise part.invalid(f"values of {output.name} are of a wrong type", place=place)
    if digital and not np.isin(column, (0, 1)).all():
        raise part.invalid(f"values of {output.name} are not 0 or 1", place=place)
    if not np.isfinite(column).all():
        raise part.invalid(f"values of {output.name} are not finite", place=place)
    return column

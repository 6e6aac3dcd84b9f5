"""The lab's own connection table and limits: what a shot is measured against."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from shothub.domain.faults import Fault
from shothub.domain.limits import ShotLimits
from shothub.shots.tree import Array

JSON_TAG = "Content-Type: application/json "
"""What labscript puts before texts that hold JSON."""

UNITS = {"AnalogOut": "V", "StaticAnalogOut": "V"}
DIGITAL = frozenset({"DigitalOut", "Shutter", "Trigger"})
PASSIVE = frozenset({"ClockLine"})
WAIT_ATTRIBUTES = tuple(
    f"wait_monitor_{name}"
    for name in (
        "acquisition_device",
        "acquisition_connection",
        "timeout_device",
        "timeout_connection",
        "timeout_trigger_type",
    )
)


class BadLab(Exception):
    """The compiled connection table of the lab cannot be used."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


@dataclass(frozen=True, kw_only=True)
class Orders:
    """In which order BLACS programs a device and takes it back to manual."""

    start: int = 0
    stop: int = 0


@dataclass(frozen=True, kw_only=True)
class Connection:
    """One row of the connection table.

    Attributes:
        parent: name of the device it hangs on, empty at the top.
        port: where on that device, empty at the top.
        blacs: what BLACS connects to; only devices with a tab have it.
    """

    name: str
    device_class: str
    parent: str
    port: str
    conversion: str
    parameters: Mapping[str, Any]
    blacs: str
    properties: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Output:
    """A channel that shots drive."""

    name: str
    device: str
    connection: str
    type: str
    unit: str

    @property
    def digital(self) -> bool:
        """Whether it knows only low and high."""
        return self.type in DIGITAL


@dataclass(frozen=True, kw_only=True, eq=False)
class Lab:
    """What the lab has: devices, outputs, limits.

    Attributes:
        master: name of the master pseudoclock.
        connections: rows of the connection table by name.
        outputs: by name.
        orders: by name of device.
        digest: of the connection table's content, hexadecimal.
        table: the dataset as labscript wrote it, copied into every shot.
        waits: attributes of the ``waits`` dataset (the lab's wait monitor).
    """

    master: str
    connections: Mapping[str, Connection]
    outputs: Mapping[str, Output]
    limits: ShotLimits
    orders: Mapping[str, Orders]
    digest: str
    table: Array
    waits: Mapping[str, str] = field(default_factory=dict)

    @property
    def attached(self) -> dict[str, str]:
        """Devices that have a tab in BLACS, with their classes."""
        return {c.name: c.device_class for c in self.connections.values() if c.blacs}

    def outputs_of(self, device: str) -> dict[str, Output]:
        """Return the outputs of a device by their connection."""
        return {o.connection: o for o in self.outputs.values() if o.device == device}

    def pseudoclock_of(self, device: str) -> str | None:
        """Return the attached device that clocks ``device``, following the parents."""
        seen = {device}
        row = self.connections.get(device)
        while row and row.parent and row.parent not in seen:
            seen.add(row.parent)
            row = self.connections.get(row.parent)
            if row and row.blacs:
                return row.name
        return None


def read_lab(
    connection_table_h5: Path,
    limits: ShotLimits,
    orders: Mapping[str, Orders] | None = None,
    units: Mapping[str, str] | None = None,
) -> Lab:
    """Read the lab's compiled connection table.

    Args:
        connection_table_h5: what labscript made of ``connection_table.py``.
        limits: of the lab.
        orders: by name of device; they win over those in the file.
        units: by name of output, where they are not volts.

    Raises:
        BadLab: the file has no connection table, or no master pseudoclock, or a limit
            names an output that is not in it and so would protect nothing.
    """
    try:
        with h5py.File(connection_table_h5, "r") as file:
            dataset = file["connection table"]
            table = dataset[:]
            master = _text(dataset.attrs["master_pseudoclock"])
            rows = [read_row(row) for row in table]
            found = _orders(file)
            waits = _waits(file)
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise BadLab(_unreadable(connection_table_h5, error)) from error
    connections = {row.name: row for row in rows}
    if master not in connections:
        raise BadLab(_clockless(connection_table_h5))
    outputs = _outputs(connections, units or {})
    if unknown := set(limits.outputs) - set(outputs):
        raise BadLab(_unlimited(min(unknown), outputs))
    return Lab(
        master=master,
        connections=connections,
        outputs=outputs,
        limits=limits,
        orders={**found, **(orders or {})},
        digest=_digest(master, rows),
        table=table,
        waits=waits,
    )


class BadRow(ValueError):
    """A row of a connection table is not such as labscript writes."""


def read_row(row: Any) -> Connection:
    """Return a row of a connection table, its texts being vlen or fixed.

    Raises:
        BadRow: a column is missing, or no text, or not the JSON that it must be.
    """
    try:
        cells = {name: _text(row[name]) for name in row.dtype.names or ()}
        return Connection(
            name=cells["name"],
            device_class=cells["class"],
            parent=_given(cells["parent"]),
            port=_given(cells["parent port"]),
            conversion=_given(cells.get("unit conversion class", "None")),
            parameters=_mapping(cells.get("unit conversion params", "")),
            blacs=cells.get("BLACS_connection", ""),
            properties=_mapping(cells.get("properties", "")),
        )
    except KeyError as error:
        raise BadRow(f"has no column {error}") from error
    except (ValueError, RecursionError) as error:
        raise BadRow(f"has a row that cannot be read: {str(error)[:200]}") from error


def _text(raw: object) -> str:
    return raw.decode() if isinstance(raw, bytes) else str(raw)


def _given(cell: str) -> str:
    return "" if cell == "None" else cell


def _mapping(cell: str) -> dict[str, Any]:
    if not cell.startswith(JSON_TAG):
        return {}
    value = json.loads(cell.removeprefix(JSON_TAG))
    return value if isinstance(value, dict) else {}


def _orders(file: h5py.File) -> dict[str, Orders]:
    devices = file.get("devices", {})
    return {
        name: Orders(
            start=_order(group.attrs.get("start_order")),
            stop=_order(group.attrs.get("stop_order")),
        )
        for name, group in devices.items()
    }


def _order(raw: object) -> int:
    return int(raw) if isinstance(raw, int | np.integer) else 0


def _waits(file: h5py.File) -> dict[str, str]:
    attributes = file["waits"].attrs if "waits" in file else {}
    return {name: _text(attributes.get(name, "")) for name in WAIT_ATTRIBUTES}


def _outputs(
    connections: Mapping[str, Connection], units: Mapping[str, str]
) -> dict[str, Output]:
    return {
        row.name: Output(
            name=row.name,
            device=row.parent,
            connection=row.port,
            type=row.device_class,
            unit=units.get(row.name, UNITS.get(row.device_class, "")),
        )
        for row in connections.values()
        if _is_output(row, connections)
    }


def _is_output(row: Connection, connections: Mapping[str, Connection]) -> bool:
    parent = connections.get(row.parent)
    if parent is None or not parent.blacs or row.blacs or row.device_class in PASSIVE:
        return False
    # What hangs on a pseudoclock itself is its inner clock, not an output.
    return not any(
        child.parent == row.name and child.device_class in PASSIVE
        for child in connections.values()
    )


def _digest(master: str, rows: list[Connection]) -> str:
    content = [master, *sorted(json.dumps(vars(row), sort_keys=True) for row in rows)]
    return hashlib.sha256("\n".join(content).encode()).hexdigest()


def _unreadable(path: Path, error: Exception) -> Fault:
    return Fault(
        code="bad_connection_table",
        detail=f"The compiled connection table cannot be read: {error}.",
        where=path.name,
        hint="compile connection_table.py again",
    )


def _clockless(path: Path) -> Fault:
    return Fault(
        code="bad_connection_table",
        detail="The connection table has no master pseudoclock.",
        where=path.name,
        hint="start() and stop() must be called in connection_table.py",
    )


def _unlimited(name: str, outputs: Mapping[str, Output]) -> Fault:
    return Fault(
        code="unknown_output",
        detail=f"There is a limit on {name!r}, and the connection table has no such output.",
        where=f"limits.outputs.{name}",
        hint=f"it has: {', '.join(sorted(outputs)) or 'none'}",
    )

"""The shot's own connection table against the lab's: what BLACS would object to, in words.

The file gets the lab's table whatever the shot's own says; but a script that means another
wiring than the lab has would do something else than its author thinks.
"""

from collections.abc import Iterator

import numpy as np

from shothub.domain.faults import Fault
from shothub.shots.lab import BadRow, Connection, Lab, read_row
from shothub.shots.tree import Array, DecodedShot

MAX_ROWS = 1_000
TABLE = "connection table"


def table_faults(shot: DecodedShot, lab: Lab) -> Iterator[Fault]:
    """Yield every difference of the shot's connection table from the lab's.

    Devices that the shot leaves out are none.
    """
    node = shot.tree.get(TABLE)
    if node is None:
        return
    table = node.data
    if not isinstance(table, np.ndarray) or table.ndim != 1 or len(table) > MAX_ROWS:
        yield Fault(
            code="bad_shot", detail="The connection table is malformed.", where=TABLE
        )
        return
    yield from _row_faults(table, lab)


def _row_faults(table: Array, lab: Lab) -> Iterator[Fault]:
    for raw in table:
        try:
            row = read_row(raw)
        except BadRow as error:
            yield Fault(
                code="bad_shot", detail=f"The connection table {error}.", where=TABLE
            )
            return
        known = lab.connections.get(row.name)
        if known is None:
            yield _mismatch(row.name, f"the lab has no {row.device_class} of this name")
        elif row != known:
            yield from (_mismatch(row.name, text) for text in _differences(row, known))


def _differences(row: Connection, known: Connection) -> Iterator[str]:
    if row.device_class != known.device_class:
        yield f"its class is {row.device_class[:60]}; the lab's is {known.device_class}"
    if (row.parent, row.port) != (known.parent, known.port):
        yield f"it is connected to {_place(row)}; the lab's is connected to {_place(known)}"
    if row.blacs != known.blacs:
        yield f"its BLACS_connection is {row.blacs[:60]!r}; the lab's is {known.blacs!r}"
    if (row.conversion, row.parameters) != (known.conversion, known.parameters):
        yield "its unit conversion is not the lab's"
    if row.properties != known.properties:
        names = row.properties.keys() | known.properties.keys()
        changed = [
            n for n in sorted(names) if row.properties.get(n) != known.properties.get(n)
        ]
        yield f"its properties are not the lab's: {', '.join(changed)[:200]}"


def _place(row: Connection) -> str:
    return f"{row.parent[:60]} {row.port[:60]}".strip() or "nothing"


def _mismatch(name: str, text: str) -> Fault:
    return Fault(
        code="connection_table_mismatch",
        detail=f"{name[:60]}: {text}.",
        where=TABLE,
        hint="make the devices as the lab's connection table does, with the same arguments",
    )

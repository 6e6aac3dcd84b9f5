"""SimulatedCamera of shothub.sim: when it exposes, and how the images are called."""

import re

import numpy as np

from shothub.shots.tree import Array
from shothub.shots.validators.base import Part, Valid

EXPOSURES = np.dtype(
    [("t", "<f8"), ("name", "S64"), ("frametype", "S32"), ("duration", "<f8")]
)
MAX_EXPOSURES = 100
_LABEL = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9_\-]*")


def validate_camera(part: Part) -> Valid:
    """Judge ``EXPOSURES``: inside the shot, with names that stay names.

    The worker makes HDF5 paths of ``name`` and ``frametype``.

    Raises:
        Invalid: the table is not one that labscript would write.
    """
    (table,) = part.tables("EXPOSURES")
    if table.dtype != EXPOSURES or len(table) > MAX_EXPOSURES:
        raise part.invalid(
            f"it takes a table of at most {MAX_EXPOSURES} exposures", place="EXPOSURES"
        )
    _check_labels(part, table)
    _check_times(part, table)
    return Valid(datasets={"EXPOSURES": table}, instructions=len(table))


def _check_labels(part: Part, table: Array) -> None:
    for label in (*table["name"], *table["frametype"]):
        if not _LABEL.fullmatch(label):
            raise part.invalid(
                f"{label[:40]!r} cannot name an image: letters, digits, _ and - can",
                place="EXPOSURES",
            )
    pairs = {(row["name"], row["frametype"]) for row in table}
    if len(pairs) != len(table):
        raise part.invalid(
            "two exposures have the same name and frametype", place="EXPOSURES"
        )


def _check_times(part: Part, table: Array) -> None:
    start, duration = table["t"], table["duration"]
    inside = (
        (start >= 0) & (duration > 0) & (start + duration <= part.ticking().duration)
    )
    if not inside.all():
        raise part.invalid(
            "an exposure does not lie within the shot", place="EXPOSURES"
        )

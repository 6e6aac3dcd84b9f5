"""Results as pandas tables; loaded on first use, since pandas takes a second to load."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from shothub.client.displays import failure_texts
from shothub.wire.jobs import ResultTable

STATE = "shot_state"


def frame(table: ResultTable, *, multiindex: bool = False) -> pd.DataFrame:
    """Return one row per shot, in order of index; what is missing is NaN.

    The index is named ``shot``. The first column, ``shot_state``, tells why a row has no
    results. Then come the globals and what routines saved: ``tof``,
    ``atom_number.atoms``. ``attrs`` holds ``job``, ``units`` by column, and ``failures``:
    which routines failed, on what, and why.

    Args:
        table: the hub's answer.
        multiindex: name columns by tuples as lyse's dataframe does.
    """
    names = [".".join(path) for path in table.columns]
    columns: list[Any] = _lyse_names(table.columns) if multiindex else [STATE, *names]
    rows = [[str(s), *row] for s, row in zip(table.states, table.rows, strict=True)]
    index = pd.Index(table.index, name="shot", dtype="int64")
    found = pd.DataFrame(rows, index=index, columns=range(len(columns)))
    found = found.apply(_numeric) if rows else found
    found.columns = (
        pd.MultiIndex.from_tuples(columns) if multiindex else pd.Index(columns)
    )
    found.attrs["job"] = table.job
    found.attrs["units"] = {n: u for n, u in zip(names, table.units, strict=False) if u}
    found.attrs["failures"] = failure_texts(table.routines)
    return found


def _lyse_names(paths: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Return names of equal depth, filled up with empty texts as lyse does."""
    depth = max((len(path) for path in paths), default=1)
    return [(*path, *[""] * (depth - len(path))) for path in ([STATE], *paths)]


def _numeric(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Make None NaN where all other values are numbers; leave booleans and texts."""
    present = column.dropna()
    numbers = [isinstance(v, int | float) and not isinstance(v, bool) for v in present]
    return pd.to_numeric(column) if all(numbers) else column

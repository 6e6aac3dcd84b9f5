"""lyse's dataframe, made from rows instead of asked from lyse's server."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import lyse.dataframe_utilities as utilities
import pandas as pd

SEPARATOR = "\x1f"
_TIMES = (("sequence",), ("run time",))
_SEQUENCE = ("sequence_index", "sequence")


def dataframe(rows: Sequence[Mapping[str, Any]], paths: Sequence[str]) -> pd.DataFrame:
    """Return the frame that lyse would show: a row per shot, columns in levels.

    Args:
        rows: column path, joined by U+001F, to value.
        paths: files of the shots, in the same order; may be fewer.
    """
    if not rows:
        return pd.DataFrame()
    frames = [
        utilities.flat_dict_to_hierarchical_dataframe(
            _flat(row, paths[place : place + 1])
        )
        for place, row in enumerate(rows)
    ]
    frame = utilities.concat_with_padding(*frames)
    indexed: pd.DataFrame = utilities.rangeindex_to_multiindex(frame, inplace=False)
    return indexed


def _flat(row: Mapping[str, Any], path: Sequence[str]) -> dict[tuple[str, ...], Any]:
    flat = {tuple(key.split(SEPARATOR)): value for key, value in row.items()}
    for column in _TIMES:
        if isinstance(flat.get(column), str):
            flat[column] = _time(flat[column])
    for file in path:
        flat["filepath",] = flat["agnostic_path",] = file
    return flat


def _time(text: str) -> Any:
    """Read a time of lyse's; a sequence's id begins with one."""
    try:
        return utilities.asdatetime(text.split("_")[0])
    except ValueError:
        return pd.NaT


def data_function(
    frame: pd.DataFrame, of_file: Callable[..., Any]
) -> Callable[..., Any]:
    """Return what takes the place of ``lyse.data``: the same arguments, no server."""

    def data(
        filepath: str | None = None,
        *_server: object,
        n_sequences: int | None = None,
        filter_kwargs: dict[str, Any] | None = None,
        **_more: object,
    ) -> Any:
        if filepath is not None:
            return of_file(filepath)
        chosen = frame if n_sequences is None else _last(frame, n_sequences)
        return (
            chosen.copy() if filter_kwargs is None else chosen.filter(**filter_kwargs)
        )

    return data


def _last(frame: pd.DataFrame, count: int) -> pd.DataFrame:
    for name in _SEQUENCE:
        if name in frame.columns.get_level_values(0):
            column: Any = frame[name]
            column = column.squeeze(axis=1) if column.ndim > 1 else column
            kept = sorted(column.unique())[-count:] if count else []
            chosen: pd.DataFrame = frame[column.isin(kept).to_numpy()]
            return chosen
    return frame if count else frame.iloc[:0]

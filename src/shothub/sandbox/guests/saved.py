"""What routines saved in a shot file, read back by schema: values and arrays."""

import io
import math
from collections.abc import Iterator, Mapping
from typing import Any

import h5py
import numpy as np
from labscript_utils.properties import get_attributes

RESULTS = "results"
MAX_LIST = 1000
MAX_TEXT = 10_000
MAX_ARRAY_BYTES = 64 << 20
MAX_ARRAYS = 50

Values = dict[str, object]


def saved_values(path: str) -> dict[str, Values]:
    """Return group of results to name to value, as JSON knows it."""
    with h5py.File(path, "r") as file:
        if RESULTS not in file:
            return {}
        return {
            group: {name: plain(value) for name, value in get_attributes(node).items()}
            for group, node in file[RESULTS].items()
            if isinstance(node, h5py.Group)
        }


def saved_arrays(path: str, routine: str) -> Iterator[tuple[str, bytes]]:
    """Yield the arrays of a routine by name, in numpy's file format."""
    with h5py.File(path, "r") as file:
        group = file.get(f"{RESULTS}/{routine}")
        if not isinstance(group, h5py.Group):
            return
        for name in list(group)[:MAX_ARRAYS]:
            node = group[name]
            if isinstance(node, h5py.Dataset) and _is_sendable(node):
                yield name, npy(node[()])


def _is_sendable(node: h5py.Dataset) -> bool:
    return node.nbytes <= MAX_ARRAY_BYTES and not node.dtype.hasobject


def npy(array: Any) -> bytes:
    """Return an array in numpy's file format, without any pickle."""
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(array), allow_pickle=False)
    return buffer.getvalue()


def plain(value: Any) -> object:
    """Return a result as JSON knows it; numbers that are none or infinite become None."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bool | int | None):
        return value
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in list(value.items())[:MAX_LIST]}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value[:MAX_LIST]]
    return (value if isinstance(value, str) else repr(value))[:MAX_TEXT]

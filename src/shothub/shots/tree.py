"""A shot as plain data: groups, datasets and attributes, without any HDF5 file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydantic import JsonValue

Array = np.ndarray[Any, np.dtype[Any]]
Data = Array | str | tuple[str, ...]
"""Numbers and fixed strings as arrays that cannot be written to; texts as ``str``."""


@dataclass(frozen=True, eq=False)
class Node:
    """A group (``data`` is None) or a dataset."""

    attributes: Mapping[str, Data] = field(default_factory=dict)
    data: Data | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class DecodedShot:
    """One shot as it came out of the sandbox: well formed, but not to be trusted.

    Attributes:
        index: its place in the job, from 0.
        count: number of shots of the job.
        globals: name to value, as JSON.
        units: name to unit of the globals.
        tree: path (``devices/clock/PULSE_PROGRAM``, the root is ``/``) to node.
    """

    index: int
    count: int
    globals: Mapping[str, JsonValue]
    units: Mapping[str, str]
    tree: Mapping[str, Node]

    def children(self, path: str) -> dict[str, Node]:
        """Return the nodes directly below the group ``path``, by their own name."""
        prefix = f"{path}/"
        below = (
            (p[len(prefix) :], n)
            for p, n in self.tree.items()
            if p[: len(prefix)] == prefix
        )
        return {name: node for name, node in below if "/" not in name}


def scalar(data: Data | None) -> object:
    """Return the Python value of a single number or text, None if there is none."""
    if isinstance(data, np.ndarray) and data.shape == () and not data.dtype.names:
        value: object = data.item()
        return value
    return data if isinstance(data, str) else None

"""What each output does over time, as the validated data of a shot says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from shothub.shots.tree import Array


@dataclass(frozen=True, kw_only=True, eq=False)
class Trace:
    """The course of one output: it takes ``values[i]`` at ``times[i]`` and keeps it.

    Attributes:
        times: seconds from the start of the shot, rising.
        values: in ``unit``; digital outputs have 0 and 1.
        unit: of the values, empty for digital outputs.
    """

    times: Array
    values: Array
    unit: str


class Traced(Protocol):
    """A shot whose traces are known."""

    @property
    def traces(self) -> Mapping[str, Trace]: ...


def traces(shot: Traced) -> dict[str, Trace]:
    """Return the trace of each output that the shot drives, by the output's name."""
    return dict(shot.traces)

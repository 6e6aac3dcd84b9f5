"""What the outputs of a shot do, as the physics sees it: values by name over time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Step:
    """An interval in which every output rests.

    Attributes:
        start: time of its begin, s.
        duration: s.
        values: outputs by name, in the units of the wiring; digital ones are 0 or 1.
    """

    start: float
    duration: float
    values: Mapping[str, float]

    def on(self, name: str) -> bool:
        """Tell whether a digital output is high."""
        return self.values[name] > 0.5


@dataclass(frozen=True)
class Exposure:
    """One frame that the camera takes.

    Attributes:
        start: s.
        duration: s.
        name: of the image.
        frametype: e.g. ``atoms``.
    """

    start: float
    duration: float
    name: str
    frametype: str


@dataclass(frozen=True)
class Program:
    """The output tables of a shot.

    Attributes:
        times: time of each row, s, strictly rising.
        outputs: one value a row, by name.
    """

    times: Array
    outputs: Mapping[str, Array]

    def steps(self) -> Iterator[Step]:
        """Yield the interval that begins with each row; the last has no length."""
        names = list(self.outputs)
        rows = zip(*(self.outputs[name].tolist() for name in names), strict=True)
        times = self.times.tolist()
        ends = [*times[1:], times[-1]]
        for start, end, row in zip(times, ends, rows, strict=True):
            yield Step(start, end - start, dict(zip(names, row, strict=True)))

    def value(self, name: str, time: float) -> float:
        """Return an output at a time; zero before the first row."""
        row = int(np.searchsorted(self.times, time + 1e-9, side="right")) - 1
        return float(self.outputs[name][row]) if row >= 0 else 0.0

    def time_on(self, name: str, start: float, duration: float) -> float:
        """Return how long a digital output is high from ``start`` on, s."""
        ends = np.append(self.times[1:], np.inf)
        overlap = np.minimum(ends, start + duration) - np.maximum(self.times, start)
        return float(np.sum(np.clip(overlap, 0, None) * (self.outputs[name] > 0.5)))

"""The far future of a queue: all who wait are served at once, each at his part of the speed.

Generalised processor sharing (Parekh and Gallager, 1993), which fair queueing approaches:
at virtual time v a line of weight w has had v w seconds of the machine, until it is empty.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Piece:
    """A job in a line; ``seconds`` of the machine for ``shots`` shots."""

    name: str
    seconds: float
    shots: int


@dataclass(frozen=True, slots=True)
class Line:
    """The jobs of one user in their order, and his part relative to the others."""

    weight: float
    pieces: Sequence[Piece]


@dataclass(frozen=True, slots=True)
class Passage:
    """When a job begins and ends, seconds from now, and how many shots run before it."""

    starts: float
    ends: float
    ahead: int


def passages(lines: Iterable[Line]) -> Mapping[str, Passage]:
    """Return the passage of each job, by name, if all lines are served together."""
    full = [line for line in lines if sum(p.seconds for p in line.pieces) > 0]
    seconds = _Served([(x.weight, sum(p.seconds for p in x.pieces)) for x in full])
    found: dict[str, Passage] = {}
    shots = _shots_by(full)
    for line in full:
        begun = 0.0
        for piece in line.pieces:
            start, end = begun / line.weight, (begun + piece.seconds) / line.weight
            found[piece.name] = Passage(
                seconds.until(start), seconds.until(end), round(shots.until(start))
            )
            begun += piece.seconds
    return found


class _Served:
    """How much has been served of all lines together at a virtual time.

    Args:
        lines: speed and total of each line.
    """

    def __init__(self, lines: Sequence[tuple[float, float]]) -> None:
        order = sorted(lines, key=lambda line: line[1] / line[0])
        self._empty = [total / speed for speed, total in order]
        self._done = [0.0, *accumulate(total for _, total in order)]
        slower = accumulate((speed for speed, _ in reversed(order)), initial=0.0)
        self._speed = [*slower][::-1]

    def until(self, virtual: float) -> float:
        """Return the amount at a virtual time."""
        gone = bisect_right(self._empty, virtual)
        return self._done[gone] + virtual * self._speed[gone]


def _shots_by(lines: Sequence[Line]) -> _Served:
    amounts = []
    for line in lines:
        shots = sum(piece.shots for piece in line.pieces)
        seconds = sum(piece.seconds for piece in line.pieces)
        amounts.append((max(shots, 1e-9) * line.weight / seconds, max(shots, 1e-9)))
    return _Served(amounts)

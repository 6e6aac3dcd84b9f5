"""Limits of the lab on what outputs may do, in the units of the channel."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class OutputLimit:
    """Bounds of one output.

    Attributes:
        minimum: smallest value, in the channel's unit.
        maximum: largest value, in the channel's unit.
        max_slew: largest change per second between two clock ticks, if bounded. A jump
            after more than 10 ms of rest counts as if it took 10 ms.
        final: the only value with which a shot may leave this output, if any.
    """

    minimum: float | None = None
    maximum: float | None = None
    max_slew: float | None = None
    final: float | None = None


@dataclass(frozen=True, kw_only=True)
class ShotLimits:
    """Bounds of one shot.

    Attributes:
        max_duration: longest shot, seconds.
        max_instructions: largest number of clock instructions or table rows.
        outputs: bounds by the output's name in the connection table.
    """

    max_duration: float = 60.0
    max_instructions: int = 100_000
    outputs: dict[str, OutputLimit] = field(default_factory=dict)

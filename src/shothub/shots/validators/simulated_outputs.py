"""SimulatedOutputs of shothub.sim: tables named by connection, and the ticks' times."""

import numpy as np

from shothub.shots.tree import Array
from shothub.shots.validators.base import Part, Valid, channel_values

TYPES = {"AO": "<f8", "DO": "|u1"}


def validate_simulated_outputs(part: Part) -> Valid:
    """Judge ``AO`` and ``DO``, one row a tick, and ``TIMES``, which the clock must bear out.

    Raises:
        Invalid: the tables are not such as labscript would write.
    """
    analog, digital, times = part.tables("AO", "DO", "TIMES")
    _check_times(part, times)
    values = _values(part, analog, "AO") | _values(part, digital, "DO")
    return Valid(
        datasets={"AO": analog, "DO": digital, "TIMES": times},
        values=values,
        instructions=len(times),
    )


def _check_times(part: Part, times: Array) -> None:
    clock = part.ticking()
    if times.dtype.str != "<f8" or len(times) != len(clock.times):
        raise part.invalid(
            f"{len(times)} times for {len(clock.times)} ticks", place="TIMES"
        )
    # The negation also refuses what is not a number.
    if not (np.abs(times - clock.times) <= clock.tolerance).all():
        raise part.invalid(
            "the times are not those of the clock's ticks", place="TIMES"
        )


def _values(part: Part, table: Array, place: str) -> dict[str, Array]:
    dtype = TYPES[place]
    if table.dtype.names is None:
        if table.size or table.dtype.str != dtype:
            raise part.invalid("the table has no columns", place=place)
        return {}
    for name in table.dtype.names:
        if table.dtype[name].str != dtype:
            raise part.invalid(f"column {name[:60]!r} is of a wrong type", place=place)
    return channel_values(part, table, part.lab.outputs_of(part.name), place)

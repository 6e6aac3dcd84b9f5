"""DummyPseudoclock of labscript_devices: a program of (period, repetitions)."""

import numpy as np

from shothub.shots.tree import Array, scalar
from shothub.shots.validators.base import Clock, Part, Valid

RESOLUTION = 25e-9
"""Seconds per unit of ``period``."""

SHORTEST_PERIOD = 4
"""Units: the device's clock limit is 10 MHz."""

MAX_TICKS = 5_000_000
PROGRAM = np.dtype([("period", "<i8"), ("reps", "<i8")])


def validate_dummy_pseudoclock(part: Part) -> Valid:
    """Judge the program; its ticks must end where ``stop_time`` says.

    Raises:
        Invalid: the program is not one that labscript would write.
    """
    (program,) = part.tables("PULSE_PROGRAM")
    if program.dtype != PROGRAM or len(program) < 2:
        raise part.invalid(
            "the program must be rows of period and reps", place="PULSE_PROGRAM"
        )
    if scalar(part.attributes.get("is_master_pseudoclock")) is not True:
        raise part.invalid("it must be the master pseudoclock")
    clock = _clock(part, program)
    stop_time = part.number("stop_time")
    if not stop_time > 0 or abs(float(clock.times[-1]) - stop_time) > clock.tolerance:
        raise part.invalid(
            f"the program's last tick is at {clock.times[-1]:.9g} s, stop_time is {stop_time:.9g} s",
            place="@stop_time",
        )
    return Valid(
        datasets={"PULSE_PROGRAM": program},
        attributes={"is_master_pseudoclock": True, "stop_time": stop_time},
        clock=clock,
        instructions=len(program),
    )


def _clock(part: Part, program: Array) -> Clock:
    period, reps = program["period"], program["reps"]
    body = slice(0, -1)
    if ((period == 0) & (reps == 1)).any():
        raise part.invalid(
            "waits are not supported in this version", code="waits_unsupported"
        )
    if (period[-1], reps[-1]) != (0, 0):
        raise part.invalid(
            "the program does not end with a stop", place="PULSE_PROGRAM"
        )
    if (period[body] < SHORTEST_PERIOD).any() or (reps[body] < 1).any():
        raise part.invalid(
            "a period or a number of repetitions is too small", place="PULSE_PROGRAM"
        )
    # In floating point first: products of two large integers would wrap around silently.
    ticks = float(reps[body].astype(float).sum())
    duration = float((period[body].astype(float) * reps[body]).sum()) * RESOLUTION
    longest = part.lab.limits.max_duration
    if duration > longest:
        raise part.invalid(
            f"the program takes {duration:.6g} s, the longest shot is {longest:g} s",
            code="shot_too_long",
        )
    if ticks > MAX_TICKS:
        raise part.invalid(
            f"{ticks:.0f} ticks are more than {MAX_TICKS}", code="too_many_instructions"
        )
    steps = np.repeat(period[body], reps[body])
    times = (np.cumsum(steps) - steps) * RESOLUTION
    return Clock(
        times=times, duration=duration, tolerance=1e-6 + RESOLUTION * len(steps)
    )

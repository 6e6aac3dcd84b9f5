"""Traces held against the limits of the lab: each breach by output, time and value."""

from collections.abc import Iterator, Mapping

import numpy as np

from shothub.domain.faults import Fault
from shothub.domain.limits import OutputLimit, ShotLimits
from shothub.shots.traces import Trace

STEP = 0.01
"""Seconds: a jump after a longer pause is judged as if it took this long, no longer."""

SLACK = 1e-9
"""Relative and absolute slack of comparisons, for the rounding of floating point."""

SLEW_SLACK = 1e-3
"""Relative slack of rates: clocks round their periods."""


def breaches(
    traces: Mapping[str, Trace],
    limits: ShotLimits,
    *,
    duration: float,
    instructions: int,
) -> list[Fault]:
    """Return every limit that the shot breaks, the first place of each."""
    faults = list(_of_shot(limits, duration, instructions))
    for name, limit in limits.outputs.items():
        if name in traces and len(traces[name].times):
            faults += _of_output(name, traces[name], limit)
    return faults


def _of_shot(limits: ShotLimits, duration: float, instructions: int) -> Iterator[Fault]:
    if duration > limits.max_duration:
        yield Fault(
            code="shot_too_long",
            detail=f"The shot takes {duration:.6g} s; the lab allows {limits.max_duration:g} s.",
            where="limits.max_duration",
        )
    if instructions > limits.max_instructions:
        yield Fault(
            code="too_many_instructions",
            detail=f"The shot has {instructions} instructions; the lab allows "
            f"{limits.max_instructions}.",
            where="limits.max_instructions",
            hint="lower the sample rate of the ramps",
        )


def _of_output(name: str, trace: Trace, limit: OutputLimit) -> Iterator[Fault]:
    values = np.asarray(trace.values, dtype=float)
    slack = SLACK * (1 + np.abs(values))
    if limit.minimum is not None and (low := values < limit.minimum - slack).any():
        yield _breach(
            name, trace, int(low.argmax()), f"below the minimum of {limit.minimum:g}"
        )
    if limit.maximum is not None and (high := values > limit.maximum + slack).any():
        yield _breach(
            name, trace, int(high.argmax()), f"above the maximum of {limit.maximum:g}"
        )
    if limit.max_slew is not None and len(values) > 1:
        yield from _slew(name, trace, values, limit.max_slew)
    if limit.final is not None and abs(values[-1] - limit.final) > slack[-1]:
        yield _breach(
            name,
            trace,
            len(values) - 1,
            f"where the shot must leave it at {limit.final:g}",
        )


def _slew(name: str, trace: Trace, values: np.ndarray, most: float) -> Iterator[Fault]:
    over = np.minimum(np.diff(trace.times), STEP)
    rate = np.abs(np.diff(values)) / np.maximum(over, 1e-9)
    if (fast := rate > most * (1 + SLEW_SLACK)).any():
        first = int(fast.argmax())
        unit = f" {trace.unit}/s" if trace.unit else "/s"
        yield _breach(
            name,
            trace,
            first + 1,
            f"changing by {rate[first]:.6g}{unit}, faster than {most:g}",
            per_second=True,
            hint="ramp it, with at least 100 samples a second",
        )


def _breach(
    name: str,
    trace: Trace,
    index: int,
    what: str,
    *,
    per_second: bool = False,
    hint: str = "",
) -> Fault:
    unit = f" {trace.unit}" if trace.unit else ""
    bound = f"{unit}/s" if per_second else unit
    return Fault(
        code="limit_exceeded",
        detail=f"{name} is {float(trace.values[index]):.6g}{unit} at "
        f"{float(trace.times[index]):.6g} s, {what}{bound}.",
        where=f"limits.outputs.{name}",
        hint=hint,
    )

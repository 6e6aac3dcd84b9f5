"""Steps of an experiment with a Bose-Einstein condensate of rubidium 87.

A script calls the steps in order. Each takes the time at which it begins and returns the
time at which it ends, both in seconds from the start of the shot:

    t = begin()
    t = prepare_bec(t, evaporation_end=0.75)
    t = hold(t, 0.1)
    t = time_of_flight(t, 15e-3)
    t = image(t)
    finish(t)
"""

import math

import connection_table
from labscript import add_time_marker, start, stop

RAMP_RATE = 1e3
"""Points a second in the ramps of currents, fields and frequencies."""

CHIP_CURRENT = 3.0
"""A, through the chip's wire while atoms are trapped."""

CAPTURE_BIAS, TIGHT_BIAS, RELEASE_BIAS = 6.0, 30.0, 8.0
"""G, across the wire: to catch the atoms, to evaporate, to release."""

KNIFE_START = 15.0
"""MHz, at which the radio-frequency knife begins."""


def begin():
    """Make the devices, start the shot and set every output to its resting value.

    Returns:
        The time at which the next step may begin, s.
    """
    connection_table.build()
    start()
    for output in (mot_gradient, chip_current, bias_field, drive_amplitude):
        output.constant(0, 0)
    for output in (drive_offset, probe_detuning, probe_intensity):
        output.constant(0, 0)
    knife_frequency.constant(0, KNIFE_START)
    for output in (cooling_light, repump_light, knife_gate, drive_gate, probe_light):
        output.go_low(0)
    return 1e-3


def load_mot(t, duration=0.25, gradient=12.0):
    """Load a magneto-optical trap, then cool the atoms in an optical molasses.

    Args:
        t: begin, s.
        duration: of the loading, s, 0.01 to 2; the trap fills with a time constant of
            0.2 s.
        gradient: of the quadrupole field, G/cm, 1 to 25; most atoms at 12.

    Returns:
        The end of the molasses, s.
    """
    _within("load_mot", "duration", duration, 0.01, 2, "s")
    _within("load_mot", "gradient", gradient, 1, 25, "G/cm")
    cooling_light.go_high(t)
    repump_light.go_high(t)
    mot_gradient.constant(t, gradient)
    t += duration
    mot_gradient.constant(t, 0)
    t += 5e-3
    cooling_light.go_low(t)
    repump_light.go_low(t)
    return t


def load_magnetic_trap(t, duration=40e-3):
    """Catch the atoms in the chip's magnetic trap and compress it.

    Args:
        t: begin, s; right after ``load_mot``.
        duration: of the compression, s, 0.01 to 0.5.

    Returns:
        The end of the compression, s.
    """
    _within("load_magnetic_trap", "duration", duration, 0.01, 0.5, "s")
    chip_current.constant(t, CHIP_CURRENT)
    bias_field.constant(t, CAPTURE_BIAS)
    t += 5e-3
    return t + bias_field.ramp(t, duration, CAPTURE_BIAS, TIGHT_BIAS, RAMP_RATE)


def evaporate(t, end=0.75, duration=0.4):
    """Cool the trapped atoms by ramping the radio-frequency knife down.

    The ramp is exponential, from 15 MHz towards the trap bottom, which is at 0.70 MHz.
    Then the trap is relaxed for the release.

    Args:
        t: begin, s.
        end: frequency at the end of the ramp, MHz, 0.5 to 15. The lower, the colder, and
            the fewer atoms; below 0.70 MHz none is left.
        duration: of the ramp, s, 0.05 to 5.

    Returns:
        The time at which the relaxed trap is ready, s.
    """
    _within("evaporate", "end", end, 0.5, KNIFE_START, "MHz")
    _within("evaporate", "duration", duration, 0.05, 5, "s")
    knife_gate.go_high(t)
    t += knife_frequency.exp_ramp(
        t, duration, KNIFE_START, end, RAMP_RATE, zero=min(0.6, end - 0.05)
    )
    knife_gate.go_low(t)
    return t + bias_field.ramp(t, 50e-3, TIGHT_BIAS, RELEASE_BIAS, RAMP_RATE)


def prepare_bec(t, evaporation_end=0.75, evaporation_time=0.4, loading_time=0.25):
    """Prepare cold atoms: load, trap and evaporate; with the defaults, a condensate.

    Args:
        t: begin, s.
        evaporation_end: frequency at the end of the evaporation, MHz, 0.5 to 15.
        evaporation_time: of the evaporation, s, 0.05 to 5.
        loading_time: of the magneto-optical trap, s, 0.01 to 2.

    Returns:
        The time at which the atoms are ready in the relaxed trap, s. They are in the
        state F=1, m=-1.
    """
    t = load_mot(t, loading_time)
    t = load_magnetic_trap(t)
    return evaporate(t, evaporation_end, evaporation_time)


def hold(t, duration):
    """Keep the atoms in the trap, where they heat up and get lost.

    Args:
        t: begin, s.
        duration: s, 0 to 10.

    Returns:
        The end, s.
    """
    _within("hold", "duration", duration, 0, 10, "s")
    return t + duration


def rf_pulse(t, duration, amplitude=1.0, offset=0.0):
    """Drive the two-level transition from F=1, m=-1 to F=2, m=+1.

    On resonance the atoms flop at 1 kHz per volt: at 1 V, 0.5 ms is a pi pulse.

    Args:
        t: begin, s.
        duration: of the pulse, s; 0 (no pulse), or 5e-6 to 0.05.
        amplitude: of the drive, V, 0 to 5.
        offset: of the drive's frequency from the resonance, kHz, -500 to 500.

    Returns:
        The end of the pulse, s.
    """
    _within("rf_pulse", "duration", duration, 0, 0.05, "s")
    _within("rf_pulse", "amplitude", amplitude, 0, 5, "V")
    _within("rf_pulse", "offset", offset, -500, 500, "kHz")
    drive_amplitude.constant(t, amplitude)
    drive_offset.constant(t, offset)
    if duration == 0:
        return t
    _within("rf_pulse", "duration", duration, 5e-6, 0.05, "s")
    t += 10e-6
    drive_gate.go_high(t)
    t += duration
    drive_gate.go_low(t)
    return t + 10e-6


def time_of_flight(t, duration):
    """Release the atoms from the trap and let them fall and expand.

    Args:
        t: moment of the release, s.
        duration: s, 1e-3 to 25e-3; after 25 ms the atoms leave the camera's view.

    Returns:
        The end of the flight, s.
    """
    _within("time_of_flight", "duration", duration, 1e-3, 25e-3, "s")
    add_time_marker(t, "release")
    chip_current.constant(t, 0)
    bias_field.constant(t, 0)
    return t + duration


def image(t, state="all", detuning=9.0, intensity=0.9, exposure=100e-6):
    """Take an absorption image: a frame with atoms, one with light only, one dark.

    The imaging light is absorbed by atoms in F=2 only. For ``state="all"`` a repumping
    pulse of 0.2 ms brings those in F=1 there first.

    Args:
        t: moment of the frame with atoms, s, after a time of flight of 1 ms or more.
        state: ``"all"`` atoms, or only those in ``"F=2"``.
        detuning: of the light from its resonance, MHz, -60 to 60. Dense clouds absorb
            all resonant light and seem to have too few atoms; 9 MHz suits condensates.
        intensity: of the light, in saturation intensities, 0.01 to 2.
        exposure: of each frame, s, 5e-6 to 200e-6.

    Returns:
        The end of the last frame, s.
    """
    if state not in ("all", "F=2"):
        raise ValueError(f'image: state is "all" or "F=2", not {state!r}')
    _within("image", "detuning", detuning, -60, 60, "MHz")
    _within("image", "intensity", intensity, 0.01, 2, "saturation intensities")
    _within("image", "exposure", exposure, 5e-6, 200e-6, "s")
    probe_detuning.constant(t - 0.5e-3, detuning)
    probe_intensity.constant(t - 0.5e-3, intensity)
    if state == "all":
        repump_light.go_high(t - 0.25e-3)
        repump_light.go_low(t - 0.05e-3)
    for frametype in ("atoms", "light", "dark"):
        if frametype != "dark":
            probe_light.go_high(t)
            probe_light.go_low(t + exposure)
        camera.expose(t, "absorption", frametype, trigger_duration=exposure)
        t += 12e-3
    return t


def finish(t):
    """Switch everything off and end the shot.

    Args:
        t: end of the last step, s.
    """
    t += 1e-3
    for output in (mot_gradient, chip_current, bias_field, drive_amplitude):
        output.constant(t, 0)
    for output in (drive_offset, probe_detuning, probe_intensity):
        output.constant(t, 0)
    stop(t + 5e-3)


def _within(function, name, value, low, high, unit):
    """Refuse a value that is no finite number from ``low`` to ``high``.

    Raises:
        TypeError: it is not a number.
        ValueError: it is out of range.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(
            f"{function}: {name} is a number in {unit}, not {value!r}"
        ) from None
    if not (math.isfinite(number) and low <= number <= high):
        raise ValueError(
            f"{function}: {name} = {value} {unit} is outside {low} to {high} {unit}"
        )

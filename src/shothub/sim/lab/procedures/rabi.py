"""Rabi flopping between two states of the condensate.

Drives the transition from F=1, m=-1 to F=2, m=+1 for the given time and images only the
atoms in F=2. On resonance the atoms flop at 1 kHz per volt.
"""

from labscriptlib.bec import (
    begin,
    finish,
    image,
    prepare_bec,
    rf_pulse,
    time_of_flight,
)

GLOBALS = {
    "pulse_duration": {
        "type": "float",
        "unit": "s",
        "default": 0.25e-3,
        "min": 5e-6,
        "max": 20e-3,
        "doc": "duration of the pulse",
    },
    "pulse_amplitude": {
        "type": "float",
        "unit": "V",
        "default": 2.0,
        "min": 0.0,
        "max": 5.0,
        "doc": "amplitude of the drive",
    },
    "pulse_offset": {
        "type": "float",
        "unit": "kHz",
        "default": 0.0,
        "min": -500.0,
        "max": 500.0,
        "doc": "offset of the drive's frequency from the resonance",
    },
}
EXAMPLE = {"pulse_duration": {"linspace": [20e-6, 1.22e-3, 21]}}
ROUTINES = ["atom_number"]
MULTISHOT = ["rabi_fit"]

t = begin()
t = prepare_bec(t)
t = rf_pulse(t, pulse_duration, pulse_amplitude, pulse_offset)
t = time_of_flight(t, 15e-3)
t = image(t, state="F=2")
finish(t)

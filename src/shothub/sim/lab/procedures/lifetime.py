"""Lifetime: atoms, temperature and condensate after a hold in the trap.

Prepares a cloud, holds it and images it after a fixed time of flight. Atoms are lost to
the background gas, and what remains heats up until the condensate is gone.
"""

from labscriptlib.bec import begin, finish, hold, image, prepare_bec, time_of_flight

GLOBALS = {
    "hold_time": {
        "type": "float",
        "unit": "s",
        "default": 0.0,
        "min": 0.0,
        "max": 10.0,
        "doc": "time in the relaxed trap",
    },
    "evaporation_end": {
        "type": "float",
        "unit": "MHz",
        "default": 0.75,
        "min": 0.71,
        "max": 5.0,
        "doc": "frequency at the end of the evaporation; the trap bottom is at 0.70 MHz",
    },
    "tof": {
        "type": "float",
        "unit": "s",
        "default": 15e-3,
        "min": 3e-3,
        "max": 25e-3,
        "doc": "time of flight",
    },
}
EXAMPLE = {"hold_time": [0.0, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0]}
ROUTINES = ["atom_number", "bimodal_fit"]
MULTISHOT = ["lifetime_fit"]

t = begin()
t = prepare_bec(t, evaporation_end)
t = hold(t, hold_time)
t = time_of_flight(t, tof)
t = image(t)
finish(t)

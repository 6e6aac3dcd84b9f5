"""Time of flight of a condensate.

Prepares a condensate, releases it and takes an absorption image after the time of flight.
"""

from labscriptlib.bec import begin, finish, image, prepare_bec, time_of_flight

GLOBALS = {
    "tof": {
        "type": "float",
        "unit": "s",
        "default": 15e-3,
        "min": 1e-3,
        "max": 25e-3,
        "doc": "time of flight",
    },
    "evaporation_end": {
        "type": "float",
        "unit": "MHz",
        "default": 0.75,
        "min": 0.71,
        "max": 5.0,
        "doc": "frequency at the end of the evaporation; the trap bottom is at 0.70 MHz",
    },
}
EXAMPLE = {"tof": {"linspace": [5e-3, 25e-3, 11]}}
ROUTINES = ["atom_number", "bimodal_fit"]
MULTISHOT = ["tof_temperature"]

t = begin()
t = prepare_bec(t, evaporation_end)
t = time_of_flight(t, tof)
t = image(t)
finish(t)

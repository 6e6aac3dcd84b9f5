"""Evaporation: number, temperature and condensate against the end of the ramp.

Cools with a radio-frequency ramp that ends at the given frequency and images the cloud
after a fixed time of flight. The lower the end, the colder; a condensate appears below
0.9 MHz.
"""

from labscriptlib.bec import begin, finish, image, prepare_bec, time_of_flight

GLOBALS = {
    "evaporation_end": {
        "type": "float",
        "unit": "MHz",
        "default": 0.75,
        "min": 0.71,
        "max": 5.0,
        "doc": "frequency at the end of the evaporation; the trap bottom is at 0.70 MHz",
    },
    "evaporation_time": {
        "type": "float",
        "unit": "s",
        "default": 0.4,
        "min": 0.05,
        "max": 2.0,
        "doc": "duration of the ramp",
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
EXAMPLE = {"evaporation_end": [2.0, 1.5, 1.2, 1.0, 0.9, 0.85, 0.8, 0.75, 0.72]}
ROUTINES = ["atom_number", "bimodal_fit"]
MULTISHOT = []

t = begin()
t = prepare_bec(t, evaporation_end, evaporation_time)
t = time_of_flight(t, tof)
t = image(t)
finish(t)

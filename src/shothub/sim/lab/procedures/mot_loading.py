"""Loading of the magneto-optical trap.

Loads the trap for the given time, cools the atoms in the molasses, lets them expand
freely and images them with light far off resonance, since the cloud is dense.
"""

from labscriptlib.bec import begin, finish, image, load_mot, time_of_flight

GLOBALS = {
    "loading_time": {
        "type": "float",
        "unit": "s",
        "default": 0.25,
        "min": 0.01,
        "max": 2.0,
        "doc": "time for which the trap loads",
    },
    "quadrupole": {
        "type": "float",
        "unit": "G/cm",
        "default": 12.0,
        "min": 1.0,
        "max": 25.0,
        "doc": "gradient of the quadrupole field",
    },
}
EXAMPLE = {"loading_time": {"linspace": [0.05, 1.0, 8]}}
ROUTINES = ["atom_number"]
MULTISHOT = []
RERUN = "safe"  # loading a trap twice does no harm

t = begin()
t = load_mot(t, loading_time, quadrupole)
t = time_of_flight(t, 4e-3)
t = image(t, detuning=18.0)
finish(t)

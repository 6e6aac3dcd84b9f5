"""Write a globals file for my_rabi.py, with runmanager's own functions.

python make_globals.py my_rabi_globals.h5
"""

import sys

import runmanager


def make_globals(path):
    """Write a scan of the pulse's duration, and two fixed values, into a new file."""
    runmanager.new_globals_file(path)
    runmanager.new_group(path, "pulse")
    runmanager.new_group(path, "preparation")
    for group, name, value, units, expansion in (
        ("pulse", "pulse_duration", "linspace(50e-6, 1.05e-3, 6)", "s", "outer"),
        ("pulse", "pulse_amplitude", "1.0", "V", ""),
        ("preparation", "hold_time", "pulse_amplitude * 20e-3", "s", ""),
    ):
        runmanager.new_global(path, group, name)
        runmanager.set_value(path, group, name, value)
        runmanager.set_units(path, group, name, units)
        runmanager.set_expansion(path, group, name, expansion)


if __name__ == "__main__":
    make_globals(sys.argv[1] if len(sys.argv) > 1 else "my_rabi_globals.h5")

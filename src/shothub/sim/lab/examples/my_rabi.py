"""A user's own experiment: hold a condensate, drive it, count what was transferred.

Globals: ``hold_time`` (s), ``pulse_duration`` (s), ``pulse_amplitude`` (V); the file
``my_rabi_globals.h5`` with them is made by ``make_globals.py``.
"""

from labscriptlib.bec import (
    begin,
    finish,
    hold,
    image,
    prepare_bec,
    rf_pulse,
    time_of_flight,
)

t = begin()
t = prepare_bec(t, evaporation_end=0.75)
t = hold(t, hold_time)
t = rf_pulse(t, pulse_duration, pulse_amplitude)
t = time_of_flight(t, 15e-3)
t = image(t, state="F=2")
finish(t)

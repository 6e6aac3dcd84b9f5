"""A lab of stock dummy devices whose one procedure makes shots of a given length."""

from pathlib import Path

CONNECTION_TABLE = """\
from labscript import AnalogOut, DigitalOut, start, stop
from labscript_devices.DummyIntermediateDevice import DummyIntermediateDevice
from labscript_devices.DummyPseudoclock.labscript_devices import DummyPseudoclock


def build():
    DummyPseudoclock(name="clock", BLACS_connection="dummy")
    DummyIntermediateDevice(name="card", parent_device=clock.clockline)
    AnalogOut(name="coil", parent_device=card, connection="ao0")
    DigitalOut(name="shutter", parent_device=card, connection="do0")


if __name__ == "__main__":
    build()
    start()
    stop(1)
"""

PROCEDURE = '''\
"""A ramp of a given length."""

from connection_table import build
from labscript import start, stop

GLOBALS = {
    "seconds": {"type": "float", "unit": "s", "default": 1.0, "min": 0.01, "max": 10.0},
    "point": {"type": "int", "default": 0},
}
EXAMPLE = {"seconds": 1.0}

build()
start()
shutter.go_high(0)
coil.ramp(t=0.001, duration=seconds - 0.002, initial=0, final=1, samplerate=1e3)
shutter.go_low(seconds - 0.0005)
stop(seconds)
'''

APPARATUS = """\
name = "dummy"
title = "Dummy devices"
max_shots = 1000

[limits]
max_duration = 20.0
"""


def make_dummy_lab(target: Path) -> None:
    """Write the apparatus folder ``target``."""
    for folder in ("labscriptlib", "procedures", "routines"):
        (target / folder).mkdir(parents=True)
    (target / "labscriptlib" / "__init__.py").touch()
    (target / "connection_table.py").write_text(CONNECTION_TABLE)
    (target / "procedures" / "ramp.py").write_text(PROCEDURE)
    (target / "apparatus.toml").write_text(APPARATUS)

"""Programs for the simulated machine, written out as the lab's script would make them."""

import numpy as np

from shothub.sim.physics.program import Exposure, Program
from shothub.sim.shot_file import NAMES

EXPOSURE = 100e-6


class Script:
    """Collects what outputs do; values hold until they change.

    Args:
        end: of the evaporation, MHz.
        evaporation: its duration, s.
        loading: of the magneto-optical trap, s.
    """

    def __init__(
        self, end: float = 0.75, evaporation: float = 0.4, loading: float = 0.25
    ) -> None:
        self._changes: list[tuple[float, str, float]] = []
        self.time = 1e-3
        self._load(loading)
        self._trap()
        self._evaporate(end, evaporation)

    def set(self, **values: float) -> None:
        """Set outputs now."""
        self._changes += [(self.time, name, value) for name, value in values.items()]

    def ramp(self, name: str, duration: float, first: float, last: float) -> None:
        """Ramp an output linearly, 1,000 points a second."""
        start, points = self.time, round(duration * 1e3)
        for i in range(points):
            self.time = start + i * 1e-3
            self.set(**{name: first + (last - first) * i / (points - 1)})
        self.time = start + duration

    def pulse(self, duration: float, amplitude: float, offset: float = 0.0) -> None:
        """Drive the two-level transition."""
        self.set(drive_gate=1, drive_amplitude=amplitude, drive_offset=offset)
        self.time += duration
        self.set(drive_gate=0)
        self.time += 10e-6

    def fly(self, duration: float) -> None:
        """Release the atoms."""
        self.set(chip_current=0, bias_field=0)
        self.time += duration

    def image(self, state: str = "all") -> tuple[Program, list[Exposure]]:
        """End with three frames."""
        start = self.time
        self.time = start - 0.5e-3
        self.set(probe_detuning=9.0, probe_intensity=0.9, repump_light=state == "all")
        self.time = start - 0.05e-3
        self.set(repump_light=0)
        exposures = []
        for number, frametype in enumerate(("atoms", "light", "dark")):
            self.time = start + number * 12e-3
            self.set(probe_light=frametype != "dark")
            exposures.append(Exposure(self.time, EXPOSURE, "absorption", frametype))
            self.time += EXPOSURE
            self.set(probe_light=0)
        return self._program(), exposures

    def _load(self, duration: float) -> None:
        self.set(cooling_light=1, repump_light=1, mot_gradient=12.0)
        self.time += duration
        self.set(mot_gradient=0)
        self.time += 5e-3
        self.set(cooling_light=0, repump_light=0)

    def _trap(self) -> None:
        self.set(chip_current=3.0, bias_field=6.0)
        self.time += 5e-3
        self.ramp("bias_field", 40e-3, 6.0, 30.0)

    def _evaporate(self, end: float, duration: float) -> None:
        start, zero = self.time, min(0.6, end - 0.05)
        self.set(knife_gate=1)
        points = round(duration * 1e3)
        for i in range(points):
            self.time = start + i * 1e-3
            part = ((end - zero) / (15 - zero)) ** (i / (points - 1))
            self.set(knife_frequency=zero + (15 - zero) * part)
        self.time = start + duration
        self.set(knife_gate=0)
        self.ramp("bias_field", 50e-3, 30.0, 8.0)

    def _program(self) -> Program:
        changes = sorted(self._changes, key=lambda change: change[0])
        times = sorted({0.0, *(time for time, _, _ in changes)})
        outputs = {name: np.zeros(len(times)) for name in NAMES.values()}
        rows = {time: row for row, time in enumerate(times)}
        for time, name, value in changes:
            outputs[name][rows[time] :] = value
        return Program(np.array(times), outputs)

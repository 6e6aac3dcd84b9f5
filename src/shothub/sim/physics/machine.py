"""The machine itself: from the outputs over time to the atoms at each exposure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shothub.sim.physics.constants import KB, MASS
from shothub.sim.physics.evaporation import Gas, evolve, move_trap
from shothub.sim.physics.expansion import Cloud, release
from shothub.sim.physics.gas import gamma_3_4_5
from shothub.sim.physics.program import Exposure, Program, Step
from shothub.sim.physics.trap import Trap, wire_trap
from shothub.sim.physics.twolevel import Spin, drive_spin, repump

LOADING_RATE = 1.4e8
"""Atoms a second into the magneto-optical trap at the best gradient."""

LOADING_TIME = 0.2
"""s, in which the magneto-optical trap fills."""

BEST_GRADIENT, GRADIENT_WIDTH = 12.0, 8.0
"""G/cm: loading falls as a Gaussian around the best gradient."""

MOT_TEMPERATURE, MOLASSES_TEMPERATURE, MOLASSES_TIME = 150e-6, 25e-6, 1e-3
"""K, K and s."""

MOT_SIZE = 0.2e-3
"""Root mean square radius of the magneto-optical trap, m."""

PUMPED = 0.6
"""Fraction of the atoms that the magnetic trap can hold after the light."""


@dataclass(frozen=True)
class Fluctuations:
    """What differs between two runs of the same shot.

    Attributes:
        loading: factor on the rate of loading.
    """

    loading: float = 1.0


@dataclass(frozen=True)
class Snapshot:
    """The atoms at the begin of an exposure.

    Attributes:
        exposure: the exposure.
        cloud: all atoms.
        upper: fraction in F=2, which the imaging light sees.
    """

    exposure: Exposure
    cloud: Cloud
    upper: float


@dataclass(frozen=True)
class _Atoms:
    body: Gas | Cloud
    spin: Spin


def simulate(
    program: Program,
    exposures: Sequence[Exposure],
    fluctuations: Fluctuations | None = None,
) -> list[Snapshot]:
    """Run a shot; return the atoms at each exposure, in order of time."""
    changes = fluctuations or Fluctuations()
    atoms = _Atoms(_nothing(), Spin())
    waiting = sorted(exposures, key=lambda exposure: exposure.start)
    seen: list[Snapshot] = []
    for step in program.steps():
        while waiting and waiting[0].start < step.start + 1e-7:
            seen.append(_snapshot(waiting.pop(0), atoms))
        if step.duration > 0:
            atoms = _advance(atoms, step, changes)
    return seen + [_snapshot(exposure, atoms) for exposure in waiting]


def _snapshot(exposure: Exposure, atoms: _Atoms) -> Snapshot:
    body = atoms.body if isinstance(atoms.body, Cloud) else release(atoms.body)
    return Snapshot(exposure, body, atoms.spin.upper)


def _nothing() -> Cloud:
    return Cloud(
        thermal=0.0, temperature=MOT_TEMPERATURE, sizes=(MOT_SIZE, MOT_SIZE, MOT_SIZE)
    )


def _advance(atoms: _Atoms, step: Step, changes: Fluctuations) -> _Atoms:
    if step.on("cooling_light") and step.on("repump_light"):
        return _Atoms(_cooled(atoms.body, step, changes), Spin())
    body = _moved(atoms.body, step)
    spin = _driven(atoms.spin, step)
    if step.on("probe_light") or step.on("cooling_light"):
        body, spin = _thinned(body, 1 - spin.upper), Spin()
    return _Atoms(body, spin)


def _cooled(body: Gas | Cloud, step: Step, changes: Fluctuations) -> Cloud:
    """Load the magneto-optical trap, or cool in a molasses without the gradient."""
    cloud = body if isinstance(body, Cloud) and body.condensed == 0 else _nothing()
    gradient = step.values["mot_gradient"]
    if gradient < 0.5:
        fading = math.exp(-step.duration / MOLASSES_TIME)
        warmer = (cloud.temperature - MOLASSES_TEMPERATURE) * fading
        return replace(cloud, temperature=MOLASSES_TEMPERATURE + warmer, flight=0.0)
    efficiency = math.exp(-(((gradient - BEST_GRADIENT) / GRADIENT_WIDTH) ** 2) / 2)
    full = LOADING_RATE * LOADING_TIME * efficiency * changes.loading
    number = full + (cloud.thermal - full) * math.exp(-step.duration / LOADING_TIME)
    return replace(_nothing(), thermal=number)


def _moved(body: Gas | Cloud, step: Step) -> Gas | Cloud:
    """Hold, release, catch or let fly, as the wire's current has it."""
    values = step.values
    knife = values["knife_frequency"] * 1e6 if step.on("knife_gate") else None
    trap = wire_trap(values["chip_current"], values["bias_field"] * 1e-4, knife)
    if trap is None:
        cloud = body if isinstance(body, Cloud) else release(body)
        return replace(cloud, flight=cloud.flight + step.duration)
    if isinstance(body, Cloud):
        body = _caught(body, trap)
    return evolve(move_trap(body, trap), step.duration)


def _caught(cloud: Cloud, trap: Trap) -> Gas:
    """Switch the trap on around a cloud; a condensate comes back as thermal atoms.

    Half of the kinetic and potential energy of each axis becomes temperature; what is
    above the depth, and what is in other states, is lost.
    """
    pairs = zip(trap.omega, cloud.thermal_sizes(), strict=True)
    potential = sum(MASS * (omega * size) ** 2 for omega, size in pairs) / 3
    temperature = (cloud.temperature + potential / KB) / 2
    inside = gamma_3_4_5(trap.depth / (KB * temperature))[0]
    return Gas(cloud.number * PUMPED * inside, temperature, trap)


def _driven(spin: Spin, step: Step) -> Spin:
    if step.on("repump_light"):
        return repump(spin, step.duration)
    amplitude = step.values["drive_amplitude"] if step.on("drive_gate") else 0.0
    offset = step.values["drive_offset"]
    return drive_spin(spin, amplitude=amplitude, offset=offset, duration=step.duration)


def _thinned(body: Gas | Cloud, fraction: float) -> Gas | Cloud:
    if isinstance(body, Gas):
        return replace(body, number=body.number * fraction)
    return replace(
        body, thermal=body.thermal * fraction, condensed=body.condensed * fraction
    )

"""Forced evaporation, losses and heating of a trapped gas as rate equations.

The kinetics of the truncated Boltzmann distribution in a harmonic trap: O. J. Luiten,
M. W. Reynolds and J. T. M. Walraven, Phys. Rev. A 53, 381 (1996), equations 40 to 45.
Three-body loss after J. Soeding et al., Appl. Phys. B 69, 257 (1999). Evaporation acts on
the thermal atoms; the condensate only exchanges with them.
"""

import math
from dataclasses import dataclass, replace

from shothub.sim.physics.constants import (
    COUPLING,
    ELASTIC_CROSS_SECTION,
    KB,
    MASS,
    THREE_BODY_CONDENSED,
    THREE_BODY_THERMAL,
)
from shothub.sim.physics.gas import (
    chemical_potential,
    condensed,
    energy,
    gamma_3_4_5,
    temperature_of,
)
from shothub.sim.physics.trap import Trap

BACKGROUND_LIFETIME = 4.0
"""s, by collisions with the remaining gas in the vacuum."""

HEATING_RATE = 0.1e-6
"""K/s, by technical noise."""

LONGEST_STEP = 4e-3
FEWEST_ATOMS = 50.0
COLDEST = 2e-9


@dataclass(frozen=True)
class Gas:
    """Atoms in equilibrium in a trap.

    Attributes:
        number: of atoms, condensed ones included.
        temperature: K.
        trap: that holds them.
    """

    number: float
    temperature: float
    trap: Trap

    @property
    def condensed(self) -> float:
        """Number of condensed atoms."""
        return condensed(self.number, self.temperature, self.trap)


def collision_rate(gas: Gas) -> float:
    """Return the mean rate of elastic collisions of one thermal atom, 1/s."""
    return _peak_density(gas) * ELASTIC_CROSS_SECTION * _speed(gas.temperature) / 2


def peak_phase_space_density(gas: Gas) -> float:
    """Return density in the middle times the cube of the thermal wavelength."""
    return gas.number * (gas.trap.quantum / (KB * gas.temperature)) ** 3


def move_trap(gas: Gas, trap: Trap) -> Gas:
    """Put the gas into another trap at once.

    Each axis keeps its sizes and velocities and then finds equilibrium: a chain of small
    steps is an adiabatic change, a large step heats. What is above the new depth leaves.
    """
    pairs = zip(trap.omega, gas.trap.omega, strict=True)
    factor = sum((1 + (new / old) ** 2) / 2 for new, old in pairs) / 3
    moved = Gas(
        gas.number, gas.temperature * factor, replace(trap, depth=gas.trap.depth)
    )
    return _cut(moved, trap)


def evolve(gas: Gas, duration: float) -> Gas:
    """Let the gas evaporate, lose atoms and heat up for a time (s) in its trap."""
    left = duration
    while left > 0 and gas.number > FEWEST_ATOMS:
        losing, cooling = _rates(gas)
        held = energy(gas.number, gas.temperature, gas.trap)
        fastest = max(-losing / gas.number, abs(cooling) / held, 1e-9)
        step = min(left, LONGEST_STEP, 0.03 / fastest)
        half = _advance(gas, losing * step / 2, cooling * step / 2)
        losing, cooling = _rates(half)
        gas = _advance(gas, losing * step, cooling * step)
        left -= step
    return gas if gas.number > FEWEST_ATOMS else replace(gas, number=0.0)


def _advance(gas: Gas, atoms: float, heat: float) -> Gas:
    number = max(gas.number + atoms, 1.0)
    total = max(energy(gas.number, gas.temperature, gas.trap) + heat, 0.0)
    warm = temperature_of(number, total, gas.trap, gas.temperature)
    return Gas(number, max(warm, COLDEST), gas.trap)


def _cut(gas: Gas, trap: Trap) -> Gas:
    """Change the depth: truncate the distribution, or let it fill the deeper trap."""
    if trap.depth <= 0 or gas.number <= 0:
        return Gas(0.0, gas.temperature, trap)
    if trap.depth >= gas.trap.depth:
        total = energy(gas.number, gas.temperature, gas.trap)
        warm = temperature_of(gas.number, total, trap, gas.temperature)
        return Gas(gas.number, max(warm, COLDEST), trap)
    inside = gas.condensed
    thermal = KB * gas.temperature
    before = gamma_3_4_5(gas.trap.depth / thermal)[0]
    after = gamma_3_4_5(trap.depth / thermal)[0]
    outside = (gas.number - inside) * (after / before if before else 0.0)
    potential = chemical_potential(inside, trap)
    if potential > trap.depth:
        inside *= (trap.depth / potential) ** 2.5
    return Gas(outside + inside, gas.temperature, trap)


def _rates(gas: Gas) -> tuple[float, float]:
    """Return the change of number (1/s) and of energy (W)."""
    inside = gas.condensed
    outside = gas.number - inside
    thermal = KB * gas.temperature
    total = energy(gas.number, gas.temperature, gas.trap)
    condensate = 5 / 7 * chemical_potential(inside, gas.trap) * inside
    mean = (total - condensate) / outside if outside > 0 else 3 * thermal
    losing, cooling = _evaporation(gas, outside)
    density = _peak_density(gas)
    three_body = THREE_BODY_THERMAL * density**2 / math.sqrt(27) * outside
    peak = chemical_potential(inside, gas.trap) / COUPLING
    condensed_loss = THREE_BODY_CONDENSED * peak**2 * 8 / 21 * inside
    losing -= gas.number / BACKGROUND_LIFETIME + three_body + condensed_loss
    cooling -= total / BACKGROUND_LIFETIME + three_body * 2 / 3 * mean
    if inside > 0:
        cooling -= condensed_loss * condensate / inside
    return losing, cooling + 3 * KB * HEATING_RATE * gas.number


def _evaporation(gas: Gas, outside: float) -> tuple[float, float]:
    thermal = KB * gas.temperature
    eta = gas.trap.depth / thermal
    if not 0.5 < eta < 40:
        return 0.0, 0.0
    p3, p4, p5 = gamma_3_4_5(eta)
    volume = eta * p3 - 4 * p4
    collisions = _peak_density(gas) * ELASTIC_CROSS_SECTION * _speed(gas.temperature)
    losing = -outside * collisions * math.exp(-eta) * volume / p3
    return losing, losing * thermal * (eta + 1 - p5 / volume)


def _peak_density(gas: Gas) -> float:
    thermal = KB * gas.temperature
    outside = gas.number - gas.condensed
    p3 = gamma_3_4_5(gas.trap.depth / thermal)[0]
    volume = (math.tau * thermal / (MASS * gas.trap.mean**2)) ** 1.5
    return outside / (volume * p3) if p3 else 0.0


def _speed(temperature: float) -> float:
    return math.sqrt(8 * KB * temperature / (math.pi * MASS))

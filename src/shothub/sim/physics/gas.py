"""A Bose gas in a harmonic trap: condensation, energy and temperature.

Formulae: F. Dalfovo et al., Rev. Mod. Phys. 71, 463 (1999), for condensation with the
shifts by finite size and interaction and for the Thomas-Fermi condensate; O. J. Luiten,
M. W. Reynolds and J. T. M. Walraven, Phys. Rev. A 53, 381 (1996), for the truncated
thermal distribution.
"""

import math

from shothub.sim.physics.constants import HBAR, KB, MASS, SCATTERING_LENGTH, ZETA_3
from shothub.sim.physics.trap import Trap


def gamma_3_4_5(eta: float) -> tuple[float, float, float]:
    """Return the regularised incomplete gamma functions P(3), P(4) and P(5) of eta."""
    if eta <= 0:
        return 0.0, 0.0, 0.0
    if eta < 0.3:
        cube = eta**3 * math.exp(-eta)
        series = [
            sum(eta**k / math.prod(range(a + 1, a + k + 1)) for k in range(8))
            for a in (3, 4, 5)
        ]
        p3, p4, p5 = (
            cube * eta**i / f * s
            for i, f, s in zip(range(3), (6, 24, 120), series, strict=True)
        )
        return p3, p4, p5
    decay = math.exp(-eta)
    square = eta * eta
    p3 = 1 - decay * (1 + eta + square / 2)
    p4 = p3 - decay * square * eta / 6
    return p3, p4, p4 - decay * square * square / 24


def critical_temperature(number: float, trap: Trap) -> float:
    """Return the temperature of condensation of ``number`` atoms, K."""
    if number < 2:
        return 0.0
    ideal = trap.quantum / KB * math.cbrt(number / ZETA_3)
    mean = sum(trap.omega) / 3
    finite_size = -0.7275 * mean / trap.mean / math.cbrt(number)
    length = math.sqrt(HBAR / (MASS * trap.mean))
    interaction = -1.33 * SCATTERING_LENGTH / length * math.pow(number, 1 / 6)
    return ideal * max(0.05, 1 + finite_size + interaction)


def condensed(number: float, temperature: float, trap: Trap) -> float:
    """Return how many of the atoms are in the condensate."""
    ratio = temperature / max(critical_temperature(number, trap), 1e-15)
    return number * (1 - ratio**3) if ratio < 1 else 0.0


def chemical_potential(number: float, trap: Trap) -> float:
    """Return the chemical potential of a Thomas-Fermi condensate, J."""
    if number <= 0:
        return 0.0
    length = math.sqrt(HBAR / (MASS * trap.mean))
    return trap.quantum / 2 * math.pow(15 * number * SCATTERING_LENGTH / length, 0.4)


def degeneracy(number: float, temperature: float, trap: Trap) -> float:
    """Return the third power of Tc / T times zeta(3): g3 of the fugacity; at most 1.202."""
    ratio = critical_temperature(number, trap) / temperature
    return ZETA_3 * min(1.0, ratio**3)


def fugacity(number: float, temperature: float, trap: Trap) -> float:
    """Return the fugacity of the thermal cloud, 0 to 1, from g3(z) = degeneracy."""
    target = degeneracy(number, temperature, trap)
    if target >= ZETA_3:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        value = sum(middle**k / k**3 for k in range(1, 40))
        low, high = (middle, high) if value < target else (low, middle)
    return high


def energy(number: float, temperature: float, trap: Trap) -> float:
    """Return the energy of the gas, J.

    Thermal atoms carry 3 kT each, less by truncation at the depth (Luiten et al.) and
    by Bose statistics: g4/g3 of the fugacity, here a polynomial of the degeneracy that
    is exact to 1e-3. Condensed ones carry 5/7 of the chemical potential.
    """
    inside = condensed(number, temperature, trap)
    p3, p4, _ = gamma_3_4_5(trap.depth / (KB * temperature))
    dense = degeneracy(number, temperature, trap)
    bose = 1 - 0.0625 * dense - 0.0170 * dense * dense
    thermal = (
        3 * KB * temperature * (number - inside) * bose * (p4 / p3 if p3 else 0.75)
    )
    return thermal + 5 / 7 * chemical_potential(inside, trap) * inside


def temperature_of(number: float, total: float, trap: Trap, guess: float) -> float:
    """Return the temperature at which the gas has the energy ``total``, K.

    Newton's method within a bracket, above a seventh of the critical temperature: there
    the energy rises with the temperature, below it this model's does not.
    """
    low = max(1e-10, 0.15 * critical_temperature(number, trap))
    high = max(10 * guess, 10 * low, 1e-6)
    now = guess
    for _ in range(40):
        miss = energy(number, now, trap) - total
        if abs(miss) < 1e-7 * total:
            break
        low, high = (low, now) if miss > 0 else (now, high)
        slope = (energy(number, now * 1.0001, trap) - total - miss) / (now * 1e-4)
        step = now - miss / slope if slope > 0 else 0.0
        now = step if low < step < high else (low + high) / 2
    return now

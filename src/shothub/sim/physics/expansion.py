"""Clouds that fly: thermal expansion, the condensate's scaling, and the fall.

Formulae: Y. Castin and R. Dum, Phys. Rev. Lett. 77, 5315 (1996), for the Thomas-Fermi
condensate; W. Ketterle, D. S. Durfee and D. M. Stamper-Kurn, arXiv:cond-mat/9904034, for
the thermal cloud.
"""

import math
from dataclasses import dataclass

from shothub.sim.physics.constants import GRAVITY, KB, MASS
from shothub.sim.physics.evaporation import Gas
from shothub.sim.physics.gas import chemical_potential, fugacity

Triple = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """Atoms without a trap, a thermal and a condensed part.

    Attributes:
        thermal: number of thermal atoms.
        temperature: K, of their velocities.
        sizes: root mean square at the release, m; x, y, z.
        fugacity: 0 for a Gaussian profile, 1 for the saturated Bose profile.
        condensed: number of condensed atoms.
        radii: Thomas-Fermi radii at the release, m.
        omega: angular frequencies of the trap that it left, rad/s.
        flight: time since the release, s.
    """

    thermal: float
    temperature: float
    sizes: Triple
    fugacity: float = 0.0
    condensed: float = 0.0
    radii: Triple = (0.0, 0.0, 0.0)
    omega: Triple = (0.0, 0.0, 0.0)
    flight: float = 0.0

    @property
    def number(self) -> float:
        """Number of all atoms."""
        return self.thermal + self.condensed

    @property
    def drop(self) -> float:
        """Distance fallen, m."""
        return GRAVITY * self.flight**2 / 2

    def thermal_sizes(self) -> Triple:
        """Return the Gaussian sizes after the flight, m."""
        spread = KB * self.temperature / MASS * self.flight**2
        x, y, z = (math.sqrt(size**2 + spread) for size in self.sizes)
        return x, y, z

    def thomas_fermi_radii(self) -> Triple:
        """Return the condensate's radii after the flight, m."""
        scales = castin_dum(self.omega, self.flight)
        x, y, z = (r * b for r, b in zip(self.radii, scales, strict=True))
        return x, y, z


def release(gas: Gas) -> Cloud:
    """Switch the trap off."""
    inside = gas.condensed
    speed = math.sqrt(KB * gas.temperature / MASS)
    expansion = math.sqrt(2 * chemical_potential(inside, gas.trap) / MASS)
    x, y, z = gas.trap.omega
    return Cloud(
        thermal=gas.number - inside,
        temperature=gas.temperature,
        sizes=(speed / x, speed / y, speed / z),
        fugacity=fugacity(gas.number, gas.temperature, gas.trap),
        condensed=inside,
        radii=(expansion / x, expansion / y, expansion / z),
        omega=gas.trap.omega,
    )


def castin_dum(omega: Triple, flight: float) -> Triple:
    """Return the scaling factors of a condensate released for a time (s).

    Solves ``b_i'' = omega_i^2 / (b_i b_x b_y b_z)`` from rest at 1 by Runge and Kutta.
    """
    state = (1.0, 1.0, 1.0, 0.0, 0.0, 0.0)
    steps = math.ceil(max(omega) * flight / 0.08)
    for _ in range(steps):
        state = _runge_kutta(state, omega, flight / steps)
    return state[0], state[1], state[2]


_State = tuple[float, float, float, float, float, float]


def _runge_kutta(state: _State, omega: Triple, step: float) -> _State:
    first = _slope(state, omega)
    second = _slope(_along(state, first, step / 2), omega)
    third = _slope(_along(state, second, step / 2), omega)
    fourth = _slope(_along(state, third, step), omega)
    slopes = zip(first, second, third, fourth, strict=True)
    x, y, z, u, v, w = ((a + 2 * b + 2 * c + d) / 6 for a, b, c, d in slopes)
    return _along(state, (x, y, z, u, v, w), step)


def _slope(state: _State, omega: Triple) -> _State:
    x, y, z, u, v, w = state
    volume = x * y * z
    a, b, c = omega
    return u, v, w, a * a / (x * volume), b * b / (y * volume), c * c / (z * volume)


def _along(state: _State, slope: _State, step: float) -> _State:
    x, y, z, u, v, w = (s + step * d for s, d in zip(state, slope, strict=True))
    return x, y, z, u, v, w

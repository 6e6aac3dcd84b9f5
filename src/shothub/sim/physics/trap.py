"""The magnetic trap of a wire on a chip, and the radio-frequency knife.

Formulae: J. Reichel, Appl. Phys. B 74, 469 (2002), for the wire trap; W. Ketterle and
N. J. van Druten, Adv. At. Mol. Opt. Phys. 37, 181 (1996), for the knife.
"""

import math
from dataclasses import dataclass

from shothub.sim.physics.constants import HBAR, MASS, MU_B, H

MU_0_OVER_2PI = 2e-7
BOTTOM_FIELD = 1e-4
"""Field at the bottom of the trap, T (1 G)."""

MOMENT = MU_B / 2
"""Magnetic moment of F=1, m=-1, J/T."""

BOTTOM_FREQUENCY = MOMENT * BOTTOM_FIELD / H
"""Radio frequency of the trap bottom, Hz: 0.70 MHz."""

AXIAL_FREQUENCY = 25.0
"""Hz along the wire at 3 A; goes as the root of the current."""


@dataclass(frozen=True)
class Trap:
    """A harmonic trap of finite depth.

    Attributes:
        omega: angular frequencies along x (the wire), y (gravity), z (line of sight).
        depth: energy at which atoms leave, J; below zero none stays.
    """

    omega: tuple[float, float, float]
    depth: float

    @property
    def mean(self) -> float:
        """Geometric mean of the angular frequencies, rad/s."""
        return math.prod(self.omega) ** (1 / 3)

    @property
    def quantum(self) -> float:
        """Energy of the mean oscillator quantum, J."""
        return HBAR * self.mean


def wire_trap(current: float, bias: float, knife: float | None) -> Trap | None:
    """Return the trap of a wire current (A) and a bias field (T), if there is one.

    The wire's field and the bias cancel at a distance ``mu0 I / (2 pi B)``, with the
    gradient ``B`` over that distance. The knife (Hz) limits the depth.
    """
    if current < 0.05 or bias < 0.5e-4:
        return None
    gradient = bias**2 / (MU_0_OVER_2PI * current)
    radial = gradient * math.sqrt(MOMENT / (MASS * BOTTOM_FIELD))
    axial = math.tau * AXIAL_FREQUENCY * math.sqrt(current / 3)
    depth = MOMENT * (bias - BOTTOM_FIELD)
    if knife is not None:
        depth = min(depth, H * (knife - BOTTOM_FREQUENCY))
    return Trap((axial, radial, radial), depth)

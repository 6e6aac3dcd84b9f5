"""Two-level transfer between F=1, m=-1 and F=2, m=+1: Bloch vector and Rabi formula.

Formulae: L. Allen and J. H. Eberly, *Optical Resonance and Two-Level Atoms* (1975).
"""

import math
from dataclasses import dataclass, replace

RABI_PER_VOLT = math.tau * 1e3
"""Resonant Rabi frequency per volt of the drive's amplitude, rad/s."""

COHERENCE_TIME = 50e-3
"""s, in which the transverse part of the Bloch vector falls to 1/e."""

REPUMP_TIME = 20e-6
"""s, in which repumping light empties F=1 to 1/e."""

_LONGEST_STEP = 100e-6


@dataclass(frozen=True)
class Spin:
    """Bloch vector of all atoms; ``w`` is -1 in F=1 and +1 in F=2."""

    u: float = 0.0
    v: float = 0.0
    w: float = -1.0

    @property
    def upper(self) -> float:
        """Fraction of the atoms in F=2."""
        return (1 + self.w) / 2


def rabi(amplitude: float, offset: float, duration: float) -> float:
    """Return the transferred fraction without decoherence.

    Args:
        amplitude: of the drive, V.
        offset: from the resonance, kHz.
        duration: s.
    """
    drive, detuning = RABI_PER_VOLT * amplitude, math.tau * 1e3 * offset
    square = drive**2 + detuning**2
    if square == 0:
        return 0.0
    return drive**2 / square * math.sin(math.sqrt(square) * duration / 2) ** 2


def drive_spin(spin: Spin, *, amplitude: float, offset: float, duration: float) -> Spin:
    """Turn the Bloch vector under a drive (V, kHz, s); amplitude 0 is free precession."""
    rate = RABI_PER_VOLT * amplitude, 0.0, -math.tau * 1e3 * offset
    steps = max(1, math.ceil(duration / _LONGEST_STEP)) if amplitude else 1
    fading = math.exp(-duration / steps / COHERENCE_TIME)
    for _ in range(steps):
        spin = _rotate(spin, rate, duration / steps)
        spin = Spin(spin.u * fading, spin.v * fading, spin.w)
    return spin


def repump(spin: Spin, duration: float) -> Spin:
    """Pump F=1 to F=2 by light for a time (s)."""
    return Spin(0.0, 0.0, 1 - (1 - spin.w) * math.exp(-duration / REPUMP_TIME))


def _rotate(spin: Spin, rate: tuple[float, float, float], duration: float) -> Spin:
    """Rodrigues' rotation by the vector ``rate * duration``."""
    speed = math.hypot(*rate)
    if speed == 0:
        return spin
    x, y, z = (part / speed for part in rate)
    cos, sin = math.cos(speed * duration), math.sin(speed * duration)
    along = (x * spin.u + y * spin.v + z * spin.w) * (1 - cos)
    return replace(
        spin,
        u=spin.u * cos + (y * spin.w - z * spin.v) * sin + x * along,
        v=spin.v * cos + (z * spin.u - x * spin.w) * sin + y * along,
        w=spin.w * cos + (x * spin.v - y * spin.u) * sin + z * along,
    )

"""Absorption images: column density, Beer-Lambert's law, light and camera noise.

Formulae: G. Reinaudi et al., Opt. Lett. 32, 3143 (2007), for absorption of light that
saturates the atoms; M. Naraschewski and D. M. Stamper-Kurn, Phys. Rev. A 58, 2423 (1998),
for the Bose profile of the thermal cloud.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import wrightomega

from shothub.sim.physics.constants import (
    LINEWIDTH,
    PHOTON_ENERGY,
    RESONANT_CROSS_SECTION,
    SATURATION_INTENSITY,
)
from shothub.sim.physics.expansion import Cloud
from shothub.sim.physics.program import Array

Frame = NDArray[np.uint16]

TRAP_ROW = 30
"""Row of the trap in a frame; gravity points to larger rows."""

OFFSET = 100.0
"""Counts of a pixel without light."""

BEAM_WAIST = 2.5e-3
"""1/e^2 radius of the imaging beam at the atoms, m."""

FRINGES = ((0.035, 0.31, 0.12), (0.025, -0.17, 0.23), (0.015, 0.06, -0.45))
"""Amplitude and wave vector (1/pixel, along x and y) of the stray fringes."""

_FUGACITY = np.linspace(0, 1, 2001)
_POLYLOG_2 = sum(_FUGACITY**k / k**2 for k in range(1, 2000))


@dataclass(frozen=True)
class Camera:
    """How the camera sees.

    Attributes:
        shape: rows and columns.
        pixel: edge of a pixel in the plane of the atoms, m.
        quantum_efficiency: electrons per photon.
        electrons_per_count: of the digitised signal.
        read_noise: electrons, root mean square.
    """

    shape: tuple[int, int] = (416, 168)
    pixel: float = 8.6e-6
    quantum_efficiency: float = 0.5
    electrons_per_count: float = 8.0
    read_noise: float = 8.0

    def electrons(self, saturation: float, duration: float) -> float:
        """Return electrons in a pixel for light (saturation intensities) and time (s)."""
        power = saturation * SATURATION_INTENSITY * self.pixel**2
        return power * duration / PHOTON_ENERGY * self.quantum_efficiency


@dataclass(frozen=True)
class Light:
    """The imaging light of one frame.

    Attributes:
        saturation: intensity in the middle of the beam, in saturation intensities.
        detuning: from the resonance, Hz.
        duration: for which it is on while the camera is exposed, s.
        phases: of the stray fringes, rad.
    """

    saturation: float
    detuning: float
    duration: float
    phases: tuple[float, float, float] = (0.0, 0.0, 0.0)


def column_density(cloud: Cloud, camera: Camera) -> Array:
    """Return the atoms along the line of sight, 1/m^2, for each pixel."""
    rows, columns = camera.shape
    x = _pixels(columns, columns // 2) * camera.pixel
    y = _pixels(rows, TRAP_ROW) * camera.pixel - cloud.drop
    density = _thermal(cloud, x, y)
    if cloud.condensed > 0:
        fine = np.array([-1, 0, 1]) * camera.pixel / 3
        parts = [_condensate(cloud, x + dx, y + dy) for dx in fine for dy in fine]
        density += sum(parts) / len(parts)
    return density


def _pixels(count: int, middle: int) -> Array:
    return np.arange(-middle, count - middle, dtype=np.float64)


def _thermal(cloud: Cloud, x: Array, y: Array) -> Array:
    width, height, _ = cloud.thermal_sizes()
    shape = np.exp(-(y[:, None] ** 2) / (2 * height**2)) * np.exp(
        -(x**2) / (2 * width**2)
    )
    norm = cloud.thermal / (math.tau * width * height)
    if cloud.fugacity < 1e-3:
        return np.asarray(norm * shape)
    z = cloud.fugacity
    total = sum(z**k / k**3 for k in range(1, 200))
    return np.asarray(norm / total * np.interp(z * shape, _FUGACITY, _POLYLOG_2))


def _condensate(cloud: Cloud, x: Array, y: Array) -> Array:
    width, height, _ = cloud.thomas_fermi_radii()
    inside = 1 - (y[:, None] / height) ** 2 - (x / width) ** 2
    peak = 5 * cloud.condensed / (math.tau * width * height)
    return np.asarray(peak * np.clip(inside, 0, None) ** 1.5)


def incident(camera: Camera, light: Light) -> Array:
    """Return the light before the atoms, in saturation intensities, for each pixel."""
    rows, columns = camera.shape
    x, y = np.arange(columns), np.arange(rows)[:, None]
    square = (x - columns / 2) ** 2 + (y - rows / 2) ** 2
    pattern = np.exp(-2 * square * (camera.pixel / BEAM_WAIST) ** 2)
    fringes = np.ones(camera.shape)
    for (size, kx, ky), phase in zip(FRINGES, light.phases, strict=True):
        fringes += size * np.cos(kx * x + ky * y + phase)
    return np.asarray(light.saturation * pattern * fringes)


def transmitted(before: Array, density: Array, detuning: float) -> Array:
    """Return the light behind the atoms, in saturation intensities.

    Solves ``a ln(s_in / s_out) + s_in - s_out = sigma n`` with
    ``a = 1 + 4 (detuning / linewidth)^2`` by Wright's omega function.
    """
    width = 1 + 4 * (detuning / LINEWIDTH) ** 2
    start = np.maximum(before, 1e-9)
    depth = RESONANT_CROSS_SECTION * density
    exponent = (start - depth) / width + np.log(start / width)
    return np.asarray(width * wrightomega(exponent))


def expected_electrons(camera: Camera, light: Light, density: Array | None) -> Array:
    """Return the mean electrons of each pixel of a frame."""
    if light.duration <= 0 or light.saturation <= 0:
        return np.zeros(camera.shape)
    saturation = incident(camera, light)
    if density is not None:
        saturation = transmitted(saturation, density, light.detuning)
    return saturation * camera.electrons(1.0, light.duration)


def expose(
    camera: Camera, light: Light, density: Array | None, noise: np.random.Generator
) -> Frame:
    """Return one frame with shot noise of atoms and photons and with read noise."""
    if density is not None:
        area = camera.pixel**2
        density = noise.poisson(density * area) / area
    mean = expected_electrons(camera, light, density)
    spread = np.sqrt(mean + camera.read_noise**2)
    electrons = mean + spread * noise.standard_normal(camera.shape)
    counts = np.rint(electrons / camera.electrons_per_count + OFFSET)
    return np.clip(counts, 0, 65535).astype(np.uint16)

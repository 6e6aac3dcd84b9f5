"""Constants of nature and of rubidium 87, in SI units.

Sources: CODATA 2018; D. A. Steck, *Rubidium 87 D Line Data* (2001, revision 2.3.3); E. A.
Burt et al., Phys. Rev. Lett. 79, 337 (1997) for three-body loss.
"""

import math

H = 6.62607015e-34
HBAR = H / math.tau
KB = 1.380649e-23
MU_B = 9.2740100783e-24
C = 299792458.0
GRAVITY = 9.81

MASS = 1.443160648e-25
SCATTERING_LENGTH = 100.4 * 5.29177210903e-11
ELASTIC_CROSS_SECTION = 8 * math.pi * SCATTERING_LENGTH**2
COUPLING = 4 * math.pi * HBAR**2 * SCATTERING_LENGTH / MASS

THREE_BODY_CONDENSED = 5.8e-42
"""Loss rate coefficient of a condensate in F=1, m=-1, m^6/s."""

THREE_BODY_THERMAL = 4.3e-41
"""The same for a thermal cloud, m^6/s."""

WAVELENGTH = 780.241209686e-9
PHOTON_ENERGY = H * C / WAVELENGTH
LINEWIDTH = 6.0666e6
"""Natural linewidth of the D2 line, Hz (not rad/s)."""

RESONANT_CROSS_SECTION = 3 * WAVELENGTH**2 / math.tau
SATURATION_INTENSITY = 16.69
"""Of the cycling transition, W/m^2."""

ZETA_3 = 1.2020569031595942
"""Riemann's zeta function of 3."""

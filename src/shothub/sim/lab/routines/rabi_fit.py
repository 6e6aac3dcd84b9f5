"""Rabi flopping over the shots of a scan of the pulse.

Uses ``atoms`` of ``atom_number`` and the global ``pulse_duration`` (s). Saves
``rabi_frequency_kHz``, its error, ``pi_time_us``, ``contrast`` and ``decay_time_ms``.
"""

import matplotlib.pyplot as plt
import numpy as np
from lyse import Sequence, data, path
from scipy.optimize import curve_fit

shots = data()
time = shots["pulse_duration"].to_numpy(float).ravel() * 1e3  # ms
atoms = shots["atom_number", "atoms"].to_numpy(float)
time, atoms = time[np.isfinite(atoms)], atoms[np.isfinite(atoms)]
if len(np.unique(time)) < 6:
    raise ValueError(
        f"rabi_fit needs six different durations of the pulse, not {len(np.unique(time))}"
    )


def flopping(t, size, frequency, decay, offset):
    """Return the damped oscillation of a two-level transfer; t in ms."""
    return offset + size * (1 - np.exp(-t / decay) * np.cos(2 * np.pi * frequency * t))


span = np.ptp(time)
frequencies = np.linspace(0.3 / span, len(np.unique(time)) / 2 / span, 400)
design = [
    np.stack([np.ones_like(time), np.cos(2 * np.pi * f * time)]) for f in frequencies
]
misses = [np.linalg.lstsq(d.T, atoms, rcond=None)[1].sum() for d in design]
first = [np.ptp(atoms) / 2, frequencies[int(np.argmin(misses))], 10 * span, atoms.min()]
best, covariance = curve_fit(
    flopping,
    time,
    atoms,
    first,
    bounds=([0, 0, span / 5, -np.inf], [np.inf, np.inf, 1e4 * span, np.inf]),
)
size, frequency, decay, offset = best

sequence = Sequence(path or "rabi_fit.h5", [])
sequence.save_result("rabi_frequency_kHz", frequency)
sequence.save_result("rabi_frequency_error_kHz", np.sqrt(covariance[1, 1]))
sequence.save_result("pi_time_us", 500 / frequency)
sequence.save_result("contrast", size / (size + offset))
sequence.save_result("decay_time_ms", decay)

plt.figure("rabi_fit", figsize=(6, 3.8))
fine = np.linspace(time.min(), time.max(), 400)
plt.plot(1e3 * time, atoms / 1e3, "o")
plt.plot(1e3 * fine, flopping(fine, *best) / 1e3, label=f"{frequency:.3f} kHz")
plt.xlabel("duration of the pulse (µs)")
plt.ylabel("atoms in F=2 (thousands)")
plt.legend()
plt.subplots_adjust(left=0.13, right=0.97, bottom=0.15, top=0.97)

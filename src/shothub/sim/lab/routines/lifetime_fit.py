"""Lifetime of the trapped atoms over the shots of a scan of the hold.

Uses ``atoms`` of ``atom_number`` and the global ``hold_time`` (s). Saves ``lifetime``
(s), ``lifetime_error`` (s) and ``initial_atoms``.
"""

import matplotlib.pyplot as plt
import numpy as np
from lyse import Sequence, data, path
from scipy.optimize import curve_fit

shots = data()
time = shots["hold_time"].to_numpy(float).ravel()
atoms = shots["atom_number", "atoms"].to_numpy(float)
time, atoms = time[np.isfinite(atoms)], atoms[np.isfinite(atoms)]
if len(np.unique(time)) < 3:
    raise ValueError(
        f"lifetime_fit needs three different holds, not {len(np.unique(time))}"
    )


def decay(t, start, lifetime):
    """Return the atoms left after a hold of t seconds."""
    return start * np.exp(-t / lifetime)


(start, lifetime), covariance = curve_fit(
    decay, time, atoms, [atoms.max(), max(np.ptp(time), 0.1)]
)

sequence = Sequence(path or "lifetime_fit.h5", [])
sequence.save_result("lifetime", lifetime)
sequence.save_result("lifetime_error", np.sqrt(covariance[1, 1]))
sequence.save_result("initial_atoms", start)

plt.figure("lifetime_fit", figsize=(6, 3.8))
fine = np.linspace(0, time.max(), 200)
plt.plot(time, atoms / 1e3, "o")
plt.plot(fine, decay(fine, start, lifetime) / 1e3, label=f"{lifetime:.2f} s")
plt.xlabel("hold (s)")
plt.ylabel("atoms (thousands)")
plt.legend()
plt.subplots_adjust(left=0.13, right=0.97, bottom=0.15, top=0.97)

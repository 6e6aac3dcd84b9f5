"""Fit of a thermal cloud and a Thomas-Fermi condensate to the column density.

Runs after ``atom_number``. Saves ``atoms``, ``thermal_atoms``, ``condensate_atoms``,
``condensate_fraction``, ``temperature_nK``, ``sigma_x_um``, ``sigma_y_um`` (thermal, root
mean square), ``radius_x_um``, ``radius_y_um`` (Thomas-Fermi), ``center_x_um``,
``center_y_um`` and ``tof_ms``.
"""

import h5py
import matplotlib.pyplot as plt
import numpy as np
from lyse import Run, path
from scipy.ndimage import gaussian_filter
from scipy.optimize import least_squares
from scipy.special import spence

MASS = 1.443e-25  # kg
BOLTZMANN = 1.381e-23  # J/K
TRAP_FREQUENCY = np.array([25.0, 96.2])  # Hz, x and y, of the relaxed trap
CURRENT_OUTPUT = "ao1"

FUGACITY = np.linspace(0, 1, 501)
POLYLOG = spence(1 - FUGACITY)  # of second order

run = Run(path)
pixel = run.get_image_attributes("side")["pixel_at_atoms"]
density = run.get_result_array("atom_number", "column_density").astype(float)

with h5py.File(path, "r") as file:
    outputs = file["devices/outputs"]
    trapped = np.flatnonzero(outputs["AO"][CURRENT_OUTPUT] > 0)
    start = file["devices/camera/EXPOSURES"]["t"][0]
    tof = start - outputs["TIMES"][trapped[-1] + 1] if len(trapped) else np.nan


def thermal(p, x, y, z):
    """Bose-enhanced thermal profile; p: peak, x0, y0, width, height."""
    shape = np.exp(-(((x - p[1]) / p[3]) ** 2 + ((y - p[2]) / p[4]) ** 2) / 2)
    return (
        p[0] * np.interp(z * shape, FUGACITY, POLYLOG) / np.interp(z, FUGACITY, POLYLOG)
    )


def condensate(p, x, y):
    """Thomas-Fermi profile; p: peak, x0, y0, width, height."""
    inside = 1 - ((x - p[1]) / p[3]) ** 2 - ((y - p[2]) / p[4]) ** 2
    return p[0] * np.clip(inside, 0, None) ** 1.5


def normal_cloud(p, x, y):
    """Thermal cloud on a background; p: as ``thermal``, fugacity, background."""
    return thermal(p, x, y, np.clip(p[5], 1e-3, 1)) + p[6]


def bimodal_cloud(p, x, y):
    """Both parts around one center; p: as ``thermal``, peak, radii, background."""
    core = condensate([p[5], p[1], p[2], p[6], p[7]], x, y)
    return thermal(p, x, y, 1.0) + core + p[8]


def fit(model, first, low, high):
    """Return parameters and mean square miss of a least-squares fit."""
    x, y, data = samples
    scale = np.maximum(np.abs(first), 1e-3)
    found = least_squares(
        lambda q: (model(q * scale, x, y) - data).ravel(),
        np.clip(first, low, high) / scale,
        bounds=(np.array(low) / scale, np.array(high) / scale),
        max_nfev=60,
    )
    return found.x * scale, 2 * found.cost / data.size


def sampled(density):
    """Return x, y (pixels) and density (in units of its peak) around the cloud."""
    smooth = gaussian_filter(density, 1.5)
    row, column = np.unravel_index(np.argmax(smooth), smooth.shape)
    core = np.sqrt(np.count_nonzero(smooth > smooth.max() / 2) / np.pi) / 1.18
    half = int(np.clip(7 * core, 40, 120))
    bin_size = 1 if half < 60 else 2 if half < 100 else 3
    top, left = max(0, row - half), max(0, column - half)
    part = density[top : row + half + 1, left : column + half + 1]
    rows, columns = (size // bin_size for size in part.shape)
    part = part[: rows * bin_size, : columns * bin_size]
    part = part.reshape(rows, bin_size, columns, bin_size).mean(axis=(1, 3))
    middle = (bin_size - 1) / 2
    x = left + middle + bin_size * np.arange(columns)
    y = top + middle + bin_size * np.arange(rows)
    return x, y[:, None], part / smooth.max(), smooth.max(), (column, row, core)


x, y, data, peak, (column, row, core) = sampled(density)
samples = x, y, data
near = [column - 15, row - 15], [column + 15, row + 15]
plain, plain_miss = fit(
    normal_cloud,
    [1, column, row, core, core, 0.3, 0],
    [0, *near[0], 0.5, 0.5, 0, -0.2],
    [5, *near[1], 150, 150, 1, 0.2],
)
both, both_miss = fit(
    bimodal_cloud,
    [0.2, plain[1], plain[2], 1.6 * core, 1.6 * core, 0.8, 1.5 * core, 1.5 * core, 0],
    [0, *near[0], 0.5, 0.5, 0, 0.8, 0.8, -0.2],
    [5, *near[1], 150, 150, 20, 60, 60, 0.2],
)

area = pixel**2 * peak
core_atoms = area * 2 * np.pi / 5 * both[5] * both[6] * both[7]
# A condensate must explain more than its three parameters could by chance.
is_condensed = both_miss < plain_miss * (1 - 15 / data.size) and core_atoms > 0
best = both if is_condensed else plain
condensed = core_atoms if is_condensed else 0.0
z = 1.0 if is_condensed else max(plain[5], 1e-3)
terms = np.arange(1, 400)
enhanced = (z**terms / terms**3).sum() / (z**terms / terms**2).sum()
thermal_atoms = area * 2 * np.pi * best[0] * best[3] * best[4] * enhanced
sigma = np.array([best[3], best[4]]) * pixel
spread = tof**2 + (2 * np.pi * TRAP_FREQUENCY) ** -2.0
temperatures = MASS * sigma**2 / BOLTZMANN / spread

run.save_result("atoms", thermal_atoms + condensed)
run.save_result("thermal_atoms", thermal_atoms)
run.save_result("condensate_atoms", condensed)
run.save_result("condensate_fraction", condensed / (thermal_atoms + condensed))
run.save_result("temperature_nK", 1e9 * temperatures.mean())
run.save_result("sigma_x_um", 1e6 * sigma[0])
run.save_result("sigma_y_um", 1e6 * sigma[1])
run.save_result("radius_x_um", 1e6 * pixel * both[6] if is_condensed else 0.0)
run.save_result("radius_y_um", 1e6 * pixel * both[7] if is_condensed else 0.0)
run.save_result("center_x_um", 1e6 * pixel * best[1])
run.save_result("center_y_um", 1e6 * pixel * best[2])
run.save_result("tof_ms", 1e3 * tof)

model = (bimodal_cloud if is_condensed else normal_cloud)(best, x, y)
wings = thermal(best, x, y, z) + best[-1]
figure, (ax_map, ax_x, ax_y) = plt.subplots(1, 3, figsize=(10, 3.2), num="bimodal_fit")
# Places by hand: matplotlib's automatic layouts take longer than the fits.
figure.subplots_adjust(left=0.06, right=0.99, bottom=0.15, top=0.91, wspace=0.25)
um = 1e6 * pixel
to_density = peak * 1e-12
ax_map.imshow(
    data * to_density,
    extent=(x[0] * um, x[-1] * um, y[-1, 0] * um, y[0, 0] * um),
    cmap="magma",
)
ax_map.set(xlabel="x (µm)", ylabel="y, down (µm)", title="column density")
i, j = np.abs(y[:, 0] - best[2]).argmin(), np.abs(x - best[1]).argmin()
for ax, at, cut, label in (
    (ax_x, x, np.s_[i, :], "x (µm)"),
    (ax_y, y[:, 0], np.s_[:, j], "y (µm)"),
):
    ax.plot(at * um, data[cut] * to_density, ".", ms=3, color="0.5")
    ax.plot(at * um, model[cut] * to_density, label="fit")
    ax.plot(at * um, wings[cut] * to_density, "--", label="thermal part")
    ax.set(xlabel=label, ylabel="atoms per µm²")
ax_x.legend(loc="upper right")

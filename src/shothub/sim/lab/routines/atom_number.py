"""Number of atoms in an absorption image.

Saves ``atoms`` (in the cloud's surroundings), ``peak_od`` (resonant optical depth of the
densest spot) and the array ``column_density`` (atoms per square metre).
"""

import h5py
import matplotlib.pyplot as plt
import numpy as np
from lyse import Run, path
from scipy.ndimage import gaussian_filter

LINEWIDTH = 6.07e6  # Hz
CROSS_SECTION = 2.907e-13  # m^2, on resonance
SATURATION = 16.69  # W/m^2
PHOTON = 2.546e-19  # J
DETUNING_OUTPUT = "ao6"  # MHz
CURRENT_OUTPUT = "ao1"  # A, holds the trap
TRAP_ROW, TRAP_COLUMN = 30, 84

run = Run(path)
camera = run.get_image_attributes("side")
atoms, light, dark = (
    frame.astype(float)
    for frame in run.get_images("side", "absorption", "atoms", "light", "dark")
)

with h5py.File(path, "r") as file:
    outputs = file["devices/outputs"]
    exposure = file["devices/camera/EXPOSURES"][0]
    row = np.searchsorted(outputs["TIMES"][:], exposure["t"] + 1e-9) - 1
    detuning = outputs["AO"][DETUNING_OUTPUT][row] * 1e6
    trapped = np.flatnonzero(outputs["AO"][CURRENT_OUTPUT] > 0)
    flight = exposure["t"] - outputs["TIMES"][trapped[-1] + 1] if len(trapped) else 0

# Light in saturation intensities, from counts.
pixel = camera["pixel_at_atoms"]
photons = SATURATION * pixel**2 * exposure["duration"] / PHOTON
counts = photons * camera["quantum_efficiency"] / camera["electrons_per_count"]
after = np.clip((atoms - dark) / counts, 1e-4, None)
before = np.clip((light - dark) / counts, 1e-4, None)


def region(density):
    """Return rows and columns around the cloud, some six times as wide as its core.

    Without a cloud that stands out, those around the place to which it has fallen.
    """
    smooth = gaussian_filter(density, 2)
    smooth -= np.median(smooth)
    y, x = np.unravel_index(np.argmax(smooth), smooth.shape)
    core = np.sqrt(np.count_nonzero(smooth > smooth[y, x] / 2) / np.pi) / 1.18
    half = int(np.clip(6 * core, 40, 150))
    noise = 1.48 * np.median(np.abs(smooth))
    if smooth[y, x] < 8 * noise:
        y = round(TRAP_ROW + 9.81 * flight**2 / 2 / pixel)
        x, half = TRAP_COLUMN, 30
    rows = slice(max(0, y - half), y + half + 1)
    columns = slice(max(0, x - half), x + half + 1)
    return rows, columns


def absorbed(before):
    """Return the column density from Beer and Lambert's law with saturation, 1/m^2."""
    width = 1 + 4 * (detuning / LINEWIDTH) ** 2
    return (width * np.log(before / after) + before - after) / CROSS_SECTION


# The light differs a little between the frames: match it where there are no atoms.
cloud = region(absorbed(before))
empty = np.ones(atoms.shape, dtype=bool)
empty[cloud] = False
if np.count_nonzero(empty) > 5000:
    before = before * after[empty].sum() / before[empty].sum()
density = absorbed(before)

run.save_result("atoms", float(density[cloud].sum() * pixel**2))
run.save_result("peak_od", float(gaussian_filter(density, 1).max() * CROSS_SECTION))
run.save_result_array("column_density", density.astype(np.float32))

# Places by hand: matplotlib's automatic layouts take longer than all the rest.
figure = plt.figure("optical_depth", figsize=(3.6, 6))
axes, bar = (
    figure.add_axes([0.16, 0.08, 0.6, 0.9]),
    figure.add_axes([0.8, 0.2, 0.04, 0.6]),
)
height, width = (1e3 * pixel * size for size in density.shape)
image = axes.imshow(
    density * CROSS_SECTION,
    extent=(0, width, height, 0),
    cmap="magma",
    vmin=0,
)
figure.colorbar(image, cax=bar, label="resonant optical depth")
axes.set(xlabel="x (mm)", ylabel="y, down (mm)")

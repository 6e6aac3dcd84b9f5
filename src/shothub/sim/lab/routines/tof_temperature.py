"""Temperature from the thermal cloud's expansion over the shots of a scan of the flight.

Uses what ``bimodal_fit`` saved. Saves ``temperature_nK``, ``temperature_error_nK``,
``initial_sigma_um`` and ``gravity`` (m/s², from the fall).
"""

import matplotlib.pyplot as plt
import numpy as np
from lyse import Sequence, data, path

MASS = 1.443e-25  # kg
BOLTZMANN = 1.381e-23  # J/K

fits = data()["bimodal_fit"].dropna()
if fits["tof_ms"].nunique() < 3:
    raise ValueError(
        f"tof_temperature needs three different times of flight, not "
        f"{fits['tof_ms'].nunique()}: scan the time of flight"
    )
square = fits["tof_ms"].to_numpy(float) ** 2  # ms²
size = fits["sigma_y_um"].to_numpy(float) ** 2  # µm²
fall = fits["center_y_um"].to_numpy(float)  # µm

# Short flights have the smaller errors; relative ones are about equal.
slope, offset = np.polyfit(square, size, 1, w=1 / size)
miss = (size - slope * square - offset) / size
weights = np.vander(square, 2) / size[:, None]
spread = np.sqrt(
    np.linalg.inv(weights.T @ weights)[0, 0] * miss @ miss / max(len(size) - 2, 1)
)
kelvin = MASS / BOLTZMANN * 1e-6  # of µm²/ms² = 1e-6 m²/s²
gravity, start = np.polyfit(square, fall, 1)

sequence = Sequence(path or "tof_temperature.h5", [])
sequence.save_result("temperature_nK", 1e9 * kelvin * slope)
sequence.save_result("temperature_error_nK", 1e9 * kelvin * spread)
sequence.save_result("initial_sigma_um", np.sqrt(max(offset, 0)))
sequence.save_result("gravity", 2 * gravity)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), num="tof_temperature")
figure.subplots_adjust(left=0.08, right=0.98, bottom=0.14, top=0.97, wspace=0.25)
line = np.linspace(0, square.max(), 2)
left.plot(square, size, "o")
left.plot(line, offset + slope * line, label=f"{1e9 * kelvin * slope:.0f} nK")
left.set(xlabel="square of the time of flight (ms²)", ylabel="thermal σ² (µm²)")
left.legend()
right.plot(square, fall, "o")
right.plot(line, start + gravity * line, label=f"g = {2 * gravity:.2f} m/s²")
right.set(xlabel="square of the time of flight (ms²)", ylabel="center, down (µm)")
right.legend()

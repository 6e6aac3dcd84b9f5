"""The frames that the camera takes in a shot, with everything that differs each run."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from shothub.sim.physics.imaging import Camera, Frame, Light, column_density, expose
from shothub.sim.physics.machine import Fluctuations, Snapshot, simulate
from shothub.sim.physics.program import Exposure, Program

LOADING_NOISE = 0.005
"""Relative fluctuation of the loading rate, root mean square."""

LIGHT_NOISE = 0.005
"""Relative fluctuation of the imaging light from frame to frame."""

PHASE_NOISE = 0.05
"""Drift of the fringes from frame to frame, rad."""

IDENTITY = ("job_id", "sequence_id", "run number", "shot", "attempt", "run repeat")
"""Attributes of a shot file that tell one run from another."""


def seed_of(attributes: Mapping[str, object], lab_seed: int) -> int:
    """Return the seed of a run: fixed by the shot's identity and the lab's own seed."""
    parts = [f"{name}={attributes.get(name, '')}" for name in IDENTITY]
    text = "\n".join([str(lab_seed), *parts])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def take_frames(
    program: Program, exposures: Sequence[Exposure], camera: Camera, seed: int
) -> list[tuple[Exposure, Frame]]:
    """Run a shot and return its frames, in order of time."""
    noise = np.random.default_rng(seed)
    changes = Fluctuations(loading=1 + LOADING_NOISE * noise.standard_normal())
    phases = noise.uniform(0, 2 * np.pi, 3)
    frames = []
    for snapshot in simulate(program, exposures, changes):
        light = _light(program, snapshot.exposure, phases, noise)
        frames.append((snapshot.exposure, _frame(snapshot, light, camera, noise)))
    return frames


def _frame(
    snapshot: Snapshot, light: Light, camera: Camera, noise: np.random.Generator
) -> Frame:
    cloud, part = snapshot.cloud, snapshot.upper
    if light.duration <= 0 or cloud.number * part < 1:
        return expose(camera, light, None, noise)
    seen = replace(
        cloud, thermal=cloud.thermal * part, condensed=cloud.condensed * part
    )
    seen = replace(seen, radii=cloud.radii, sizes=cloud.sizes)
    return expose(camera, light, column_density(seen, camera), noise)


def _light(
    program: Program,
    exposure: Exposure,
    phases: np.ndarray,
    noise: np.random.Generator,
) -> Light:
    drift = phases + PHASE_NOISE * noise.standard_normal(3)
    strength = 1 + LIGHT_NOISE * noise.standard_normal()
    start, duration = exposure.start, exposure.duration
    return Light(
        saturation=program.value("probe_intensity", start) * strength,
        detuning=program.value("probe_detuning", start) * 1e6,
        duration=program.time_on("probe_light", start, duration),
        phases=(float(drift[0]), float(drift[1]), float(drift[2])),
    )

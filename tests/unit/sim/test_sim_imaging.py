"""Images: what is in them, and how they fluctuate."""

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.fakes.sim_programs import Script

from shothub.sim.frames import seed_of, take_frames
from shothub.sim.physics.constants import RESONANT_CROSS_SECTION
from shothub.sim.physics.expansion import Cloud
from shothub.sim.physics.imaging import (
    OFFSET,
    TRAP_ROW,
    Camera,
    Light,
    column_density,
    expected_electrons,
    expose,
    transmitted,
)

CAMERA = Camera()
LIGHT = Light(saturation=0.9, detuning=9e6, duration=100e-6)
CLOUD = Cloud(
    thermal=1e5,
    temperature=200e-9,
    sizes=(2e-5, 1e-5, 1e-5),
    fugacity=0.5,
    condensed=5e4,
    radii=(2e-5, 5e-6, 5e-6),
    omega=(math.tau * 25, math.tau * 96, math.tau * 96),
    flight=12e-3,
)


def test_the_column_density_holds_every_atom_at_the_place_it_fell_to() -> None:
    density = column_density(CLOUD, CAMERA)
    assert density.sum() * CAMERA.pixel**2 == pytest.approx(1.5e5, rel=0.01)
    row, column = np.unravel_index(np.argmax(density), density.shape)
    assert column == 84
    assert row == round(TRAP_ROW + CLOUD.drop / CAMERA.pixel)


@pytest.mark.parametrize("flight", [3e-3, 6e-3, 12e-3])
def test_a_small_condensate_is_not_lost_between_pixels(flight: float) -> None:
    small = replace(CLOUD, thermal=0.0, flight=flight)
    density = column_density(small, CAMERA)
    assert density.sum() * CAMERA.pixel**2 == pytest.approx(5e4, rel=0.05)


def test_weak_resonant_light_follows_beer_and_lambert() -> None:
    depth = np.array([0.0, 0.5, 2.0])
    after = transmitted(np.full(3, 1e-4), depth / RESONANT_CROSS_SECTION, 0.0)
    assert after / 1e-4 == pytest.approx(np.exp(-depth), rel=1e-3)


def test_strong_light_bleaches_and_detuned_light_passes() -> None:
    dense = np.array([2.0]) / RESONANT_CROSS_SECTION
    weak, strong = (transmitted(np.array([s]), dense, 0.0)[0] / s for s in (0.01, 10.0))
    assert weak == pytest.approx(math.exp(-2), rel=0.02)
    assert strong > 0.8
    detuned = transmitted(np.array([0.01]), dense, 3.0333e6)[0] / 0.01
    assert detuned == pytest.approx(math.exp(-1), rel=0.02)


def test_the_light_fluctuates_as_its_photons_and_the_camera_say() -> None:
    noise = np.random.default_rng(1)
    mean = expected_electrons(CAMERA, LIGHT, None)
    frames = [expose(CAMERA, LIGHT, None, noise) for _ in range(30)]
    electrons = (np.stack(frames) - OFFSET) * CAMERA.electrons_per_count
    spread = electrons.var(axis=0, ddof=1).mean()
    rounding = CAMERA.electrons_per_count**2 / 12
    assert electrons.mean() == pytest.approx(mean.mean(), rel=1e-3)
    assert spread == pytest.approx(
        mean.mean() + CAMERA.read_noise**2 + rounding, rel=0.01
    )


def test_a_dark_frame_has_offset_and_read_noise_alone() -> None:
    dark = replace(LIGHT, duration=0.0)
    frame = expose(CAMERA, dark, None, np.random.default_rng(2)).astype(float)
    assert frame.mean() == pytest.approx(OFFSET, abs=0.05)
    assert frame.var() == pytest.approx((8 / 8) ** 2 + 1 / 12, rel=0.02)


def test_atoms_fluctuate_by_their_own_number() -> None:
    """With noiseless light the counted atoms have the variance of their mean."""
    quiet = replace(CAMERA, shape=(64, 64), read_noise=0.0, electrons_per_count=1e-3)
    strong = Light(saturation=0.01, detuning=0.0, duration=1e-2)
    few = Cloud(thermal=2000.0, temperature=1e-7, sizes=(1e-4, 1e-4, 1e-4))
    density = column_density(few, quiet)
    noise = np.random.default_rng(3)
    drawn = [noise.poisson(density * quiet.pixel**2).sum() for _ in range(200)]
    assert np.var(drawn) == pytest.approx(np.mean(drawn), rel=0.3)
    assert expected_electrons(quiet, strong, density).min() > 0


def test_fringes_differ_a_little_between_the_frames() -> None:
    script = Script()
    script.fly(15e-3)
    program, exposures = script.image()
    frames = [f.astype(float) for _, f in take_frames(program, exposures, CAMERA, 5)]
    atoms, light, dark = frames
    ratio = ((atoms - dark) / (light - dark))[250:, :]
    single = (light - dark)[250:, :].std() / (light - dark)[250:, :].mean()
    assert single > 0.02, "each frame has fringes"
    assert 0.004 < ratio.std() < 0.01, "the ratio has photon noise and a small rest"


def test_the_same_seed_gives_the_same_images_and_another_one_others() -> None:
    script = Script()
    script.fly(15e-3)
    program, exposures = script.image()
    first, again, other = (
        take_frames(program, exposures, CAMERA, seed) for seed in (7, 7, 8)
    )
    for (_, a), (_, b), (_, c) in zip(first, again, other, strict=True):
        assert (a == b).all()
        assert (a != c).any()


def test_the_seed_tells_runs_of_a_shot_apart_and_labs_too() -> None:
    shot = {"job_id": "abc", "run number": 3}
    assert seed_of(shot, 1) == seed_of(dict(reversed(shot.items())), 1)
    others = [seed_of(shot | {"run number": 4}, 1), seed_of(shot, 2)]
    others.append(seed_of(shot | {"job_id": "abd"}, 1))
    assert len({seed_of(shot, 1), *others}) == 4

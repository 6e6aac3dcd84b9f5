"""The tour of the demo, and results as a user gets them by job id."""

import numpy as np
import pytest
from rich.console import Console

from shothub.client import Apparatus, linspace
from shothub.demo.stage import Stage
from shothub.demo.tour import run_tour


def test_the_tour_finds_nothing_wrong(stage: Stage) -> None:
    assert run_tour(stage, Console()) == []


def test_the_tour_would_find_a_wrong_count(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shothub.demo.tour.expected.atom_number", lambda _path: 5e6)
    faults = run_tour(stage, Console())
    assert len([fault for fault in faults if "the physics says" in fault]) == 13


def test_results_are_ordered_by_shot_and_clouds_grow_with_time(
    alice: Apparatus,
) -> None:
    job = alice.run(procedure="bec_tof", globals={"tof": linspace(8e-3, 20e-3, 3)})
    table = job.wait(progress=False).results()
    assert list(table.index) == [0, 1, 2]
    assert table["tof"].tolist() == pytest.approx([8e-3, 14e-3, 20e-3])
    assert (table["bimodal_fit.radius_y_um"].diff().dropna() > 0).all()


def test_a_cloud_falls_and_images_come_back_as_an_array(alice: Apparatus) -> None:
    job = alice.run(procedure="bec_tof", globals={"tof": [8e-3, 16e-3]})
    images = np.asarray(job.wait(progress=False).images("absorption"), dtype=float)
    assert images.ndim == 4
    assert images.shape[:2] == (2, 3)
    atoms, light, dark = images[:, 0], images[:, 1], images[:, 2]
    depth = np.log((light - dark).clip(1) / (atoms - dark).clip(1))
    rows = depth.sum(axis=2).argmax(axis=1)
    assert rows[1] > rows[0]


def test_deeper_evaporation_condenses_more(alice: Apparatus) -> None:
    job = alice.run(procedure="evaporation", globals={"evaporation_end": [1.6, 0.75]})
    table = job.wait(progress=False).results()
    warm, cold = table["bimodal_fit.condensate_fraction"]
    assert cold > warm + 0.1

"""The tour of the demo, and results as a user gets them by job id."""

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from shothub.client import Apparatus, Job, NotFound, linspace
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


SCRIPT = """\
from labscriptlib.bec import begin, finish, image, prepare_bec, time_of_flight

t = begin()
t = prepare_bec(t)
t = time_of_flight(t, my_tof)
t = image(t)
finish(t)
"""


def test_two_users_share_one_machine_and_see_only_their_own(
    stage: Stage, alice: Apparatus, bob: Apparatus, folder: Path
) -> None:
    script = folder / "my_tof.py"
    script.write_text(SCRIPT)
    scan = alice.run(procedure="bec_tof", globals={"tof": [5e-3, 10e-3]})
    own = bob.run(script=script, globals={"my_tof": [6e-3, 8e-3]})
    for job in (scan, own):
        assert job.wait(progress=False).view.shots_done == 2
    assert [shot.globals["my_tof"] for shot in own.shots()] == [6e-3, 8e-3]
    assert len(files_of(stage, "alice", "bec_tof", scan)) == 2
    assert len(files_of(stage, "bob", "my_tof", own)) == 2
    with pytest.raises(NotFound):
        stage.members["bob"].hub().job(scan.id)


def files_of(stage: Stage, key: str, source: str, job: Job) -> list[Path]:
    root = stage.lab / "shots" / key / source
    return sorted(root.glob(f"*/*/*/{job.id}/*.h5"))

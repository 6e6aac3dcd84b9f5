"""The simulated apparatus on the stock BLACS."""

import h5py
import numpy as np
import pytest
from tests.fakes.sim_lab import SimLab
from tests.fakes.suite_lab import Ear

from shothub.domain.states import Outcome
from shothub.sim.expected import atom_number
from shothub.suite.blacs import StockBlacs
from shothub.wire.plugin import Ended


def test_blacs_runs_a_shot_and_the_camera_sees_its_atoms(sim_lab: SimLab) -> None:
    shots = sim_lab.compile(
        "procedures/bec_tof.py",
        [{"tof": 15e-3, "evaporation_end": 0.75}] * 3,
    )
    ended = []
    with StockBlacs(sim_lab.state, sim_lab.environment, offscreen=True):
        ear = Ear(sim_lab.state)
        try:
            ear.state("idle")
            for shot in shots:
                ear.offer(str(shot))
                ended.append(ear.wait(Ended))
        finally:
            ear.close()
    assert [e.outcome for e in ended] == [Outcome.DONE] * 3, ended
    with h5py.File(shots[0], "r") as file:
        frames = file["images/side/absorption"]
        assert set(frames) == {"atoms", "light", "dark"}
        assert {frame.dtype for frame in frames.values()} == {np.dtype("u2")}
        assert file["images/side"].attrs["camera"] == "camera"
        assert not file["images/side"].attrs["failed_shot"]
        assert dict(frames["atoms"].attrs)["CLASS"] == b"IMAGE"
    found = sim_lab.analyse(shots, ["atom_number"])
    atoms = [shot["atom_number"]["atoms"] for shot in found["shots"]]
    assert atoms == pytest.approx([atom_number(shots[0])] * 3, rel=0.1)
    assert len(set(atoms)) == 3, "each run has its own noise"

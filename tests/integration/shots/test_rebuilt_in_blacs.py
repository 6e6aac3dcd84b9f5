"""Files that the gate wrote are run by the stock BLACS, and their images read back."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import h5py
import pytest
from tests.fakes.compiled_shots import end, frames_of_file
from tests.fakes.suite_lab import Ear

import shothub.sim
from shothub.agent.check import compile_lab
from shothub.agent.folder import ApparatusFolder, load
from shothub.domain.states import Outcome
from shothub.shots.decode import Bounds, assemble
from shothub.shots.gate import Admitted, admit
from shothub.shots.lab import Lab
from shothub.shots.png import preview
from shothub.shots.read import images, summary
from shothub.shots.rebuild import sequence, write_shot
from shothub.suite.blacs import StockBlacs
from shothub.suite.profile import suite_environment
from shothub.wire.plugin import Ended

FOLDER = Path(shothub.sim.__file__).parent / "lab"
SHOT = """
build()
start()
mot_gradient.constant(0, 10.0)
knife_frequency.constant(0, 20.0)
cooling_light.go_high(0)
cooling_light.go_low(0.1)
mot_gradient.constant(0.1, 0)
for i, frame in enumerate(("atoms", "light", "dark")):
    camera.expose(0.15 + 0.05 * i, "absorption", frame, 1e-4)
stop(0.3)
"""


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lab") / "state"


@pytest.fixture(scope="module")
def lab(state: Path) -> Lab:
    folder = load(FOLDER)
    assert isinstance(folder, ApparatusFolder), folder
    lab = compile_lab(folder, state)
    assert isinstance(lab, Lab), lab
    return lab


@pytest.fixture(scope="module")
def shots(
    lab: Lab, state: Path, compile_natively: Callable[..., dict[str, Path]]
) -> list[Path]:
    table = (FOLDER / "connection_table.py").read_text().partition("if __name__")[0]
    native = compile_natively({"flash": (f"{table}{SHOT}", {})})["flash"]
    frames = frames_of_file(native, values={"tof": 0.01, "none": None, "list": [1, 2]})
    (shot,) = assemble([*frames, end()], Bounds(shots=1))
    admitted = admit(shot, lab)
    assert isinstance(admitted, Admitted), admitted
    made = datetime(2026, 11, 22, tzinfo=UTC)
    paths = [state.parent / f"abcd2345_{i}.h5" for i in range(2)]
    for path in paths:
        write_shot(
            admitted,
            lab,
            path,
            {
                "job_id": "abcd2345",
                "owner": "alice",
                "epoch": 1,
                "sequence_id": sequence(source="flash", submitted=made, index=0)[
                    "sequence_id"
                ],
            },
        )
    return paths


def test_the_stock_blacs_runs_what_the_gate_wrote(
    shots: list[Path], state: Path
) -> None:
    environment = suite_environment(state / "profile", offscreen=True)
    with StockBlacs(state, environment, offscreen=True):
        ear = Ear(state)
        try:
            ear.state("idle")
            for path in shots:
                attempt = ear.offer(str(path))
                ended = ear.wait(Ended)
                assert ended.attempt == attempt
                assert ended.outcome is Outcome.DONE, ended.reason
        finally:
            ear.close()
    for path in shots:
        assert summary(path).has_run
        (stack,) = images(path)
        assert (stack.orientation, stack.label) == ("side", "absorption")
        assert set(stack.frames) == {"atoms", "light", "dark"}
        assert stack.array.shape == (3, 416, 168)
        assert preview(stack.frames).startswith(b"\x89PNG")
        with h5py.File(path) as file:
            assert "front_panel" in file
            assert file.attrs["owner"] == "alice"

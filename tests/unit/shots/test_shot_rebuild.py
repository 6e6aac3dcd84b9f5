from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from tests.fakes.compiled_shots import decoded, small_lab, small_shot

from shothub.shots import rebuild
from shothub.shots.gate import Admitted, admit
from shothub.shots.lab import Lab, Orders, read_lab
from shothub.shots.rebuild import ShotExists, sequence, write_shot

ATTRIBUTES: dict[str, Any] = {
    "job_id": "abcd2345",
    "owner": "alice",
    "epoch": 7,
    **sequence(
        source="bec_tof", submitted=datetime(2026, 11, 22, 23, tzinfo=UTC), index=3
    ),
}


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return small_lab(tmp_path)


def admitted(
    lab: Lab, values: dict[str, Any] | None = None, **changes: Any
) -> Admitted:
    judged = admit(decoded(small_shot(**changes), values), lab)
    assert isinstance(judged, Admitted), judged
    return judged


def test_the_file_has_our_attributes_and_none_of_the_shots_own(
    lab: Lab, tmp_path: Path
) -> None:
    write_shot(admitted(lab), lab, tmp_path / "x.h5", ATTRIBUTES)
    with h5py.File(tmp_path / "x.h5") as file:
        assert dict(file.attrs) == ATTRIBUTES | {"run number": 0, "n_runs": 1}
        assert file.attrs["sequence_id"] == "20261122T230000_bec_tof"
        assert file.attrs["sequence_date"] == "2026-11-22"


def test_the_file_has_what_the_suite_needs_and_nothing_else(
    lab: Lab, tmp_path: Path
) -> None:
    write_shot(admitted(lab, labscriptlib={}), lab, tmp_path / "x.h5", ATTRIBUTES)
    with h5py.File(tmp_path / "x.h5") as file:
        assert set(file) == {
            "calibrations",
            "connection table",
            "devices",
            "globals",
            "script",
            "shot_properties",
            "time_markers",
            "waits",
        }
        assert set(file["devices"]) == {"clock", "outputs", "camera"}
        assert set(file["devices/outputs"]) == {"AO", "DO", "TIMES"}
        assert set(file["waits"].attrs) == set(lab.waits)


def test_every_value_is_the_shots_own(lab: Lab, tmp_path: Path) -> None:
    content = small_shot()
    write_shot(admitted(lab), lab, tmp_path / "x.h5", ATTRIBUTES)
    with h5py.File(tmp_path / "x.h5") as file:
        for path, value in content.items():
            if isinstance(value, np.ndarray):
                assert (file[path][()] == value).all(), path
                assert file[path].dtype == value.dtype, path
        assert file["script"][()].decode() == content["script"]
        assert file["devices/clock"].attrs["stop_time"] == 1.0


def test_the_connection_table_is_the_labs_own(lab: Lab, tmp_path: Path) -> None:
    write_shot(admitted(lab), lab, tmp_path / "x.h5", ATTRIBUTES)
    with (
        h5py.File(tmp_path / "x.h5") as ours,
        h5py.File(tmp_path / "connection_table.h5") as labs,
    ):
        assert (ours["connection table"][:] == labs["connection table"][:]).all()
        assert ours["connection table"].dtype == labs["connection table"].dtype
        assert ours["connection table"].attrs["master_pseudoclock"] == "clock"
    assert read_lab(tmp_path / "x.h5", lab.limits).digest == lab.digest


def test_orders_are_the_labs_and_whole_numbers_on_every_device(
    lab: Lab, tmp_path: Path
) -> None:
    ordered = read_lab(
        tmp_path / "connection_table.h5",
        lab.limits,
        {"camera": Orders(start=-1, stop=5)},
    )
    write_shot(admitted(ordered), ordered, tmp_path / "x.h5", ATTRIBUTES)
    with h5py.File(tmp_path / "x.h5") as file:
        orders = {
            name: (group.attrs["start_order"], group.attrs["stop_order"])
            for name, group in file["devices"].items()
        }
    assert orders == {"clock": (0, 0), "outputs": (0, 0), "camera": (-1, 5)}
    assert all(isinstance(n, np.integer) for pair in orders.values() for n in pair)


def test_globals_are_values_without_expressions(lab: Lab, tmp_path: Path) -> None:
    values = {
        "a": 1,
        "b": 2.5,
        "c": True,
        "d": "text",
        "e": None,
        "f": [1.0, 2.0],
        "g": ["x", "y"],
    }
    write_shot(admitted(lab, values), lab, tmp_path / "x.h5", ATTRIBUTES)
    with h5py.File(tmp_path / "x.h5") as file:
        found = file["globals"].attrs
        assert not list(file["globals"])
        assert (found["a"], found["b"], found["c"], found["d"]) == (
            1,
            2.5,
            True,
            "text",
        )
        assert isinstance(found["e"], h5py.Reference)
        assert found["f"].tolist() == [1.0, 2.0]
        assert found["g"].tolist() == ["x", "y"]


def test_properties_that_the_script_gave_a_device_are_not_written(
    lab: Lab, tmp_path: Path
) -> None:
    evil = {"clock_frequency": "1\nprogram evil", "start_order": 9, "stop_order": None}
    change = {"devices/outputs": {k: v for k, v in evil.items() if v is not None}}
    write_shot(admitted(lab, **change), lab, tmp_path / "x.h5", ATTRIBUTES)
    with h5py.File(tmp_path / "x.h5") as file:
        assert "clock_frequency" not in file["devices/outputs"].attrs
        assert file["devices/outputs"].attrs["start_order"] == 0


def test_an_existing_file_is_never_overwritten(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "x.h5").write_bytes(b"evidence")
    with pytest.raises(ShotExists):
        write_shot(admitted(lab), lab, tmp_path / "x.h5", ATTRIBUTES)
    assert (tmp_path / "x.h5").read_bytes() == b"evidence"


def test_a_file_that_cannot_be_finished_leaves_nothing_behind(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rebuild, "_sync", full)
    folder = tmp_path / "job"
    folder.mkdir()
    with pytest.raises(OSError, match="No space left"):
        write_shot(admitted(lab), lab, folder / "x.h5", ATTRIBUTES)
    assert list(folder.iterdir()) == []


def test_a_script_name_that_is_a_path_is_not_written(lab: Lab, tmp_path: Path) -> None:
    shot = decoded(small_shot())
    evil = type(shot.tree["script"])({"name": "../../etc/passwd"}, "text")
    judged = admit(
        type(shot)(**{**vars(shot), "tree": {**shot.tree, "script": evil}}), lab
    )
    assert isinstance(judged, Admitted)
    write_shot(judged, lab, tmp_path / "x.h5", ATTRIBUTES)
    with h5py.File(tmp_path / "x.h5") as file:
        assert file["script"].attrs["name"] == "script.py"

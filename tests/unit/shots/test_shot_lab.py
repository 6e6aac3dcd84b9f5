from pathlib import Path

import h5py
import pytest
from tests.fakes.compiled_shots import ROWS, small_lab, write_table

from shothub.domain.limits import OutputLimit, ShotLimits
from shothub.shots.lab import BadLab, read_lab


def test_outputs_are_what_hangs_on_a_device_and_not_its_inner_clocks(
    tmp_path: Path,
) -> None:
    lab = small_lab(tmp_path)
    assert {o.name: (o.device, o.connection, o.type) for o in lab.outputs.values()} == {
        "bias": ("outputs", "ao1", "AnalogOut"),
        "camera_trigger": ("outputs", "do5", "Trigger"),
        "coil": ("outputs", "ao0", "AnalogOut"),
        "light": ("outputs", "do0", "DigitalOut"),
    }
    assert lab.attached == {
        "camera": "SimulatedCamera",
        "clock": "DummyPseudoclock",
        "outputs": "SimulatedOutputs",
    }
    assert lab.pseudoclock_of("outputs") == "clock"


def test_a_camera_is_clocked_by_way_of_its_trigger(tmp_path: Path) -> None:
    assert small_lab(tmp_path).pseudoclock_of("camera") == "outputs"


def test_units_come_from_the_lab_where_outputs_are_not_in_volts(tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.h5")
    lab = read_lab(table, ShotLimits(), {}, {"coil": "A"})
    assert (lab.outputs["coil"].unit, lab.outputs["bias"].unit) == ("A", "V")


def test_the_digest_is_that_of_the_content_whatever_the_order_of_rows(
    tmp_path: Path,
) -> None:
    first = read_lab(write_table(tmp_path / "a.h5"), ShotLimits())
    second = read_lab(write_table(tmp_path / "b.h5", ROWS[::-1]), ShotLimits())
    other = read_lab(write_table(tmp_path / "c.h5", ROWS[1:]), ShotLimits())
    assert first.digest == second.digest != other.digest


def test_a_table_without_a_master_pseudoclock_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadLab, match="no master pseudoclock"):
        read_lab(write_table(tmp_path / "t.h5", master="None"), ShotLimits())


def test_a_limit_on_an_output_that_is_not_there_would_protect_nothing(
    tmp_path: Path,
) -> None:
    limits = ShotLimits(
        outputs={"coil": OutputLimit(), "coill": OutputLimit(maximum=1)}
    )
    with pytest.raises(BadLab, match="limit on 'coill'"):
        read_lab(write_table(tmp_path / "t.h5"), limits)


@pytest.mark.parametrize("content", [None, b"", b"no HDF5"])
def test_a_file_that_is_no_table_is_refused_by_name(
    content: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / "t.h5"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadLab, match=r"t\.h5"):
        read_lab(path, ShotLimits())


def test_an_hdf5_file_without_a_table_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "t.h5", "w"):
        pass
    with pytest.raises(BadLab, match="cannot be read"):
        read_lab(tmp_path / "t.h5", ShotLimits())

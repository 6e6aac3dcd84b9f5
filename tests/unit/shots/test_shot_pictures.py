import io
from pathlib import Path
from typing import Any

import h5py
import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import image

from shothub.shots.png import optical_density, png, preview
from shothub.shots.read import (
    BadShotFile,
    ImageStack,
    images,
    strip_front_panel,
    summary,
)


def pixels(data: bytes) -> Any:
    return np.round(image.imread(io.BytesIO(data), format="png") * 255).astype(int)


@pytest.mark.parametrize("shape", [(3, 5), (1, 1), (7, 4, 3)])
def test_a_png_is_read_back_by_others_pixel_by_pixel(shape: tuple[int, ...]) -> None:
    wanted = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    assert (pixels(png(wanted)) == wanted).all()


def test_the_optical_density_is_that_of_beer_and_lambert() -> None:
    light = np.full((4, 4), 1100, np.uint16)
    atoms = np.full((4, 4), 100 + round(1000 * np.exp(-2)), np.uint16)
    dark = np.full((4, 4), 100, np.uint16)
    density = optical_density({"atoms": atoms, "light": light, "dark": dark})
    assert density == pytest.approx(2.0, abs=0.01)


def test_pixels_without_light_make_no_warning_and_no_infinity() -> None:
    none = np.zeros((3, 3), np.uint16)
    assert np.isfinite(
        optical_density({"atoms": none, "light": none, "dark": none})
    ).all()


def test_a_preview_shows_the_cloud_brighter_than_the_rest_in_viridis() -> None:
    light = np.full((40, 30), 1000, np.uint16)
    atoms = light.copy()
    atoms[18:22, 14:17] = 100
    shown = pixels(preview({"atoms": atoms, "light": light}))
    assert shown.shape == (40, 30, 3)
    colours = mpl.colormaps["viridis"]
    assert np.abs(shown[0, 0] - np.array(colours(0.0)[:3]) * 255).max() < 3
    assert np.abs(shown[20, 15] - np.array(colours(1.0)[:3]) * 255).max() < 3


def test_the_colours_are_close_to_viridis_all_along() -> None:
    shown = pixels(preview({"any": np.tile(np.linspace(0, 1, 256), (4, 1))}))
    wanted = (
        np.array([mpl.colormaps["viridis"](x)[:3] for x in np.linspace(0, 1, 256)])
        * 255
    )
    assert np.abs(shown[0] - wanted).max() < 8


def test_other_images_are_shown_as_they_are() -> None:
    frame = np.arange(12).reshape(3, 4)
    assert pixels(preview({"frame": frame})).shape == (3, 4, 3)
    assert pixels(preview({"frame": np.stack([frame, frame])})).shape == (3, 4, 3)
    assert pixels(preview({"frame": np.zeros((2, 2))})).shape == (2, 2, 3)


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    path = tmp_path / "shot.h5"
    with h5py.File(path, "w") as file:
        file.attrs.update(
            {"run time": "20261122T230000.000000", "run number": 2, "n_runs": 5}
        )
        group = file.create_group("images/side/absorption")
        for number, name in enumerate(("atoms", "light", "dark")):
            group.create_dataset(name, data=np.full((3, 4), number, np.uint16))
        group.create_dataset("note", data="no image")
        file.create_group("data")
        file.create_group("front_panel/_notebook_data").attrs["queue_data"] = (
            "other users"
        )
        file.create_group("globals").attrs["tof"] = 0.01
    return path


def test_images_come_with_their_frames(finished: Path) -> None:
    (stack,) = images(finished)
    assert isinstance(stack, ImageStack)
    assert (stack.orientation, stack.label) == ("side", "absorption")
    assert set(stack.frames) == {"atoms", "light", "dark"}
    assert stack.array[:, 0, 0].tolist() == [0, 1, 2]
    assert stack.array.dtype == np.uint16


def test_a_summary_says_whether_the_shot_has_run(finished: Path) -> None:
    told = summary(finished)
    assert told.has_run
    assert (told.index, told.count, told.run_time) == (2, 5, "20261122T230000.000000")
    assert told.images == (("side", "absorption"),)


def test_a_copy_for_users_has_everything_but_the_front_panel(
    finished: Path, tmp_path: Path
) -> None:
    strip_front_panel(finished, tmp_path / "copy.h5")
    with h5py.File(tmp_path / "copy.h5") as copy:
        assert set(copy) == {"data", "globals", "images"}
        assert copy.attrs["run number"] == 2
        assert copy["globals"].attrs["tof"] == 0.01
    assert b"other users" not in (tmp_path / "copy.h5").read_bytes()
    assert b"other users" in finished.read_bytes()


@pytest.mark.parametrize("content", [None, b"", b"no HDF5 at all"])
def test_a_file_that_is_none_is_refused_by_name(
    content: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / "broken.h5"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadShotFile, match=r"broken\.h5"):
        list(images(path))
    with pytest.raises(BadShotFile, match=r"broken\.h5"):
        summary(path)
    with pytest.raises(BadShotFile, match=r"broken\.h5"):
        strip_front_panel(path, tmp_path / "copy.h5")

"""Finished shot files: images, run time, and a copy that users may have."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from shothub.shots.tree import Array

MAX_IMAGE_BYTES = 256_000_000
NOT_FOR_USERS = frozenset({"front_panel"})


class BadShotFile(Exception):
    """The file is no shot file that can be read."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageStack:
    """The frames of one image.

    Attributes:
        label: what was imaged, e.g. ``absorption``.
        orientation: which camera saw it, e.g. ``side``.
        frames: by frametype (``atoms``, ``light``, ``dark``), in order of their names.
    """

    label: str
    orientation: str
    frames: dict[str, Array]

    @property
    def array(self) -> Array:
        """All frames as one array (frames, rows, columns).

        Those of an absorption image come as atoms, light, dark; others by name.

        Raises:
            ValueError: the frames differ in shape.
        """
        known = [name for name in ("atoms", "light", "dark") if name in self.frames]
        rest = [name for name in self.frames if name not in known]
        return np.stack([self.frames[name] for name in known + rest])


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a shot file says about itself.

    Attributes:
        has_run: whether BLACS completed it.
        run_time: as BLACS wrote it, local time without zone; empty before it ran.
        index: number of the shot in its job.
        count: number of shots of the job.
        images: orientation and label of each image.
    """

    has_run: bool
    run_time: str
    index: int
    count: int
    images: tuple[tuple[str, str], ...]


def images(path: Path) -> Iterator[ImageStack]:
    """Yield the images of a finished shot, one stack at a time.

    Raises:
        BadShotFile: the file cannot be read, or an image is too large.
    """
    with _opened(path) as file:
        for orientation, label in _image_names(file):
            group = file["images"][orientation][label]
            datasets = {n: d for n, d in group.items() if _is_image(d)}
            if sum(d.nbytes for d in datasets.values()) > MAX_IMAGE_BYTES:
                raise BadShotFile(
                    f"{path.name}: the image {orientation}/{label} is too large"
                )
            frames = {name: dataset[()] for name, dataset in datasets.items()}
            if frames:
                yield ImageStack(label=label, orientation=orientation, frames=frames)


def summary(path: Path) -> Summary:
    """Return what a shot file says about itself.

    Raises:
        BadShotFile: the file cannot be read.
    """
    with _opened(path) as file:
        return Summary(
            has_run="data" in file,
            run_time=str(file.attrs.get("run time", "")),
            index=int(file.attrs.get("run number", 0)),
            count=int(file.attrs.get("n_runs", 1)),
            images=tuple(_image_names(file)),
        )


def strip_front_panel(source: Path, target: Path) -> None:
    """Copy a shot file without what concerns the lab or other users.

    ``/front_panel`` has all manual values, and paths of other users' shots.

    Args:
        source: the finished file.
        target: a new file; it is removed again if the copy fails.

    Raises:
        BadShotFile: the source cannot be read.
        OSError: the target cannot be written.
    """
    with _opened(source) as original:
        try:
            with h5py.File(target, "x") as copy:
                copy.attrs.update(original.attrs)
                for name in sorted(set(original) - NOT_FOR_USERS):
                    original.copy(name, copy)
        except BaseException:
            target.unlink(missing_ok=True)
            raise


def _opened(path: Path) -> h5py.File:
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise BadShotFile(f"{path.name} cannot be read: {error}") from error


def _image_names(file: Mapping[str, h5py.Group]) -> Iterator[tuple[str, str]]:
    for orientation, labels in file.get("images", {}).items():
        if isinstance(labels, h5py.Group):
            for label, group in labels.items():
                if isinstance(group, h5py.Group):
                    yield orientation, label


def _is_image(dataset: object) -> bool:
    return (
        isinstance(dataset, h5py.Dataset)
        and dataset.dtype.kind in "iufb"
        and dataset.ndim in (2, 3)
    )

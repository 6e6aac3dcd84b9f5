"""Images as numpy arrays; loaded on first use, since only images need numpy."""

from collections.abc import Mapping
from typing import Any, BinaryIO
from zipfile import BadZipFile, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from shothub.client.errors import DamagedDownload, Refused
from shothub.domain.faults import Fault

Pixels = NDArray[Any]


def read_archive(archive: BinaryIO) -> dict[int, Pixels]:
    """Return images by shot index from an archive of ``<index>.npy``.

    Raises:
        DamagedDownload: it is no such archive.
    """
    try:
        with ZipFile(archive) as opened:
            return _members(opened)
    except (BadZipFile, ValueError) as error:
        detail = f"The images cannot be read: {error}."
        raise DamagedDownload(Fault(code="bad_archive", detail=detail)) from error


def _members(archive: ZipFile) -> dict[int, Pixels]:
    found: dict[int, Pixels] = {}
    for info in archive.infolist():
        index = int(info.filename.removesuffix(".npy").rsplit("/", maxsplit=1)[-1])
        if index not in found:  # The newest attempt of a shot comes first.
            found[index] = _pixels(archive, info)
    return found


def _pixels(archive: ZipFile, info: ZipInfo) -> Pixels:
    with archive.open(info) as member:
        pixels: Pixels = np.lib.format.read_array(member, allow_pickle=False)
    return pixels if pixels.ndim > 2 else pixels[np.newaxis]


def stack(images: Mapping[int, Pixels], *, shots: int) -> Pixels:
    """Return all images as (shots, frames, y, x); shots without image are masked.

    Raises:
        Refused: images of different shots differ in shape.
    """
    shapes = {image.shape for image in images.values()}
    if len(shapes) > 1:
        raise Refused(
            Fault(
                code="uneven_images",
                detail=f"The images differ in shape: {sorted(shapes)}.",
                hint="read them shot by shot with job.images_by_shot",
            )
        )
    shape = shapes.pop() if shapes else (0, 0, 0)
    kind = next(iter(images.values())).dtype if images else np.dtype("uint16")
    full = np.zeros((_rows(images, shots), *shape), kind)
    missing = [i for i in range(len(full)) if i not in images]
    for index, image in images.items():
        full[index] = image
    if not missing:
        return full
    masked: np.ma.MaskedArray[Any, Any] = np.ma.MaskedArray(full)
    masked[missing] = np.ma.masked
    return masked


def _rows(images: Mapping[int, Pixels], shots: int) -> int:
    return max([shots, *(index + 1 for index in images)])

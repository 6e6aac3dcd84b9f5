"""The simulated devices' own tables in a shot file: read them, and write the images."""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shothub.sim.physics.imaging import Frame
from shothub.sim.physics.program import Exposure, Program
from shothub.sim.wiring import ANALOG, DIGITAL

NAMES = {port: channel.name for port, channel in ANALOG.items()} | DIGITAL


class NoOutputs(ValueError):
    """The shot has no table of simulated outputs."""


def read_program(file: Any) -> Program:
    """Return what the outputs do in an open shot file; unwired or absent ones rest at 0.

    Raises:
        NoOutputs: no device of the shot has the tables AO, DO and TIMES.
    """
    for device in file["devices"].values():
        if "TIMES" in device:
            return _program(device)
    raise NoOutputs("no device in this shot has the tables AO, DO and TIMES")


def _program(device: Any) -> Program:
    times = np.asarray(device["TIMES"][()], dtype=np.float64)
    outputs = {name: np.zeros(len(times)) for name in NAMES.values()}
    for table in (device["AO"][()], device["DO"][()]):
        for port in table.dtype.names or ():
            if port in NAMES:
                outputs[NAMES[port]] = np.asarray(table[port], dtype=np.float64)
    return Program(times, outputs)


def read_exposures(device: Any) -> list[Exposure]:
    """Return the exposures of a camera's group in a shot file, in order of time."""
    if "EXPOSURES" not in device:
        return []
    rows = [
        Exposure(float(t), float(duration), name.decode(), frametype.decode())
        for t, name, frametype, duration in device["EXPOSURES"][()].tolist()
    ]
    return sorted(rows, key=lambda exposure: exposure.start)


def pack(frames: Sequence[tuple[Exposure, Frame]]) -> list[tuple[str, Frame, bytes]]:
    """Return path below the orientation, frame and its compressed bytes, for each image.

    Frames of the same name and type become one stack, as with the stock cameras.
    """
    stacks: dict[str, list[Frame]] = {}
    for exposure, frame in frames:
        stacks.setdefault(f"{exposure.name}/{exposure.frametype}", []).append(frame)
    packed = []
    for path, stack in stacks.items():
        data = stack[0] if len(stack) == 1 else np.stack(stack)
        packed.append((path, data, zlib.compress(data.tobytes(), 1)))
    return packed


def write_images(
    file: Any,
    group: str,
    attributes: Mapping[str, object],
    packed: Sequence[tuple[str, Frame, bytes]],
) -> None:
    """Write packed images below ``group`` with the attributes of the stock cameras."""
    images = file.require_group(group)
    for name, value in attributes.items():
        images.attrs[name] = value
    for path, data, compressed in packed:
        image = images.create_dataset(
            path, data.shape, "uint16", chunks=data.shape, compression="gzip"
        )
        image.id.write_direct_chunk((0,) * data.ndim, compressed)
        image.attrs["CLASS"] = np.bytes_("IMAGE")
        image.attrs["IMAGE_VERSION"] = np.bytes_("1.2")
        image.attrs["IMAGE_SUBCLASS"] = np.bytes_("IMAGE_GRAYSCALE")
        image.attrs["IMAGE_WHITE_IS_ZERO"] = np.uint8(0)

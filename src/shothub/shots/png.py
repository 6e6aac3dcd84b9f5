"""Pictures without a plotting library: PNG files, and previews of images."""

import struct
import zlib
from collections.abc import Mapping

import numpy as np

from shothub.shots.tree import Array

VIRIDIS = (
    "440154 481769 472a7a 433d84 3d4e8a 355e8d 2e6d8e 297b8e 23898e "
    "1f978b 21a585 2eb37c 46c06f 65cb5e 89d548 b0dd2f d8e219 fde725"
)
"""The colour map viridis of matplotlib, at 18 places, evenly spaced."""

ABSORPTION = frozenset({"atoms", "light"})


def png(pixels: Array) -> bytes:
    """Return an image file.

    Args:
        pixels: ``uint8``; (rows, columns) for grey or (rows, columns, 3) for colour.
    """
    rows, columns = pixels.shape[:2]
    colour = 2 if pixels.ndim == 3 else 0
    header = struct.pack(">IIBBBBB", columns, rows, 8, colour, 0, 0, 0)
    # Each row begins with the number of its filter; 0 is none.
    lines = np.hstack([np.zeros((rows, 1), np.uint8), pixels.reshape(rows, -1)])
    data = zlib.compress(lines.tobytes(), 6)
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    check = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)


def optical_density(frames: Mapping[str, Array]) -> Array:
    """Return ln((light - dark) / (atoms - dark)), pixel by pixel; dark is 0 if missing."""
    dark = np.asarray(frames.get("dark", 0), dtype=float)
    light = np.maximum(np.asarray(frames["light"], dtype=float) - dark, 1.0)
    atoms = np.maximum(np.asarray(frames["atoms"], dtype=float) - dark, 1.0)
    density: Array = np.log(light / atoms)
    return density


def preview(frames: Mapping[str, Array]) -> bytes:
    """Return a PNG of what an image shows, in viridis.

    Absorption images (``atoms``, ``light`` and maybe ``dark``) show the optical density
    from 0 up; others their first frame. Stacks of images show their first one.

    Args:
        frames: by frametype, numbers, (rows, columns) or (images, rows, columns).
    """
    flat = {
        name: frame[0] if frame.ndim == 3 else frame for name, frame in frames.items()
    }
    if set(flat) >= ABSORPTION:
        values = optical_density(flat)
        low, high = 0.0, max(float(np.quantile(values, 0.999)), 0.1)
    else:
        values = np.asarray(next(iter(flat.values())), dtype=float)
        low, high = (float(q) for q in np.quantile(values, (0.001, 0.999)))
    return png(_coloured((values - low) / max(high - low, 1e-9)))


def _coloured(values: Array) -> Array:
    """Return the colours of numbers from 0 to 1, as (..., 3) uint8."""
    places = (
        np.frombuffer(bytes.fromhex(VIRIDIS), np.uint8).reshape(-1, 3).astype(float)
    )
    known = np.linspace(0, 1, len(places))
    inside = np.clip(np.nan_to_num(values), 0, 1)
    channels = [np.interp(inside, known, places[:, i]) for i in range(3)]
    return np.round(np.stack(channels, axis=-1)).astype(np.uint8)

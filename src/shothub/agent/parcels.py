"""Files on their way to the hub: written to the spool, described, handed to the outbox."""

import hashlib
import io
import json
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shothub.agent.gathered import RoutineFile, file_part
from shothub.agent.journal import Parcel
from shothub.shots.read import ImageStack

REPORT, CONTENT = 0, 1
"""Ranks: ends of shots go before files and results."""

FRAME_ORDER = ("atoms", "light", "dark")
"""Frames of an absorption image come first, in this order; others follow by name."""


class Spool:
    """Writes the files of one job into the spool and makes parcels of them."""

    def __init__(self, spool: Path, job: str) -> None:
        self._folder = spool / job
        self._job = job

    def parcel(
        self,
        name: str,
        content: bytes,
        *,
        kind: str,
        label: str,
        shot: int | None,
        media_type: str,
    ) -> Parcel:
        """Store one file under its name below the job; return its parcel."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return self.describe(
            path, name, kind=kind, label=label, shot=shot, media_type=media_type
        )

    def place(self, name: str) -> Path:
        """Return where a file of this name is to be written by somebody else."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def describe(
        self,
        path: Path,
        name: str,
        *,
        kind: str,
        label: str,
        shot: int | None,
        media_type: str,
    ) -> Parcel:
        """Return the parcel of a file that lies in the spool."""
        description = {
            "kind": kind,
            "label": label,
            "media_type": media_type,
            "sha256": _digest(path),
        }
        if shot is not None:
            description["shot"] = str(shot)
        return Parcel(
            rank=CONTENT,
            route=f"jobs/{self._job}/files/{name}",
            body=json.dumps(description),
            file=str(path),
        )


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def image_parcels(spool: Spool, stack: ImageStack, index: int) -> list[Parcel]:
    """Return the parcels of one image of a shot: the array (frames, y, x) and a preview."""
    frames = ordered_frames(stack.frames)
    array = np.stack([stack.frames[name] for name in frames])
    label = file_part(stack.label)
    return [
        spool.parcel(
            f"images/{label}/{index}.npy",
            npy(array),
            kind="image",
            label=stack.label,
            shot=index,
            media_type=f"application/x-npy; frames={','.join(frames)}",
        ),
        spool.parcel(
            f"previews/{label}/{index}.png",
            png(preview({name: stack.frames[name] for name in frames})),
            kind="preview",
            label=stack.label,
            shot=index,
            media_type="image/png",
        ),
    ]


def ordered_frames(names: Iterable[str]) -> list[str]:
    """Return frame names in the order in which the array has them."""
    rank = {name: place for place, name in enumerate(FRAME_ORDER)}
    return sorted(names, key=lambda name: (rank.get(name, len(rank)), name))


def routine_parcels(
    spool: Spool, files: Iterable[RoutineFile], index: int | None
) -> list[Parcel]:
    """Return the parcels of the figures and arrays that routines made."""
    shot = "job" if index is None else str(index)
    counts: dict[str, int] = {}
    parcels = []
    for file in files:
        routine = file_part(file.routine)
        number = counts[routine] = counts.get(routine, -1) + 1
        if file.figure:
            name = f"figures/{routine}/{shot}_{number}.png"
        else:
            name = f"arrays/{routine}/{shot}_{file_part(file.name)}.npy"
        parcels.append(
            spool.parcel(
                name,
                file.content,
                kind="figure" if file.figure else "array",
                label=f"{file.routine}: {file.name}"[:100],
                shot=index,
                media_type="image/png" if file.figure else "application/x-npy",
            )
        )
    return parcels


def npy(array: NDArray[np.generic]) -> bytes:
    """Return an array in numpy's own file format."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def preview(frames: dict[str, NDArray[np.generic]]) -> NDArray[np.uint8]:
    """Return a picture (y, x): optical density if there are atoms and light, else a frame."""
    if "atoms" in frames and "light" in frames:
        dark = frames.get("dark", np.zeros_like(frames["atoms"])).astype(float)
        atoms = np.maximum(frames["atoms"].astype(float) - dark, 1.0)
        light = np.maximum(frames["light"].astype(float) - dark, 1.0)
        picture = np.log(light / atoms)
    else:
        picture = next(iter(frames.values())).astype(float)
    picture = np.nan_to_num(picture)
    low, high = np.percentile(picture, (1.0, 99.8))
    scaled = (picture - low) / max(float(high - low), 1e-9)
    return (np.clip(scaled, 0.0, 1.0) * 255).astype(np.uint8)


def png(picture: NDArray[np.uint8]) -> bytes:
    """Return an 8-bit grey picture (y, x) as PNG (ISO/IEC 15948)."""
    height, width = picture.shape
    rows = np.zeros((height, width + 1), np.uint8)
    rows[:, 1:] = picture
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", head),
            _chunk(b"IDAT", zlib.compress(rows.tobytes(), 6)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + check

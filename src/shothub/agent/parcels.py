"""Files on their way to the hub: written to the spool, described, handed to the outbox."""

import hashlib
import io
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shothub.agent.gathered import RoutineFile, file_part
from shothub.agent.journal import Parcel
from shothub.shots.png import preview
from shothub.shots.read import ImageStack
from shothub.wire.agents import RoutineResult, Undelivered

REPORT, CONTENT = 0, 1
"""Ranks: ends of shots go before files and results."""


LOST = "results"
"""Stands for all routines of a shot or job whose results the hub did not take."""

_REASON = 1_000


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
            job=self._job,
        )


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def image_parcels(
    spool: Spool, stack: ImageStack, index: int, *, label: str
) -> list[Parcel]:
    """Return the parcels of one image of a shot: the array (frames, y, x) and a preview.

    Frames are in the order of ``ImageStack.array``: atoms, light, dark, then by name.

    Raises:
        ValueError: the frames differ in shape.
    """
    folder = file_part(label)
    return [
        spool.parcel(
            f"images/{folder}/{index}.npy",
            npy(stack.array),
            kind="image",
            label=label,
            shot=index,
            media_type="application/x-npy",
        ),
        spool.parcel(
            f"previews/{folder}/{index}.png",
            preview(stack.frames),
            kind="preview",
            label=label,
            shot=index,
            media_type="image/png",
        ),
    ]


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


def without_results(parcel: Parcel, why: str) -> Parcel | None:
    """Return the report that results were lost, in the place of one that was refused.

    So a job ends whatever its routines saved. None if the parcel reports no results, or
    if it is such a replacement itself.
    """
    if parcel.file or not parcel.route.endswith(("/analysis", "/analysed")):
        return None
    report = json.loads(parcel.body)
    reason = f"The hub did not take what the routines saved: {why}"[:_REASON]
    lost = [RoutineResult(routine=LOST, failed=reason).model_dump()]
    if [r["routine"] for r in report["routines"]] == [LOST]:
        return None
    body = json.dumps({"epoch": report["epoch"], "routines": lost})
    return replace(parcel, body=body)


def undelivered(parcel: Parcel, why: str) -> Parcel | None:
    """Return the report that a file was not taken, for the user to read at his job.

    None if the parcel is no file.
    """
    if not parcel.file:
        return None
    description = json.loads(parcel.body)
    shot = description.get("shot")
    report = Undelivered(
        name=parcel.route.partition("/files/")[2][:200],
        reason=why[:_REASON],
        shot=None if shot is None else int(shot),
    )
    route = f"jobs/{parcel.job}/undelivered"
    return Parcel(
        rank=CONTENT, route=route, body=report.model_dump_json(), job=parcel.job
    )


def npy(array: NDArray[np.generic]) -> bytes:
    """Return an array in numpy's own file format."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()

"""Stand-ins for the sandbox: they make honest frames without starting anything."""

import ast
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import h5py
import numpy as np
from tests.fakes.compiled_shots import end, node, shot_head
from tests.scenario.kills.lab import ROUTINE, content

from shothub.agent.parcels import npy
from shothub.sandbox.limits import Frame, GuestEnd
from shothub.wire.guests import (
    AnalyseOrder,
    CompileOrder,
    GlobalEntry,
    PictureHead,
    RoutineHead,
)

ARRAY_EVERY = 10
"""One shot in so many has an array, that files are tried too."""


class StandInCompiler:
    """Expands the globals as runmanager would; all shots are alike but for them."""

    def __init__(self) -> None:
        self._nodes = [
            node(path, attributes=value)
            if isinstance(value, dict)
            else node(path, value)
            for path, value in content().items()
        ]

    def run(
        self,
        order: CompileOrder | AnalyseOrder,
        *,
        blobs: Sequence[bytes] = (),
        files: Sequence[int] = (),
        sink: Callable[[Frame], None],
    ) -> GuestEnd:
        assert isinstance(order, CompileOrder)
        rows = list(_expanded(order.globals["globals"]))
        for index, row in enumerate(rows):
            frames = shot_head(index, len(rows), row)
            frames += [node("globals", attributes=row), *self._nodes]
            for frame in frames:
                sink(Frame(*frame))
        sink(Frame(*end()))
        return _ENDED

    def close(self) -> None:
        """Do nothing."""


class StandInAnalyst:
    """Saves what the machine wrote into the shot file."""

    def run(
        self,
        order: CompileOrder | AnalyseOrder,
        *,
        blobs: Sequence[bytes] = (),
        files: Sequence[int] = (),
        sink: Callable[[Frame], None],
    ) -> GuestEnd:
        with h5py.File(f"/proc/self/fd/{files[0]}", "r") as shot:
            reading = json.loads(shot["data"].attrs["reading"])
        head = RoutineHead(routine=ROUTINE, values=reading)
        sink(Frame(b"R", head.model_dump_json().encode(), b""))
        if reading["number"] % ARRAY_EVERY == 0:
            picture = PictureHead(routine=ROUTINE, name="nonce")
            body = npy(nonce_array(reading["nonce"]))
            sink(Frame(b"A", picture.model_dump_json().encode(), body))
        sink(Frame(*end()))
        return _ENDED

    def close(self) -> None:
        """Do nothing."""


def nonce_array(nonce: str) -> Any:
    """Return the array that belongs to a run."""
    return np.frombuffer(bytes.fromhex(nonce), "u1")


_ENDED = GuestEnd(ok=True, reason="", detail="", output="", seconds=0.0)


def _expanded(entries: dict[str, GlobalEntry]) -> Iterator[dict[str, Any]]:
    values = {name: ast.literal_eval(e.expression) for name, e in entries.items()}
    scanned = [name for name, e in entries.items() if e.expansion]
    if not scanned:
        yield values
        return
    (name,) = scanned
    for value in values[name]:
        yield {**values, name: value}

"""What the host and a guest of the sandbox say to each other: a task in, frames out.

A frame is ``kind (1 byte), length of head (4), length of body (8)``, big-endian, then the
head (JSON, UTF-8) and the body (raw bytes). Kinds:

``B`` begin of a file: head FileHead · ``N`` a node of it (group or dataset): head NodeHead,
body the dataset's bytes · ``S`` a shot: head ShotHead, after which its file follows ·
``R`` a routine's result: head RoutineHead · ``P`` a picture: head PictureHead, body PNG ·
``A`` an array of a routine: head PictureHead, body npy ·
``F`` a fault: head FaultModel · ``E`` the end: head EndHead; nothing follows.
All that a guest sends is as untrusted as the code that ran in it.
"""

import struct
from typing import Literal

from pydantic import JsonValue

from shothub.wire.base import Message
from shothub.wire.jobs import SourceFile

FRAME = struct.Struct(">cIQ")


class GlobalEntry(Message):
    """One of the globals in runmanager's own terms, all strings."""

    expression: str
    units: str = ""
    expansion: str = ""


class CompileOrder(Message):
    """Compile every shot of a job.

    Attributes:
        script: the labscript file; its name becomes ``script_basename``.
        globals: group to name to entry; evaluated and expanded inside.
        globals_file: name of a globals file whose bytes follow the order, or empty.
            Globals given here take the place of those of the same name in the file.
        shuffle: names of the axes to shuffle: of a global, or of a zip group.
        max_shots: refuse before the product is made.
    """

    type: Literal["compile"] = "compile"
    script: SourceFile
    globals: dict[str, dict[str, GlobalEntry]] = {}
    globals_file: str = ""
    shuffle: list[str] = []
    max_shots: int
    seed: int = 0


class AnalyseOrder(Message):
    """Run routines on one shot (single) or on all shots of a job (multi).

    Attributes:
        routines: in order.
        shots: names of the shot files whose descriptors follow, in order of index.
        rows: for a multi-shot run: one mapping per shot of column path (joined by the unit separator U+001F)
            to value, from which lyse's dataframe is made.
        routine_seconds: after which a routine is marked failed and the next one runs.
    """

    type: Literal["analyse"] = "analyse"
    mode: Literal["single", "multi"]
    routines: list[SourceFile]
    shots: list[str] = []
    rows: list[dict[str, JsonValue]] = []
    routine_seconds: float = 30.0
    seed: int = 0


class FileHead(Message):
    """Begin of an HDF5 file, node by node."""

    name: str


class Value(Message):
    """An array or scalar: how the bytes are to be read.

    Attributes:
        dtype: numpy dtype string of the bytes, or ``str`` (JSON list of strings in
            ``text``), or a list of [field, dtype, shape] for a record.
        shape: dimensions; empty for a scalar.
        text: the strings, when dtype is ``str``.
        data: hexadecimal bytes, for attributes; datasets use the frame's body.
    """

    dtype: str | list[tuple[str, str, list[int]]]
    shape: list[int] = []
    text: list[str] | None = None
    data: str = ""


class NodeHead(Message):
    """A group (value None) or a dataset of the file begun last."""

    path: str
    attributes: dict[str, Value] = {}
    value: Value | None = None


class ShotHead(Message):
    """A shot of the job, in order of index; its globals as JSON values."""

    index: int
    count: int
    globals: dict[str, JsonValue]
    units: dict[str, str] = {}


class RoutineHead(Message):
    """What a routine saved on a shot or on the job; numbers that are none come as null.

    Attributes:
        routine: its file's name without the ending.
        values: name of the result to value.
        failed: what went wrong, empty if nothing did; what was saved before is kept.
        traceback: the routine's own lines on the way there.
    """

    routine: str
    values: dict[str, JsonValue] = {}
    failed: str = ""
    traceback: str = ""


class PictureHead(Message):
    """A figure of a routine, PNG in the body; ``array`` results use kind ``A``, npy."""

    routine: str
    name: str


class EndHead(Message):
    """The guest came to its end by itself."""

    ok: bool

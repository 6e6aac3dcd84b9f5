"""Compiled shots for tests: a small lab, and frames as an honest guest would send them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from shothub.domain.limits import ShotLimits
from shothub.shots.decode import Bounds, RawFrame, assemble
from shothub.shots.lab import Lab, read_lab
from shothub.shots.tree import DecodedShot
from shothub.wire.guests import FileHead, NodeHead, ShotHead, Value

EMPTY = "Content-Type: application/json {}"
Row = tuple[str, str, str, str, str]
ROWS: tuple[Row, ...] = (
    ("bias", "AnalogOut", "outputs", "ao1", ""),
    ("camera", "SimulatedCamera", "camera_trigger", "trigger", "simulated camera"),
    ("camera_trigger", "Trigger", "outputs", "do5", ""),
    ("clock", "DummyPseudoclock", "None", "None", "dummy"),
    ("clock_line", "ClockLine", "clock_pseudoclock", "internal", ""),
    ("clock_pseudoclock", "_DummyPseudoclock", "clock", "pseudoclock", ""),
    ("coil", "AnalogOut", "outputs", "ao0", ""),
    ("light", "DigitalOut", "outputs", "do0", ""),
    ("outputs", "SimulatedOutputs", "clock_line", "internal", "simulated"),
)
EXPOSURE = np.dtype(
    [("t", "f8"), ("name", "S64"), ("frametype", "S32"), ("duration", "f8")]
)
PROGRAM = np.dtype([("period", "i8"), ("reps", "i8")])
MARKER = np.dtype([("label", "S256"), ("time", "f8"), ("color", "i8", (1, 3))])
WAIT = np.dtype([("label", "S256"), ("time", "f8"), ("timeout", "f8")])


def write_table(path: Path, rows: Sequence[Row] = ROWS, master: str = "clock") -> Path:
    """Write a compiled connection table as labscript does."""
    text = h5py.string_dtype()
    dtype = np.dtype(
        [("name", "S256")]
        + [
            (name, text)
            for name in (
                "class",
                "parent",
                "parent port",
                "unit conversion class",
                "unit conversion params",
                "BLACS_connection",
                "properties",
            )
        ]
    )
    table = np.empty(len(rows), dtype)
    for i, (name, kind, parent, port, blacs) in enumerate(rows):
        table[i] = (name, kind, parent, port, "None", EMPTY, blacs, EMPTY)
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("connection table", data=table, maxshape=(None,))
        dataset.attrs["master_pseudoclock"] = master
        for name, *_, blacs in rows:
            if blacs:
                file.create_group(f"devices/{name}").attrs.update(
                    start_order=0, stop_order=0
                )
        file.create_dataset("waits", data=np.empty(0, WAIT))
    return path


def small_lab(
    folder: Path, limits: ShotLimits | None = None, rows: Sequence[Row] = ROWS
) -> Lab:
    """Return a lab with a clock, a card of outputs and a camera."""
    table = write_table(folder / "connection_table.h5", rows)
    return read_lab(table, limits or ShotLimits(max_duration=20.0))


def small_shot(**changes: Any) -> dict[str, Any]:
    """Return the content of an honest shot of the small lab: path to array or attributes.

    The clock ticks at 0 s, then every millisecond from 0.1 s to 0.104 s, and at 1 s.
    """
    ticks = np.array([0, 0.1, 0.101, 0.102, 0.103, 0.104, 1.0])
    periods = np.append(np.diff(ticks), 1e-6)
    program = [(round(p / 25e-9), 1) for p in periods] + [(0, 0)]
    analog = np.zeros(len(ticks), [("ao0", "f8"), ("ao1", "f8")])
    analog["ao0"] = [0, 0, 1, 2, 3, 4, 4]
    digital = np.zeros(len(ticks), [("do0", "u1"), ("do5", "u1")])
    digital["do0"] = [0, 1, 1, 1, 1, 1, 0]
    exposures = [(0.104, b"absorption", b"atoms", 1e-4)]
    content: dict[str, Any] = {
        "/": {"script_basename": "mine"},
        "globals": {"tof": 0.01},
        "globals/group": {"tof": "10e-3"},
        "devices": {},
        "devices/clock": {"is_master_pseudoclock": np.True_, "stop_time": 1.0},
        "devices/clock/PULSE_PROGRAM": np.array(program, PROGRAM),
        "devices/outputs": {
            "added_properties": EMPTY,
            "start_order": 0,
            "stop_order": 0,
        },
        "devices/outputs/AO": analog,
        "devices/outputs/DO": digital,
        "devices/outputs/TIMES": ticks,
        "devices/camera": {},
        "devices/camera/EXPOSURES": np.array(exposures, EXPOSURE),
        "calibrations": {},
        "time_markers": np.array([(b"begin", 0.0, [[-1, -1, -1]])], MARKER),
        "waits": np.empty(0, WAIT),
        "script": "start()\nstop(1)\n",
        "shot_properties": {
            "target_cycle_time": "Content-Type: application/json null",
            "cycle_time_delay_after_programming": np.False_,
        },
    }
    for path, value in changes.items():
        content[path] = value
    return {path: value for path, value in content.items() if value is not None}


def encoded(value: Any, *, inline: bool) -> tuple[Value, bytes]:
    """Return the wire form of a value; attributes carry their bytes inline."""
    if isinstance(value, str | bytes):
        text = value.decode() if isinstance(value, bytes) else value
        return Value(dtype="str", text=[text]), b""
    array = np.asarray(value)
    if array.dtype.names and array.dtype.hasobject:
        array = plain_record(array)
    if array.dtype.hasobject:
        texts = [t.decode() if isinstance(t, bytes) else str(t) for t in array.ravel()]
        return Value(dtype="str", shape=list(array.shape), text=texts), b""
    names = array.dtype.names
    dtype: Any = array.dtype.str
    if names:
        fields = [array.dtype[name] for name in names]
        dtype = [
            (n, f.base.str, list(f.shape)) for n, f in zip(names, fields, strict=True)
        ]
    data = array.tobytes()
    return Value(
        dtype=dtype, shape=list(array.shape), data=data.hex() if inline else ""
    ), (b"" if inline else data)


def node(
    path: str, value: Any = None, attributes: Mapping[str, Any] | None = None
) -> RawFrame:
    """Return the frame of a group (value None) or of a dataset."""
    coded = {name: encoded(v, inline=True)[0] for name, v in (attributes or {}).items()}
    data, body = (None, b"") if value is None else encoded(value, inline=False)
    head = NodeHead(path=path, attributes=coded, value=data)
    return b"N", head.model_dump_json().encode(), body


def shot_head(
    index: int = 0, count: int = 1, values: Mapping[str, Any] | None = None
) -> list[RawFrame]:
    """Return the frames before a shot's nodes."""
    head = ShotHead(index=index, count=count, globals=dict(values or {}), units={})
    begin = FileHead(name=f"shot_{index}.h5")
    return [
        (b"S", head.model_dump_json().encode(), b""),
        (b"B", begin.model_dump_json().encode(), b""),
    ]


def frames_of(content: Mapping[str, Any], **head: Any) -> list[RawFrame]:
    """Return the frames of one shot without the end."""
    return shot_head(**head) + [
        node(path, attributes=value) if isinstance(value, dict) else node(path, value)
        for path, value in content.items()
    ]


def end(*, ok: bool = True) -> RawFrame:
    """Return the last frame."""
    return b"E", json.dumps({"ok": ok}).encode(), b""


def decoded(
    content: Mapping[str, Any], values: Mapping[str, Any] | None = None
) -> DecodedShot:
    """Return one decoded shot."""
    (shot,) = assemble([*frames_of(content, values=values), end()], Bounds(shots=1))
    return shot


def frames_of_file(path: Path, *, table: bool = True, **head: Any) -> list[RawFrame]:
    """Return the frames of a file that labscript compiled."""
    frames = shot_head(**head)
    with h5py.File(path, "r") as file:

        def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if table or name != "connection table":
                value = item[()] if isinstance(item, h5py.Dataset) else None
                frames.append(node(name, value, dict(item.attrs)))

        file.visititems(visit)
    return frames


def plain_record(table: Any) -> Any:
    """Return a record whose texts of any length have become bytes of one length."""
    columns = {
        name: np.array([bytes(text) for text in table[name]])
        if table.dtype[name].hasobject
        else table[name]
        for name in table.dtype.names
    }
    plain = np.empty(
        table.shape, [(n, c.dtype, c.shape[1:]) for n, c in columns.items()]
    )
    for name, column in columns.items():
        plain[name] = column
    return plain

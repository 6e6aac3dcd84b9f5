"""What a shot carries besides its devices: markers, waits, cycle time, script text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shothub.domain.faults import Fault
from shothub.shots.lab import JSON_TAG, Lab
from shothub.shots.tree import Array, Data, DecodedShot, Node, scalar
from shothub.shots.validators.base import Invalid

MARKER = np.dtype([("label", "S256"), ("time", "<f8"), ("color", "<i8", (1, 3))])
WAIT = np.dtype([("label", "S256"), ("time", "<f8"), ("timeout", "<f8")])
MAX_MARKERS = 1_000
MAX_SCRIPT = 1_000_000
LONGEST_CYCLE = 2.0
"""Longest target cycle time, in units of the longest shot that the lab allows."""

_SCRIPT_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,99}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Annotations:
    """What may be written besides the devices.

    Attributes:
        markers: the time markers.
        cycle_time: seconds from the start of one shot to the next, if asked for.
        delay_after_programming: where BLACS waits for it.
        script: text of the labscript file, inert.
        script_name: its file name.
    """

    markers: Array
    cycle_time: float | None = None
    delay_after_programming: bool = False
    script: str = ""
    script_name: str = "script.py"


def read_annotations(shot: DecodedShot, lab: Lab, *, duration: float) -> Annotations:
    """Return what a shot carries besides its devices.

    Raises:
        Invalid: one of these is not what labscript would write.
    """
    script = shot.tree.get("script", Node())
    properties = shot.tree.get("shot_properties", Node()).attributes
    return Annotations(
        markers=_markers(shot.tree.get("time_markers"), duration),
        cycle_time=_cycle_time(properties, lab.limits.max_duration),
        delay_after_programming=_truth(properties),
        script=_script(script),
        script_name=_script_name(scalar(script.attributes.get("name"))),
    )


def _invalid(detail: str, where: str) -> Invalid:
    return Invalid(Fault(code="bad_shot", detail=detail, where=where))


def refuse_waits(shot: DecodedShot) -> None:
    """Refuse a shot that waits: how long it takes is not known before it runs.

    Raises:
        Invalid: the shot has waits, or its table of waits is malformed.
    """
    node = shot.tree.get("waits")
    if node is None:
        return
    if (
        not isinstance(node.data, np.ndarray)
        or node.data.dtype != WAIT
        or node.data.ndim != 1
    ):
        raise _invalid("The table of waits is malformed.", "waits")
    if len(node.data):
        raise Invalid(
            Fault(
                code="waits_unsupported",
                detail="The script calls wait(); waits are not supported in this version.",
                where="waits",
                hint="let the script go on at a fixed time instead",
            )
        )


def _markers(node: Node | None, duration: float) -> Array:
    table = np.empty(0, MARKER) if node is None else node.data
    if not isinstance(table, np.ndarray) or table.dtype != MARKER or table.ndim != 1:
        raise _invalid("The table of time markers is malformed.", "time_markers")
    if len(table) > MAX_MARKERS:
        raise _invalid(f"More than {MAX_MARKERS} time markers.", "time_markers")
    if not ((table["time"] >= 0) & (table["time"] <= duration)).all():
        raise _invalid("A time marker lies outside the shot.", "time_markers")
    if not ((table["color"] >= -1) & (table["color"] <= 255)).all():
        raise _invalid("The colour of a time marker is none.", "time_markers")
    for label in table["label"]:
        _check_label(bytes(label))
    return table


def _check_label(label: bytes) -> None:
    try:
        label.decode()
    except UnicodeDecodeError as error:
        raise _invalid(
            "The label of a time marker is no text.", "time_markers"
        ) from error


def _cycle_time(attributes: Mapping[str, Data], longest: float) -> float | None:
    raw = scalar(attributes.get("target_cycle_time"))
    if raw is None or raw == f"{JSON_TAG}null":
        return None
    if not isinstance(raw, int | float) or not 0 <= raw <= LONGEST_CYCLE * longest:
        raise _invalid(
            f"target_cycle_time must lie between 0 and {LONGEST_CYCLE * longest:g} s.",
            "shot_properties",
        )
    return float(raw)


def _truth(attributes: Mapping[str, Data]) -> bool:
    raw = scalar(attributes.get("cycle_time_delay_after_programming"))
    if raw is None or isinstance(raw, bool):
        return bool(raw)
    raise _invalid(
        "cycle_time_delay_after_programming must be true or false.", "shot_properties"
    )


def _script(node: Node) -> str:
    text = node.data
    if text is None:
        return ""
    if not isinstance(text, str) or len(text) > MAX_SCRIPT:
        raise _invalid("The text of the script is none, or too long.", "script")
    return text


def _script_name(raw: object) -> str:
    if isinstance(raw, bytes):
        raw = raw.decode(errors="replace")
    return raw if isinstance(raw, str) and _SCRIPT_NAME.fullmatch(raw) else "script.py"

"""Globals given as data: a plain value, or a scan that takes several values over shots."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Scalar = bool | int | float | str

MAX_POINTS = 100_000


@dataclass(frozen=True)
class Scan:
    """Values that one of the globals takes, one after another.

    Attributes:
        values: the values, in order; never empty.
        zip: name of the group in which scans advance together; empty for an axis of its
            own (runmanager's ``outer``).
        shuffle: whether the shots run in random order along this axis.
    """

    values: tuple[Scalar, ...]
    zip: str = ""
    shuffle: bool = False


class BadValue(ValueError):
    """A value of the globals is neither a plain value nor a scan."""


def linspace(start: float, stop: float, points: int) -> tuple[float, ...]:
    """Return ``points`` evenly spaced values from ``start`` to ``stop``, both included."""
    if points < 1:
        raise BadValue("a linspace needs at least one point")
    if points > MAX_POINTS:
        raise BadValue(f"a scan takes at most {MAX_POINTS} points")
    if points == 1:
        return (float(start),)
    step = (stop - start) / (points - 1)
    return (*(start + step * i for i in range(points - 1)), float(stop))


def parse_value(raw: object) -> Scalar | Scan:
    """Read a value as it comes from JSON.

    A plain value stays what it is. A list is a scan. An object
    ``{"linspace": [start, stop, points]}`` or ``{"values": [...]}`` is a scan with the
    options ``zip`` (group name) and ``shuffle``.

    Raises:
        BadValue: the value is not finite, or of no known form.
    """
    if isinstance(raw, Mapping):
        return _scan_from_mapping(raw)
    if isinstance(raw, list | tuple):
        return Scan(_points(raw))
    return _scalar(raw)


def _scan_from_mapping(raw: Mapping[object, object]) -> Scan:
    unknown = set(raw) - {"linspace", "values", "zip", "shuffle"}
    if unknown or ("linspace" in raw) == ("values" in raw):
        raise BadValue('a scan is {"linspace": [a, b, n]} or {"values": [...]}')
    zip_name, shuffle = raw.get("zip", ""), raw.get("shuffle", False)
    if not isinstance(zip_name, str) or not isinstance(shuffle, bool):
        raise BadValue("zip is the name of a group, shuffle is true or false")
    if "values" in raw:
        return Scan(_points(raw["values"]), zip_name, shuffle)
    match raw["linspace"]:
        case [bool(), *_] | [_, bool(), *_] | [_, _, bool()]:
            raise BadValue("linspace takes numbers: [start, stop, points]")
        case [int() | float() as start, int() | float() as stop, int() as points]:
            ends = _number(start), _number(stop)
            return Scan(linspace(*ends, points), zip_name, shuffle)
    raise BadValue("linspace takes [start, stop, points], points being a whole number")


def _points(raw: object) -> tuple[Scalar, ...]:
    if not isinstance(raw, list | tuple) or not raw:
        raise BadValue("a scan needs a list of at least one value")
    if len(raw) > MAX_POINTS:
        raise BadValue(f"a scan takes at most {MAX_POINTS} points")
    return tuple(_scalar(value) for value in raw)


def _scalar(raw: object) -> Scalar:
    if isinstance(raw, bool | str):
        return raw
    if isinstance(raw, int | float):
        return _number(raw)
    raise BadValue(f"a {type(raw).__name__} is neither a plain value nor a scan")


def _number(raw: int | float) -> int | float:
    try:
        finite = math.isfinite(raw)
    except OverflowError:
        finite = False
    if not finite:
        raise BadValue("a number must be finite")
    return raw


def shot_count(values: Mapping[str, Scalar | Scan]) -> int:
    """Return how many shots the scans make together, before any of them is made.

    Raises:
        BadValue: scans of one zip group differ in length.
    """
    axes: dict[str, int] = {}
    for name, value in values.items():
        if isinstance(value, Scan):
            axis = f"zip {value.zip}" if value.zip else f"outer {name}"
            if axes.setdefault(axis, len(value.values)) != len(value.values):
                raise BadValue(f"scans of zip group {value.zip!r} differ in length")
    return math.prod(axes.values())


def describe(value: Scalar | Scan | Sequence[Scalar]) -> str:
    """Return a short text for tables, e.g. ``0.005 … 0.025 (11)``."""
    if isinstance(value, Scan) and len(value.values) > 1:
        return f"{value.values[0]} … {value.values[-1]} ({len(value.values)})"
    return str(value.values[0] if isinstance(value, Scan) else value)

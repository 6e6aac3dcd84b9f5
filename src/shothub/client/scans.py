"""Globals as users write them, numpy included, brought into the form of the wire."""

import json
from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from shothub.client.errors import Refused
from shothub.domain import scans
from shothub.domain.faults import Fault
from shothub.domain.scans import BadValue, Scalar, Scan

EXPRESSION_KEYS = frozenset({"expression", "units", "expansion"})


def linspace(
    start: float, stop: float, points: int, *, zipped: str = "", shuffle: bool = False
) -> Scan:
    """Return a scan of evenly spaced values from ``start`` to ``stop``, both included.

    Args:
        start: first value, in the unit of the global.
        stop: last value.
        points: how many values, at least one.
        zipped: name of a group of scans that advance together; scans without a group
            are axes of their own, so that every combination is run.
        shuffle: run the shots in random order along this axis.

    Raises:
        Refused: a value is not finite, or ``points`` is no positive whole number.
    """
    try:
        count = _whole(points)
        ends = [_plain(start), _plain(stop)]
        raw = {"linspace": [*ends, count], "zip": zipped, "shuffle": shuffle}
        scan = scans.parse_value(raw)
    except BadValue as error:
        raise _refused(error, "linspace") from error
    assert isinstance(scan, Scan)  # noqa: S101 (narrows the type: that form is a scan)
    return scan


def values(
    points: Iterable[object], *, zipped: str = "", shuffle: bool = False
) -> Scan:
    """Return a scan of just these values: numbers, texts, booleans or a numpy array.

    Args:
        points: at least one value.
        zipped: name of a group of scans that advance together.
        shuffle: run the shots in random order along this axis.

    Raises:
        Refused: there is no value, or one is neither number, text nor boolean.
    """
    try:
        return Scan(_points(points, "values"), zipped, shuffle)
    except BadValue as error:
        raise _refused(error, "values") from error


def to_wire(given: Mapping[str, object]) -> dict[str, JsonValue]:
    """Return globals as they are sent; every fault is found before anything is sent.

    Raises:
        Refused: with one fault for each bad value, naming its place.
    """
    faults, sent = [], {}
    for name, value in given.items():
        try:
            sent[str(name)] = _entry(value, f"globals.{name}")
        except BadPlace as error:
            faults.append(
                Fault(code="bad_value", detail=f"{error}.", where=error.where)
            )
    if faults:
        raise Refused(*faults)
    return sent


class BadPlace(BadValue):
    """A value is bad, and it is known where."""

    def __init__(self, message: str, where: str) -> None:
        super().__init__(message)
        self.where = where


def _entry(value: object, where: str) -> JsonValue:
    if isinstance(value, Mapping) and "expression" in value:
        return _expression(value, where)
    parsed = _parse(value, where)
    if not isinstance(parsed, Scan):
        return parsed
    entry: dict[str, JsonValue] = {"values": list(parsed.values)}
    if parsed.zip:
        entry["zip"] = parsed.zip
    if parsed.shuffle:
        entry["shuffle"] = True
    return entry


def _expression(value: Mapping[object, object], where: str) -> JsonValue:
    known = set(value) <= EXPRESSION_KEYS
    if not known or not all(isinstance(text, str) for text in value.values()):
        keys = ", ".join(sorted(EXPRESSION_KEYS))
        raise BadPlace(f"an expression has only the texts {keys}", where)
    return {str(key): str(text) for key, text in value.items()}


def _parse(value: object, where: str) -> Scalar | Scan:
    """Read a value of any kind that people write; numpy is known by its ``tolist``."""
    value = _unwrapped(value)
    if isinstance(value, Scan):
        return Scan(_points(value.values, where), value.zip, value.shuffle)
    if isinstance(value, list | tuple | range):
        return Scan(_points(value, where))
    try:
        return scans.parse_value(value)
    except BadValue as error:
        raise BadPlace(str(error), where) from error


def _points(points: Iterable[object], where: str) -> tuple[Scalar, ...]:
    unwrapped = _unwrapped(points)
    if isinstance(unwrapped, str) or not isinstance(unwrapped, Iterable):
        raise BadPlace("a scan needs a list of values", where)
    found = tuple(_point(p, f"{where}[{i}]") for i, p in enumerate(unwrapped))
    if not found:
        raise BadPlace("a scan needs at least one value", where)
    if len(found) > scans.MAX_POINTS:
        raise BadPlace(f"a scan takes at most {scans.MAX_POINTS} points", where)
    return found


def _point(raw: object, where: str) -> Scalar:
    point = _parse(raw, where)
    if isinstance(point, Scan):
        raise BadPlace(
            "a scan holds plain values, not lists (is the array 1-D?)", where
        )
    return point


def _unwrapped(value: object) -> object:
    """Return Python's own numbers and lists for those of numpy and pandas."""
    tolist = getattr(value, "tolist", None)
    return tolist() if callable(tolist) else value


def _plain(value: object) -> object:
    return _unwrapped(value)


def _whole(points: object) -> int:
    count = _unwrapped(points)
    if isinstance(count, bool) or not isinstance(count, int):
        raise BadValue("points is a whole number")
    return count


def _refused(error: BadValue, where: str) -> Refused:
    place = error.where if isinstance(error, BadPlace) else where
    return Refused(Fault(code="bad_value", detail=f"{error}.", where=place))


def from_text(text: str) -> JsonValue | Scan:
    """Read a value as it is written on a command line.

    ``linspace:a:b:n`` and JSON (numbers, lists, objects, true, false, quoted text) are
    understood; anything else is text.

    Raises:
        Refused: the text starts like a scan and is none.
    """
    if text.startswith("linspace:"):
        return _linspace_from_text(text)
    try:
        value: JsonValue = json.loads(text)
    except json.JSONDecodeError:
        if text[:1] in "[{":
            detail = f"{text[:80]!r} is no JSON."
            raise Refused(Fault(code="bad_value", detail=detail)) from None
        return text
    return value


def _linspace_from_text(text: str) -> Scan:
    parts = text.split(":")[1:]
    try:
        start, stop, points = float(parts[0]), float(parts[1]), int(parts[2])
        shuffle = _is_shuffled(parts[3:])
    except (ValueError, IndexError):
        raise Refused(
            Fault(
                code="bad_value",
                detail=f"{text[:80]!r} is no scan.",
                hint="write linspace:START:STOP:POINTS or …:shuffle",
            )
        ) from None
    return linspace(start, stop, points, shuffle=shuffle)


def _is_shuffled(rest: list[str]) -> bool:
    if rest not in ([], ["shuffle"]):
        raise ValueError(rest)
    return bool(rest)

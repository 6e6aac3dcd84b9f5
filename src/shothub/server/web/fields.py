"""Fields of a procedure's form: from its parameters, and back into globals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from pydantic import JsonValue

from shothub.domain.faults import Fault
from shothub.domain.scans import BadValue, linspace
from shothub.server.web.quantities import number, with_unit
from shothub.wire.apparatus import ParameterView

_USUAL_POINTS = 11


class Given(Protocol):
    """What a form sent, by field name."""

    def get(self, key: str, default: str, /) -> str: ...


@dataclass(frozen=True, kw_only=True)
class GlobalField:
    """One of a procedure's globals in the form, as the user has filled it in.

    Attributes:
        text: the value, where it is not scanned.
        scan: whether it is scanned.
        start, stop, points: the scan as a range.
        listed: the scan as a list; where it is given it wins over the range.
        shuffle: whether the scan runs in random order.
        error: what is wrong with it, in words.
    """

    parameter: ParameterView
    text: str = ""
    scan: bool = False
    start: str = ""
    stop: str = ""
    points: str = str(_USUAL_POINTS)
    listed: str = ""
    shuffle: bool = False
    error: str = ""

    @property
    def ranged(self) -> bool:
        kind = self.parameter.type
        return kind in {"float", "int"} and not self.parameter.choices

    @property
    def choices(self) -> list[str]:
        return [_text(choice) for choice in self.parameter.choices]

    @property
    def bounds(self) -> str:
        low, high = self.parameter.minimum, self.parameter.maximum
        unit = self.parameter.unit
        if low is not None and high is not None:
            return f"{_both(low, unit)} to {_both(high, unit)}"
        if low is not None:
            return f"at least {_both(low, unit)}"
        return f"at most {_both(high, unit)}" if high is not None else ""


def _both(value: float, unit: str) -> str:
    """Return a bound as it is typed and, where that reads easier, with a prefix."""
    typed, read = number(value), with_unit(value, unit)
    return read if read.split(" ")[0] == typed else f"{typed} {unit} ({read})"


def fresh_field(parameter: ParameterView, value: JsonValue = None) -> GlobalField:
    """Return a field that shows ``value``, or the parameter's default."""
    field = GlobalField(
        parameter=parameter,
        text=_text(parameter.default),
        start=_end(parameter, parameter.minimum),
        stop=_end(parameter, parameter.maximum),
    )
    if isinstance(value, dict):
        return _scanned(field, value)
    if isinstance(value, list):
        return replace(field, scan=True, listed=_listed(value))
    return field if value is None else replace(field, text=_text(value))


def _scanned(field: GlobalField, value: Mapping[str, JsonValue]) -> GlobalField:
    shuffle = value.get("shuffle") is True
    match value:
        case {"values": list() as values}:
            return replace(field, scan=True, listed=_listed(values), shuffle=shuffle)
        case {"linspace": [start, stop, points]}:
            first, last, count = _text(start), _text(stop), _text(points)
            scanned = replace(field, scan=True, shuffle=shuffle, points=count)
            return replace(scanned, start=first, stop=last)
    return field


def _listed(values: Sequence[JsonValue]) -> str:
    return ", ".join(_text(value) for value in values)


def _end(parameter: ParameterView, bound: float | None) -> str:
    """Return a bound as the end of a scan: whole where the values are whole."""
    if bound is not None and parameter.type == "int":
        return _text(round(bound))
    return _text(bound)


def _text(value: JsonValue) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def read_field(parameter: ParameterView, given: Given) -> tuple[GlobalField, JsonValue]:
    """Return the field as it was filled in, and the value that it gives.

    The value is None where the field has an error.
    """
    name = f"g.{parameter.name}"
    field = GlobalField(
        parameter=parameter,
        text=given.get(name, "").strip(),
        scan=bool(given.get(f"{name}.scan", "")),
        start=given.get(f"{name}.from", "").strip(),
        stop=given.get(f"{name}.to", "").strip(),
        points=given.get(f"{name}.points", "").strip(),
        listed=given.get(f"{name}.list", "").strip(),
        shuffle=bool(given.get(f"{name}.shuffle", "")),
    )
    try:
        return field, _scan(field) if field.scan else _scalar(parameter, field.text)
    except BadValue as error:
        return replace(field, error=f"{error}."), None


def _scan(field: GlobalField) -> JsonValue:
    parameter = field.parameter
    extra: dict[str, JsonValue] = {"shuffle": True} if field.shuffle else {}
    if parameter.type == "bool":
        return {"values": [False, True], **extra}
    if field.listed or not field.ranged:
        parts = [part.strip() for part in field.listed.split(",") if part.strip()]
        if not parts:
            raise BadValue("Give the values of the scan, separated by commas")
        return {"values": [_scalar(parameter, part) for part in parts], **extra}
    start, stop = _scalar(parameter, field.start), _scalar(parameter, field.stop)
    points = _whole(field.points, "the number of points")
    if parameter.type == "float":
        return {"linspace": [start, stop, points], **extra}
    return {"values": _whole_range(start, stop, points), **extra}


def _whole_range(start: JsonValue, stop: JsonValue, points: int) -> list[JsonValue]:
    if not isinstance(start, int) or not isinstance(stop, int):
        raise BadValue("A scan of whole numbers needs whole ends")
    values = linspace(start, stop, points)
    if any(abs(value - round(value)) > 1e-6 for value in values):
        raise BadValue(f"{points} points from {start} to {stop} are not whole numbers")
    return [round(value) for value in values]


def _scalar(parameter: ParameterView, text: str) -> JsonValue:
    for choice in parameter.choices:
        if _text(choice) == text:
            return choice
    match parameter.type:
        case "str":
            return text
        case "bool":
            return text == "true"
        case "int":
            return _whole(text, "this")
        case "float":
            return _float(text)


def _whole(text: str, what: str) -> int:
    try:
        return int(text)
    except ValueError:
        shown = f"not {text[:30]!r}" if text else "and it is empty"
        raise BadValue(f"{what} must be a whole number, {shown}".capitalize()) from None


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    if not text:
        raise BadValue("Give a number")
    raise BadValue(f"{text[:30]!r} is not a number; write it like 0.015 or 15e-3")


def with_faults(
    fields: Sequence[GlobalField], faults: Sequence[Fault]
) -> tuple[list[GlobalField], list[Fault]]:
    """Put each fault at the field that it speaks of; return the others as well."""
    by_name: dict[str, str] = {}
    general: list[Fault] = []
    names = {field.parameter.name for field in fields}
    for fault in faults:
        name = fault.where.rpartition("globals.")[2].partition(".")[0]
        if "globals." in fault.where and name in names:
            by_name.setdefault(name, fault.detail)
        else:
            general.append(fault)
    marked = [
        replace(field, error=field.error or by_name.get(field.parameter.name, ""))
        for field in fields
    ]
    return marked, general

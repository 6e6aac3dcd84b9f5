"""Typed, bounded globals of a procedure, and what is wrong with the values given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from shothub.domain.faults import Fault
from shothub.domain.scans import BadValue, Scalar, Scan, parse_value, shot_count

Kind = Literal["float", "int", "bool", "str"]


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One of the globals of a procedure, as its author declares it.

    Attributes:
        name: Python identifier.
        type: type of its value.
        default: value when none is given.
        unit: physical unit, for people, e.g. ``s`` or ``MHz``.
        minimum: smallest value allowed, if any.
        maximum: largest value allowed, if any.
        choices: the only values allowed, if any.
        doc: one sentence.
    """

    name: str
    type: Kind
    default: Scalar
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Scalar, ...] = ()
    doc: str = ""


def check_values(
    parameters: Sequence[Parameter], given: Mapping[str, object], *, max_shots: int
) -> tuple[dict[str, Scalar | Scan], list[Fault]]:
    """Hold given values against the declaration; fill in the defaults.

    Returns:
        The complete values, and the faults; the values are of use only without faults.
    """
    known = {parameter.name: parameter for parameter in parameters}
    faults = [_unknown(name, known) for name in given if name not in known]
    values: dict[str, Scalar | Scan] = {p.name: p.default for p in parameters}
    for name in given:
        if name in known:
            try:
                values[name] = _checked(known[name], parse_value(given[name]))
            except BadValue as error:
                faults.append(
                    Fault(code="bad_value", detail=f"{error}.", where=f"globals.{name}")
                )
    return values, faults or _count_faults(values, max_shots)


def _unknown(name: str, known: Mapping[str, Parameter]) -> Fault:
    return Fault(
        code="unknown_global",
        detail=f"The procedure has no global named {name!r}.",
        where=f"globals.{name}",
        hint=f"it takes: {', '.join(known) or 'none'}",
    )


def _count_faults(values: Mapping[str, Scalar | Scan], max_shots: int) -> list[Fault]:
    try:
        count = shot_count(values)
    except BadValue as error:
        return [Fault(code="bad_scan", detail=f"{error}.", where="globals")]
    if count <= max_shots:
        return []
    return [
        Fault(
            code="too_many_shots",
            detail=f"The scans make {count} shots; {max_shots} are allowed in one job.",
            where="globals",
            hint="scan fewer points, or submit several jobs",
        )
    ]


def _checked(parameter: Parameter, value: Scalar | Scan) -> Scalar | Scan:
    if isinstance(value, Scan):
        points = tuple(_fitting(parameter, point) for point in value.values)
        return Scan(points, value.zip, value.shuffle)
    return _fitting(parameter, value)


def _fitting(parameter: Parameter, value: Scalar) -> Scalar:
    value = _typed(parameter, value)
    unit = f" {parameter.unit}" if parameter.unit else ""
    if parameter.choices and value not in parameter.choices:
        raise BadValue(f"{value!r} is not one of {list(parameter.choices)}")
    if isinstance(value, str | bool):
        return value
    if parameter.minimum is not None and value < parameter.minimum:
        raise BadValue(
            f"{value}{unit} is below the minimum of {parameter.minimum}{unit}"
        )
    if parameter.maximum is not None and value > parameter.maximum:
        raise BadValue(
            f"{value}{unit} is above the maximum of {parameter.maximum}{unit}"
        )
    return value


def _typed(parameter: Parameter, value: Scalar) -> Scalar:
    match parameter.type, value:
        case "bool", bool():
            return value
        case "str", str():
            return value
        case "int", int() if not isinstance(value, bool):
            return value
        case "float", int() | float() if not isinstance(value, bool):
            return float(value)
    raise BadValue(f"{value!r} is not of type {parameter.type}")

"""Globals are evaluated and expanded by runmanager's own functions, with a bound."""

import itertools
import math
from collections.abc import Iterable, Mapping
from typing import Any

import runmanager

from shothub.domain.faults import Fault
from shothub.sandbox.guests.faulty import Refused
from shothub.wire.guests import GlobalEntry

Groups = dict[str, dict[str, tuple[str, str, str]]]
Shots = list[dict[str, Any]]

_OUTER = "outer"


def as_groups(globals_: Mapping[str, Mapping[str, GlobalEntry]]) -> Groups:
    """Return globals in the form that runmanager's functions take."""
    return {
        group: {n: (e.expression, e.units, e.expansion) for n, e in entries.items()}
        for group, entries in globals_.items()
    }


def merge(base: Groups, over: Groups) -> Groups:
    """Return ``base`` with the values of ``over``, each in the group that has its name."""
    home = {name: group for group, entries in base.items() for name in entries}
    merged = {group: dict(entries) for group, entries in base.items()}
    for group, entries in over.items():
        for name, entry in entries.items():
            place = home.get(name, group)
            units = entry[1] or merged.get(place, {}).get(name, ("", "", ""))[1]
            merged.setdefault(place, {})[name] = (entry[0], units, entry[2])
    return merged


def expand(groups: Groups, *, shuffle: Iterable[str], max_shots: int) -> Shots:
    """Return the globals of each shot.

    Raises:
        Refused: an expression fails, an axis is no list, or there are too many shots.
    """
    _refuse_doubles(groups)
    values, _, _ = runmanager.evaluate_globals(groups, raise_exceptions=False)
    _refuse_errors(values)
    axes = _axes(groups, values, max_shots)
    count = math.prod(axes.values())
    if not 0 < count <= max_shots:
        raise Refused(_wrong_count(count, axes, max_shots))
    config = _order(axes, set(shuffle))
    shots: Shots = runmanager.expand_globals(groups, values, config)
    return shots


def _refuse_doubles(groups: Groups) -> None:
    seen: dict[str, str] = {}
    faults = []
    for group, entries in groups.items():
        for name in entries:
            if name in seen:
                text = (
                    f"{name!r} is defined in the groups {seen[name]!r} and {group!r}."
                )
                faults.append(
                    Fault(
                        code="global_defined_twice",
                        detail=text,
                        where=f"{group}.{name}",
                    )
                )
            seen[name] = group
    if faults:
        raise Refused(*faults)


def _refuse_errors(values: Mapping[str, Mapping[str, object]]) -> None:
    faults = [
        Fault(
            code="bad_expression",
            detail=f"{type(value).__name__}: {value}"[:500],
            where=f"{group}.{name}",
        )
        for group, entries in values.items()
        for name, value in entries.items()
        if isinstance(value, Exception)
    ]
    if faults:
        raise Refused(*faults[:50])


def _axes(
    groups: Groups, values: dict[str, dict[str, Any]], max_shots: int
) -> dict[str, int]:
    """Return the length of each axis, in order; iterators become tuples on the way."""
    axes: dict[str, int] = {}
    for group, entries in groups.items():
        for name, (_, _, expansion) in entries.items():
            if not expansion:
                axes.setdefault("zip ", 1)
                continue
            try:
                points = _points(values[group][name], max_shots)
            except TypeError as error:
                raise Refused(
                    Fault(
                        code="bad_expansion",
                        detail="It is to be expanded over shots but is no list of values.",
                        where=f"{group}.{name}",
                        hint="clear its expansion, or write a list or linspace",
                    )
                ) from error
            values[group][name] = points
            axis = f"outer {name}" if expansion == _OUTER else f"zip {expansion}"
            # A zip goes as far as its shortest member, as in runmanager.
            axes[axis] = min(axes.get(axis, len(points)), len(points))
    return axes


def _points(value: Any, max_shots: int) -> Any:
    if isinstance(value, str | bytes):
        raise TypeError
    if hasattr(value, "__len__"):
        iter(value)
        return value
    return tuple(itertools.islice(value, max_shots + 1))


def _wrong_count(count: int, axes: Mapping[str, int], max_shots: int) -> Fault:
    sizes = ", ".join(
        f"{a.split(' ', 1)[1]}: {n}" for a, n in axes.items() if a != "zip "
    )
    if not count:
        return Fault(
            code="no_shots", detail=f"An axis is empty ({sizes}).", where="globals"
        )
    return Fault(
        code="too_many_shots",
        detail=f"The globals make {count} shots; at most {max_shots} are allowed.",
        where="globals",
        hint=f"axes: {sizes}"[:290],
    )


def _order(axes: Iterable[str], shuffle: set[str]) -> dict[str, dict[str, object]]:
    """Return runmanager's expansion order: axes as they first appear, the last fastest."""
    known = {form for axis in axes for form in (axis, axis.split(" ", 1)[1])}
    if unknown := shuffle - known - {""}:
        text = f"There is no axis {min(unknown)!r} to shuffle."
        raise Refused(Fault(code="unknown_axis", detail=text, where="shuffle"))
    return {
        axis: {
            "order": place,
            "shuffle": bool({axis, axis.split(" ", 1)[1]} & shuffle - {""}),
        }
        for place, axis in enumerate(axes)
    }

"""Globals given as data, in runmanager's own terms: expression, units, expansion."""

from collections.abc import Mapping

from shothub.domain.scans import Scalar, Scan, parse_value
from shothub.wire.guests import GlobalEntry

OUTER = "outer"


def entry(value: Scalar | Scan, *, units: str = "") -> GlobalEntry:
    """Return how runmanager would write a plain value or a scan."""
    if isinstance(value, Scan):
        expansion = value.zip or OUTER
        return GlobalEntry(
            expression=repr(list(value.values)), units=units, expansion=expansion
        )
    return GlobalEntry(expression=repr(value), units=units)


def entries(values: Mapping[str, object]) -> tuple[dict[str, GlobalEntry], list[str]]:
    """Return the entries of globals as they come from JSON, and the axes to shuffle.

    A value is what domain.scans.parse_value reads, or an object with ``expression`` and,
    if wanted, ``units`` and ``expansion``.

    Raises:
        BadValue: a value is neither.
        ValidationError: an object with ``expression`` has further fields.
    """
    made: dict[str, GlobalEntry] = {}
    shuffled: dict[str, None] = {}
    for name, raw in values.items():
        if isinstance(raw, Mapping) and "expression" in raw:
            made[name] = GlobalEntry.model_validate(raw)
            continue
        value = parse_value(raw)
        made[name] = entry(value)
        if isinstance(value, Scan) and value.shuffle:
            shuffled[value.zip or name] = None
    return made, list(shuffled)

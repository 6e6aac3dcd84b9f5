"""Globals of a shot: JSON on the wire, attributes in the file; values only."""

import math
from collections.abc import Mapping

import h5py
import numpy as np
from pydantic import JsonValue

MAX_ELEMENTS = 6_000
MAX_TEXT = 50_000
MAX_DEPTH = 4


class BadGlobal(ValueError):
    """One of the globals has a name or a value that no shot file can hold."""


def check_globals(
    values: Mapping[str, JsonValue], units: Mapping[str, str], *, most: int
) -> None:
    """Hold globals that came out of the sandbox to what a shot file can hold.

    Raises:
        BadGlobal: a name is no identifier, or a value is not null, a finite number, a
            text, a boolean, or a regular list of those.
    """
    if len(values) > most or len(units) > most:
        raise BadGlobal(f"more than {most} globals")
    for name, value in values.items():
        if not name.isidentifier() or len(name) > 128:
            raise BadGlobal(f"{name[:60]!r} is no name of a global")
        try:
            as_attribute(value)
        except BadGlobal as error:
            raise BadGlobal(f"{name} {error}") from error
    if any(
        len(n) > 128 or len(u) > 128 or not (n + u).isprintable()
        for n, u in units.items()
    ):
        raise BadGlobal("a unit is too long or has odd characters")


def as_attribute(value: JsonValue) -> object:
    """Return what h5py stores for one of the globals, as runmanager would have it.

    Raises:
        BadGlobal: no attribute of a shot file can hold it.
    """
    if value is None:
        return h5py.Reference()
    if isinstance(value, dict):
        raise BadGlobal("is a mapping")
    if isinstance(value, list):
        return _array(value)
    _check_scalar(value)
    return value


def _array(values: list[JsonValue]) -> object:
    leaves = _leaves(values, MAX_DEPTH)
    kinds = {_kind(leaf) for leaf in leaves}
    for leaf in leaves:
        _check_scalar(leaf)
    if len(kinds) > 1:
        raise BadGlobal("is a list of things of different kinds")
    try:
        return np.array(
            values, dtype=h5py.string_dtype() if kinds == {"text"} else None
        )
    except (ValueError, OverflowError) as error:
        raise BadGlobal("is an irregular list") from error


def _leaves(values: list[JsonValue], depth: int) -> list[JsonValue]:
    if depth == 0:
        raise BadGlobal(f"is a list nested deeper than {MAX_DEPTH}")
    leaves: list[JsonValue] = []
    for value in values:
        leaves += _leaves(value, depth - 1) if isinstance(value, list) else [value]
        if len(leaves) > MAX_ELEMENTS:
            raise BadGlobal(f"is a list of more than {MAX_ELEMENTS} values")
    return leaves


def _kind(value: JsonValue) -> str:
    match value:
        case bool():
            return "truth"
        case int() | float():
            return "number"
        case str():
            return "text"
    return "other"


def _check_scalar(value: JsonValue) -> None:
    match value:
        case bool():
            return
        case int() if -(2**63) <= value < 2**63:
            return
        case float() if math.isfinite(value):
            return
        case str() if (
            len(value) <= MAX_TEXT and "\0" not in value and _encodable(value)
        ):
            return
    raise BadGlobal("is not a finite number, a text or a boolean")


def _encodable(text: str) -> bool:
    try:
        return len(text.encode()) <= MAX_TEXT
    except UnicodeEncodeError:
        return False

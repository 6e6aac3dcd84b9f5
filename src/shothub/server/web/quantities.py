"""Numbers and their units as people read them: few digits, prefixes, tidy ticks."""

import math
from dataclasses import dataclass

_PREFIXES = {-12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}
_PREFIXABLE = frozenset({"s", "V", "A", "Hz", "W", "K", "T", "m", "J", "N", "Pa", "F"})
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How the numbers of a column or an axis are written.

    Attributes:
        exponent: numbers are divided by ten to this power.
        unit: the unit that then belongs to them, e.g. ``ms`` or ``×10³``.
    """

    exponent: int
    unit: str

    def shrink(self, value: float) -> float:
        return value / 10.0**self.exponent


def scale_for(largest: float, unit: str) -> Scale:
    """Return the scale that writes ``largest`` with one to three digits before the point."""
    if not largest or not math.isfinite(largest):
        return Scale(exponent=0, unit=unit)
    exponent = math.floor(math.log10(abs(largest)) / 3) * 3
    if unit in _PREFIXABLE and exponent in _PREFIXES:
        return Scale(exponent=exponent, unit=f"{_PREFIXES[exponent]}{unit}")
    if -3 <= exponent <= 3 and 0.1 <= abs(largest) < 10_000:
        return Scale(exponent=0, unit=unit)
    power = f"×10{str(exponent).translate(_RAISED)}"
    return Scale(exponent=exponent, unit=f"{power} {unit}".strip())


def with_unit(value: float, unit: str) -> str:
    """Return a value with its unit, e.g. ``15 ms`` for 0.015 and ``s``."""
    scale = scale_for(value, unit)
    if unit in _PREFIXABLE and scale.exponent in _PREFIXES:
        return f"{scale.shrink(value):.6g} {scale.unit}"
    return f"{number(value)} {unit}".strip()


def number(value: float) -> str:
    """Return a number with at most six significant digits, without needless zeros."""
    if isinstance(value, int) and abs(value) < 10**15:
        return f"{value}"
    return f"{value:.6g}"


def ticks(low: float, high: float, *, about: int = 5) -> list[float]:
    """Return round numbers between ``low`` and ``high``: steps of 1, 2 or 5 × 10ⁿ."""
    if not high > low:
        return [low]
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((1, 2, 5, 10), key=lambda m: abs(math.log(m * power / rough))) * power
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


def tick_labels(values: list[float]) -> list[str]:
    """Return labels of ticks, all with the same number of decimals."""
    if len(values) < 2:
        return [number(value) for value in values]
    step = abs(values[1] - values[0])
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return [f"{value:.{decimals}f}".replace("-", "−") for value in values]

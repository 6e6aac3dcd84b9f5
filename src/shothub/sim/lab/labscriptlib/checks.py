"""Checks of the arguments that a script gives."""

import math


def within(function, name, value, low, high, unit):
    """Refuse a value that is no finite number from ``low`` to ``high``.

    Raises:
        TypeError: it is not a number.
        ValueError: it is out of range.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(
            f"{function}: {name} is a number in {unit}, not {value!r}"
        ) from None
    if not (math.isfinite(number) and low <= number <= high):
        raise ValueError(
            f"{function}: {name} = {value} {unit} is outside {low} to {high} {unit}"
        )

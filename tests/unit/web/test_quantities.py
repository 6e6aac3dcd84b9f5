"""Numbers and units as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shothub.server.web.quantities import (
    number,
    scale_for,
    tick_labels,
    ticks,
    with_unit,
)

FINITE = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.015, "s", "15 ms"),
        (3e-6, "s", "3 µs"),
        (0, "s", "0 s"),
        (2.5e6, "Hz", "2.5 MHz"),
        (0.6, "V", "600 mV"),
        (-5e-3, "V", "-5 mV"),
        (12, "G", "12 G"),
        (0.5, "", "0.5"),
        (1e-15, "s", "1e-15 s"),
    ],
)
def test_a_value_gets_the_prefix_that_fits(value: float, unit: str, text: str) -> None:
    assert with_unit(value, unit) == text


@pytest.mark.parametrize(
    ("value", "text"), [(127729, "127729"), (1 / 3, "0.333333"), (2e-5, "2e-05")]
)
def test_a_number_keeps_six_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_a_scale_without_prefix_is_a_power_of_ten() -> None:
    assert scale_for(120_000, "").unit == "×10³"
    assert scale_for(2e-7, "atoms").unit == "×10⁻⁹ atoms"
    assert scale_for(0.7, "").exponent == 0


def test_ticks_are_round() -> None:
    assert ticks(0.0, 10.0) == [0, 2, 4, 6, 8, 10]
    assert tick_labels(ticks(-0.1, 0.11)) == ["−0.10", "−0.05", "0.00", "0.05", "0.10"]
    assert ticks(3.0, 3.0) == [3.0]


@given(FINITE, FINITE)
def test_ticks_are_few_and_within(one: float, other: float) -> None:
    low, high = min(one, other), max(one, other)
    found = ticks(low, high)
    assert len(found) <= 12
    room = 1e-6 * max(abs(low), abs(high), high - low)
    assert all(low - room <= tick <= high + room for tick in found)
    assert len(tick_labels(found)) == len(found)

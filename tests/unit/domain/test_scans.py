import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shothub.domain.scans import (
    MAX_POINTS,
    BadValue,
    Scalar,
    Scan,
    describe,
    linspace,
    parse_value,
    shot_count,
)

finite = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9)


@given(finite, finite, st.integers(2, 200))
def test_a_linspace_has_its_ends_and_its_length(a: float, b: float, n: int) -> None:
    points = linspace(a, b, n)
    assert len(points) == n
    assert points[0] == a
    assert points[-1] == b


def test_a_linspace_is_the_one_of_numpy() -> None:
    assert linspace(5e-3, 25e-3, 3) == pytest.approx((5e-3, 15e-3, 25e-3))


@pytest.mark.parametrize("value", [1, 2.5, True, "up"])
def test_a_plain_value_stays_what_it_is(value: object) -> None:
    assert parse_value(value) == value


def test_a_list_and_an_object_are_scans() -> None:
    assert parse_value([1, 2]) == Scan((1, 2))
    raw = {"values": [1, 2], "zip": "pair", "shuffle": True}
    assert parse_value(raw) == Scan((1, 2), "pair", shuffle=True)
    assert parse_value({"linspace": [0, 1, 3]}) == Scan((0.0, 0.5, 1.0))


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        {},
        math.nan,
        math.inf,
        [1, math.nan],
        10**400,
        [[1]],
        {"linspace": [0, 1]},
        {"linspace": [0, 1, 2.5]},
        {"linspace": [0, 1, 0]},
        {"linspace": [0, 1, MAX_POINTS + 1]},
        {"linspace": [0, 1, True]},
        {"linspace": [0, 10**400, 3]},
        {"linspace": [0, 1, 2], "values": [1]},
        {"values": [1], "zip": 3},
        {"values": [1], "shuffle": "yes"},
        {"values": [1], "step": 1},
        {"values": 3},
    ],
)
def test_what_is_no_value_is_refused(raw: object) -> None:
    with pytest.raises(BadValue):
        parse_value(raw)


def test_outer_scans_multiply_and_zipped_ones_do_not() -> None:
    values: dict[str, Scalar | Scan] = {
        "a": Scan((1, 2, 3)),
        "b": Scan((1, 2), "pair"),
        "c": Scan((5, 6), "pair"),
        "d": 4.0,
    }
    assert shot_count(values) == 6
    assert shot_count({"d": 4.0}) == 1


def test_zipped_scans_must_be_of_one_length() -> None:
    with pytest.raises(BadValue, match="pair"):
        shot_count({"b": Scan((1, 2), "pair"), "c": Scan((5,), "pair")})


def test_a_scan_is_described_by_its_ends() -> None:
    assert describe(Scan((1, 2, 3))) == "1 … 3 (3)"
    assert describe(Scan((1,))) == "1"
    assert describe("up") == "up"

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shothub import Scan, linspace, values
from shothub.client import Refused
from shothub.client.scans import from_text, to_wire
from shothub.domain.scans import parse_value


def place_of(refusal: pytest.ExceptionInfo[Refused]) -> str:
    return refusal.value.faults[0].where


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (0.5, 0.5),
        (3, 3),
        (True, True),
        ("rb87", "rb87"),
        (np.float64(0.25), 0.25),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array(0.5), 0.5),
        ([1, 2], {"values": [1, 2]}),
        ((1.0, 2.0), {"values": [1.0, 2.0]}),
        (range(3), {"values": [0, 1, 2]}),
        (np.array([1.0, 2.0]), {"values": [1.0, 2.0]}),
        (np.arange(2), {"values": [0, 1]}),
        ([np.float64(1.0), np.int32(2)], {"values": [1.0, 2]}),
        (values(np.array([1, 2]), zipped="a"), {"values": [1, 2], "zip": "a"}),
        (values(["a", "b"], shuffle=True), {"values": ["a", "b"], "shuffle": True}),
        ({"linspace": [0, 1, 3]}, {"values": [0.0, 0.5, 1.0]}),
        ({"expression": "2*x", "units": "s"}, {"expression": "2*x", "units": "s"}),
    ],
)
def test_values_of_all_kinds_are_sent_as_plain_json(
    given: object, sent: object
) -> None:
    wired = to_wire({"x": given})["x"]
    assert json.loads(json.dumps(wired, allow_nan=False)) == sent
    assert type(wired) is type(sent)


@pytest.mark.parametrize(
    ("given", "where"),
    [
        (float("nan"), "globals.x"),
        (np.nan, "globals.x"),
        (float("inf"), "globals.x"),
        (10**400, "globals.x"),
        ([1.0, 2.0, float("nan")], "globals.x[2]"),
        (np.array([np.inf, 1.0]), "globals.x[0]"),
        (Scan((1.0, float("nan"))), "globals.x[1]"),
        ([[1, 2], [3, 4]], "globals.x[0]"),
        (np.zeros((2, 2)), "globals.x[0]"),
        (np.ma.masked_array([1.0, 2.0], mask=[False, True]), "globals.x[1]"),
        ([], "globals.x"),
        (1j, "globals.x"),
        (None, "globals.x"),
        (object(), "globals.x"),
        (np.array([1j]), "globals.x[0]"),
        ({"linspace": [0, 1, 2.5]}, "globals.x"),
        ({"linspace": [0, 1, 3], "step": 2}, "globals.x"),
        ({"expression": 3}, "globals.x"),
    ],
)
def test_what_no_hub_can_take_is_refused_early_with_its_place(
    given: object, where: str
) -> None:
    with pytest.raises(Refused) as refusal:
        to_wire({"good": 1, "x": given})
    assert place_of(refusal) == where


def test_all_bad_values_are_named_at_once() -> None:
    with pytest.raises(Refused) as refusal:
        to_wire({"a": float("nan"), "b": 1, "c": None})
    assert [f.where for f in refusal.value.faults] == ["globals.a", "globals.c"]


def test_a_linspace_has_both_its_ends() -> None:
    scan = linspace(5e-3, 25e-3, 11, zipped="g", shuffle=True)
    assert (scan.values[0], scan.values[-1], len(scan.values)) == (5e-3, 25e-3, 11)
    assert (scan.zip, scan.shuffle) == ("g", True)


def test_a_linspace_takes_numpy_numbers() -> None:
    assert linspace(np.float64(0), np.float64(1), np.int64(2)).values == (0.0, 1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("points", [0, -1, 2.0, True, "3"])
def test_a_linspace_needs_a_whole_number_of_points(points: int) -> None:
    with pytest.raises(Refused):
        linspace(0, 1, points)


def test_a_linspace_refuses_nan() -> None:
    with pytest.raises(Refused):
        linspace(float("nan"), 1, 3)


def test_values_refuse_a_text_as_a_list_of_letters() -> None:
    with pytest.raises(Refused):
        values("abc")


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_what_is_sent_is_what_the_hub_reads(points: list[float]) -> None:
    wired = json.loads(json.dumps(to_wire({"x": np.array(points)})))
    assert parse_value(wired["x"]) == Scan(tuple(points))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.01", 0.01),
        ("5", 5),
        ("true", True),
        ("rb87", "rb87"),
        ('"5"', "5"),
        ("[1,2,3]", [1, 2, 3]),
        ("linspace:0:1:3", linspace(0, 1, 3)),
        ("linspace:0:1:3:shuffle", linspace(0, 1, 3, shuffle=True)),
        ('{"values": [1], "zip": "a"}', {"values": [1], "zip": "a"}),
    ],
)
def test_the_command_line_reads_values(text: str, value: object) -> None:
    assert from_text(text) == value


@pytest.mark.parametrize(
    "text", ["linspace:0:1", "linspace:a:b:3", "linspace:0:1:3:fast", "[1,2", "{x}"]
)
def test_the_command_line_refuses_broken_scans(text: str) -> None:
    with pytest.raises(Refused):
        from_text(text)

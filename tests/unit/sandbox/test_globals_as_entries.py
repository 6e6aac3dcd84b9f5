import pytest
from pydantic import ValidationError

from shothub.domain.scans import BadValue
from shothub.sandbox.entries import entries
from shothub.wire.guests import GlobalEntry


def test_plain_values_and_scans_become_what_runmanager_writes() -> None:
    made, shuffled = entries(
        {
            "tof": {"linspace": [0, 1, 3], "shuffle": True},
            "hold": {"values": [1, 2], "zip": "pair"},
            "name": "it's",
            "on": True,
            "expr": {"expression": "2 * tof", "units": "s"},
        }
    )
    assert made == {
        "tof": GlobalEntry(expression="[0.0, 0.5, 1.0]", expansion="outer"),
        "hold": GlobalEntry(expression="[1, 2]", expansion="pair"),
        "name": GlobalEntry(expression='"it\'s"'),
        "on": GlobalEntry(expression="True"),
        "expr": GlobalEntry(expression="2 * tof", units="s"),
    }
    assert shuffled == ["tof"]


@pytest.mark.parametrize("value", [None, float("nan"), {"linspace": [0, 1]}, [], [[1]]])
def test_what_is_neither_value_nor_scan_is_refused(value: object) -> None:
    with pytest.raises(BadValue):
        entries({"x": value})


def test_an_expression_takes_no_unknown_fields() -> None:
    with pytest.raises(ValidationError):
        entries({"x": {"expression": "1", "unit": "s"}})

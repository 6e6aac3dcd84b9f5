import math

import pytest

from shothub.domain.parameters import Parameter, check_values
from shothub.domain.scans import Scan

TOF = Parameter(
    name="tof", type="float", default=15e-3, unit="s", minimum=1e-3, maximum=30e-3
)
STATE = Parameter(name="state", type="str", default="up", choices=("up", "down"))
CYCLES = Parameter(name="cycles", type="int", default=3)
REPUMP = Parameter(name="repump", type="bool", default=True)
ALL = (TOF, STATE, CYCLES, REPUMP)


def test_defaults_fill_what_is_not_given() -> None:
    values, faults = check_values(ALL, {"cycles": 5}, max_shots=10)
    assert not faults
    assert values == {"tof": 15e-3, "state": "up", "cycles": 5, "repump": True}


def test_an_int_will_do_for_a_float() -> None:
    parameter = Parameter(name="x", type="float", default=0.0)
    values, _ = check_values([parameter], {"x": 3}, max_shots=1)
    assert isinstance(values["x"], float)


@pytest.mark.parametrize(
    ("given", "code", "where"),
    [
        ({"tof": 1.0}, "bad_value", "globals.tof"),
        ({"tof": [2e-3, 1.0]}, "bad_value", "globals.tof"),
        ({"tof": math.nan}, "bad_value", "globals.tof"),
        ({"tof": "fast"}, "bad_value", "globals.tof"),
        ({"tof": True}, "bad_value", "globals.tof"),
        ({"state": "sideways"}, "bad_value", "globals.state"),
        ({"cycles": 2.5}, "bad_value", "globals.cycles"),
        ({"repump": 1}, "bad_value", "globals.repump"),
        ({"toff": 2e-3}, "unknown_global", "globals.toff"),
        ({"tof": {"linspace": [2e-3, 3e-3, 11]}}, "too_many_shots", "globals"),
    ],
)
def test_a_fault_has_a_code_and_a_place(
    given: dict[str, object], code: str, where: str
) -> None:
    _, faults = check_values(ALL, given, max_shots=10)
    assert [(fault.code, fault.where) for fault in faults] == [(code, where)]


def test_the_message_names_value_bound_and_unit() -> None:
    _, [fault] = check_values([TOF], {"tof": 0.5}, max_shots=1)
    assert str(fault) == "globals.tof: 0.5 s is above the maximum of 0.03 s."


def test_all_faults_are_told_at_once() -> None:
    _, faults = check_values(ALL, {"tof": 1.0, "state": "x", "y": 1}, max_shots=1)
    assert len(faults) == 3


def test_zipped_scans_of_differing_length_are_a_fault() -> None:
    given = {
        "tof": {"values": [2e-3, 3e-3], "zip": "a"},
        "cycles": {"values": [1], "zip": "a"},
    }
    _, [fault] = check_values(ALL, given, max_shots=10)
    assert fault.code == "bad_scan"


def test_a_scan_keeps_its_group_and_order() -> None:
    given = {"tof": {"values": [3e-3, 2e-3], "zip": "a", "shuffle": True}}
    values, _ = check_values([TOF], given, max_shots=10)
    assert values["tof"] == Scan((3e-3, 2e-3), "a", shuffle=True)

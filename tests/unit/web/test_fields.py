"""Fields of a procedure's form, there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from shothub.domain.faults import Fault
from shothub.server.web.fields import (
    fresh_field,
    read_field,
    with_faults,
)
from shothub.wire.apparatus import ParameterView

TOF = ParameterView(name="tof", type="float", default=15e-3, unit="s")
COUNT = ParameterView(name="n", type="int", default=1, minimum=1, maximum=9)
LIGHT = ParameterView(name="light", type="bool", default=True)
STATE = ParameterView(name="state", type="str", default="a", choices=["a", "b"])
LEVEL = ParameterView(name="level", type="int", default=2, choices=[1, 2])


@pytest.mark.parametrize(
    ("parameter", "given", "value"),
    [
        (TOF, {"g.tof": "15e-3"}, 0.015),
        (TOF, {"g.tof": " 1 "}, 1.0),
        (COUNT, {"g.n": "4"}, 4),
        (LIGHT, {"g.light": "false"}, False),
        (LIGHT, {"g.light.scan": "on"}, {"values": [False, True]}),
        (STATE, {"g.state": "b"}, "b"),
        (LEVEL, {"g.level": "1"}, 1),
        (STATE, {"g.state.scan": "on", "g.state.list": "a, b"}, {"values": ["a", "b"]}),
        (TOF, {"g.tof.scan": "on", "g.tof.list": "1, 2"}, {"values": [1.0, 2.0]}),
    ],
)
def test_a_field_gives_its_value(
    parameter: ParameterView, given: dict[str, str], value: JsonValue
) -> None:
    field, read = read_field(parameter, given)
    assert (field.error, read) == ("", value)


def test_a_scan_of_whole_numbers_stays_whole() -> None:
    given = {"g.n.scan": "on", "g.n.from": "1", "g.n.to": "9", "g.n.points": "5"}
    assert read_field(COUNT, given)[1] == {"values": [1, 3, 5, 7, 9]}
    field, _ = read_field(COUNT, given | {"g.n.points": "4"})
    assert "not whole numbers" in field.error


@pytest.mark.parametrize(
    ("parameter", "given", "said"),
    [
        (TOF, {}, "Give a number"),
        (TOF, {"g.tof": "0,5"}, "is not a number"),
        (COUNT, {"g.n": "1.5"}, "must be a whole number"),
        (STATE, {"g.state.scan": "on"}, "separated by commas"),
        (TOF, {"g.tof.scan": "on", "g.tof.from": "1", "g.tof.to": "2"}, "points"),
        (
            COUNT,
            {"g.n.scan": "on", "g.n.from": "1", "g.n.to": "2", "g.n.points": "0"},
            "at least one",
        ),
    ],
)
def test_what_cannot_be_read_is_said_at_the_field(
    parameter: ParameterView, given: dict[str, str], said: str
) -> None:
    field, value = read_field(parameter, given)
    assert said in field.error
    assert value is None


def test_a_huge_scan_of_whole_numbers_is_never_made() -> None:
    given = {"g.n.scan": "on", "g.n.from": "1", "g.n.to": "9", "g.n.points": "9" * 12}
    assert "at most" in read_field(COUNT, given)[0].error


@given(
    st.dictionaries(
        st.sampled_from(
            ["g.n", "g.n.scan", "g.n.from", "g.n.to", "g.n.points", "g.n.list"]
        ),
        st.text(max_size=8),
    )
)
def test_whatever_is_sent_gives_a_value_or_an_error(given: dict[str, str]) -> None:
    field, value = read_field(COUNT, given)
    assert (value is None) is bool(field.error)


@pytest.mark.parametrize(
    "value",
    [{"linspace": [0.005, 0.025, 11]}, {"values": [1.0, 3.0], "shuffle": True}, 0.01],
)
def test_a_value_shown_in_a_field_is_read_back(value: JsonValue) -> None:
    shown = fresh_field(TOF, value)
    given = {
        "g.tof": shown.text,
        "g.tof.scan": "on" if shown.scan else "",
        "g.tof.from": shown.start,
        "g.tof.to": shown.stop,
        "g.tof.points": shown.points,
        "g.tof.list": shown.listed,
        "g.tof.shuffle": "on" if shown.shuffle else "",
    }
    assert read_field(TOF, given)[1] == value


def test_a_fault_goes_to_its_field_and_others_stay() -> None:
    mine = Fault(code="bad_value", detail="Too hot.", where="body.globals.tof")
    other = Fault(code="too_many", detail="Too many.", where="globals")
    fields, general = with_faults([fresh_field(TOF), fresh_field(COUNT)], [mine, other])
    assert [field.error for field in fields] == ["Too hot.", ""]
    assert general == [other]

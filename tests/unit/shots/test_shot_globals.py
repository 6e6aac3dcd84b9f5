from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shothub.shots.globals import BadGlobal, as_attribute, check_globals

scalars = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30
)


@settings(max_examples=150)
@given(
    scalars
    | texts
    | st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=20)
    | st.lists(texts, max_size=5)
)
def test_every_global_that_passes_is_read_back_from_the_file(value: Any) -> None:
    check_globals({"x": value}, {}, most=1)
    with h5py.File("globals.h5", "w", driver="core", backing_store=False) as file:
        file.attrs["x"] = as_attribute(value)
        back = file.attrs["x"]
    plain = back.tolist() if isinstance(back, np.ndarray | np.generic) else back
    assert plain == value


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        2**63,
        "a\0b",
        "x" * 60_000,
        "\ud800",
        {"a": 1},
        [1, "a"],
        [[1], [1, 2]],
        [None],
        [[[[[1]]]]],
        list(range(7_000)),
    ],
    ids=str,
)
def test_a_global_that_no_file_can_hold_is_refused_by_its_name(value: Any) -> None:
    with pytest.raises(BadGlobal, match=r"^tof "):
        check_globals({"tof": value}, {}, most=5)


@pytest.mark.parametrize("name", ["", "a b", "1a", "a-b", "x" * 200, "../x"])
def test_a_name_that_is_no_identifier_is_refused(name: str) -> None:
    with pytest.raises(BadGlobal, match="no name of a global"):
        check_globals({name: 1}, {}, most=5)


def test_the_number_of_globals_is_bounded() -> None:
    with pytest.raises(BadGlobal, match="more than 2"):
        check_globals({"a": 1, "b": 2, "c": 3}, {}, most=2)
    with pytest.raises(BadGlobal, match="unit"):
        check_globals({"a": 1}, {"a": "s\n"}, most=2)


def test_none_is_a_reference_to_nothing_as_runmanager_has_it() -> None:
    reference = as_attribute(None)
    assert isinstance(reference, h5py.Reference)
    assert not reference

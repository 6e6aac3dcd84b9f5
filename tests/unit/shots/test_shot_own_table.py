from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.fakes.compiled_shots import (
    EMPTY,
    ROWS,
    decoded,
    plain_record,
    small_lab,
    small_shot,
)

from shothub.shots.gate import Refused, admit
from shothub.shots.lab import Lab


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return small_lab(tmp_path)


def refusals(table: Any, lab: Lab) -> list[str]:
    judged = admit(decoded(small_shot(**{"connection table": table})), lab)
    return list(map(str, judged.faults)) if isinstance(judged, Refused) else []


def changed(lab: Lab, row: str, column: str, value: bytes) -> Any:
    table = lab.table.copy()
    table[column][[r[0] for r in ROWS].index(row)] = value
    return plain_record(table)


def test_the_lab_s_own_table_is_accepted(lab: Lab) -> None:
    assert refusals(plain_record(lab.table), lab) == []


def test_a_part_of_the_lab_s_table_is_accepted(lab: Lab) -> None:
    assert refusals(plain_record(lab.table)[3:], lab) == []


@pytest.mark.parametrize(
    ("row", "column", "value", "words"),
    [
        (
            "coil",
            "parent port",
            b"ao7",
            "coil: it is connected to outputs ao7; the lab's",
        ),
        (
            "coil",
            "parent",
            b"None",
            "coil: it is connected to ao0; the lab's is connected",
        ),
        ("coil", "class", b"DDS", "coil: its class is DDS; the lab's is AnalogOut"),
        ("coil", "name", b"laser", "laser: the lab has no AnalogOut of this name"),
        ("clock", "BLACS_connection", b"COM3", "clock: its BLACS_connection is 'COM3'"),
        (
            "coil",
            "unit conversion class",
            b"os.system",
            "unit conversion is not the lab's",
        ),
        (
            "coil",
            "unit conversion params",
            EMPTY.replace("{}", '{"a": 1}').encode(),
            "unit conversion is not the lab's",
        ),
        (
            "camera",
            "properties",
            EMPTY.replace("{}", '{"seed": 2}').encode(),
            "camera: its properties are not the lab's: seed",
        ),
        ("coil", "properties", EMPTY.replace("{}", "{" * 9).encode(), "cannot be read"),
        (
            "coil",
            "properties",
            EMPTY.replace("{}", "[" * 9000).encode(),
            "cannot be read",
        ),
        ("coil", "class", b"\xff\xfe", "cannot be read"),
    ],
)
def test_another_wiring_is_refused_in_words(
    row: str, column: str, value: bytes, words: str, lab: Lab
) -> None:
    (told,) = refusals(changed(lab, row, column, value), lab)
    assert words in told


@pytest.mark.parametrize(
    "table",
    [
        np.zeros(3),
        "text",
        np.zeros((2, 2), [("name", "S8")]),
        np.zeros(2, [("name", "S8")]),
        np.zeros(1001, [("name", "S8")]),
    ],
    ids=["numbers", "text", "two dimensions", "columns missing", "too long"],
)
def test_what_is_no_table_is_refused(table: Any, lab: Lab) -> None:
    (told,) = refusals(table, lab)
    assert "connection table" in told

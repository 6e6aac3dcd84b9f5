from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.compiled_shots import (
    EXPOSURE,
    PROGRAM,
    ROWS,
    decoded,
    small_lab,
    small_shot,
)

from shothub.domain.limits import OutputLimit, ShotLimits
from shothub.shots.gate import Admitted, Refused, admit
from shothub.shots.lab import Lab
from shothub.shots.traces import traces

Content = dict[str, Any]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return small_lab(tmp_path)


def faults(content: Content, lab: Lab) -> list[str]:
    judged = admit(decoded(content), lab)
    return (
        [] if isinstance(judged, Admitted) else [fault.code for fault in judged.faults]
    )


def details(content: Content, lab: Lab) -> str:
    judged = admit(decoded(content), lab)
    assert isinstance(judged, Refused)
    return " ".join(str(fault) for fault in judged.faults)


def program(*rows: tuple[int, int]) -> Any:
    return np.array([*rows, (0, 0)], PROGRAM)


def changed(path: str, change: Callable[[Any], Any]) -> Content:
    content = small_shot()
    content[path] = change(
        content[path].copy() if hasattr(content[path], "copy") else content[path]
    )
    return content


def cell(path: str, column: str | None, row: int, value: Any) -> Content:
    def put(table: Any) -> Any:
        if column is None:
            table[row] = value
        else:
            table[column][row] = value
        return table

    return changed(path, put)


def exposures(*rows: tuple[float, bytes, bytes, float]) -> Content:
    return small_shot(**{"devices/camera/EXPOSURES": np.array(list(rows), EXPOSURE)})


def renamed(path: str, old: str, new: str) -> Content:
    def rename(table: Any) -> Any:
        names = [new if name == old else name for name in table.dtype.names]
        table.dtype.names = tuple(names)
        return table

    return changed(path, rename)


def test_an_honest_shot_is_admitted_with_the_traces_it_asked_for(lab: Lab) -> None:
    admitted = admit(decoded(small_shot(), values={"tof": 0.01}), lab)
    assert isinstance(admitted, Admitted)
    found = traces(admitted)
    assert set(found) == {"coil", "bias", "light", "camera_trigger"}
    assert found["coil"].values.tolist() == [0, 0, 1, 2, 3, 4, 4]
    assert found["coil"].times == pytest.approx(
        [0, 0.1, 0.101, 0.102, 0.103, 0.104, 1.0]
    )
    assert found["coil"].unit == "V"
    assert found["light"].unit == ""
    assert admitted.duration == pytest.approx(1.000001)
    assert admitted.globals == {"tof": 0.01}


def test_a_shot_may_drive_a_part_of_the_devices(lab: Lab) -> None:
    content = {
        p: v for p, v in small_shot().items() if not p.startswith("devices/camera")
    }
    assert faults(content, lab) == []


AO, DO, CLOCK = (
    "devices/outputs/AO",
    "devices/outputs/DO",
    "devices/clock/PULSE_PROGRAM",
)
CAMERA, TIMES, MARKERS = (
    "devices/camera/EXPOSURES",
    "devices/outputs/TIMES",
    "time_markers",
)

HOSTILE: dict[str, tuple[Content, str]] = {
    "data before the run": (small_shot(data={}), "forbidden_content"),
    "images before the run": (small_shot(**{"images/side": {}}), "forbidden_content"),
    "results of nobody": (small_shot(results={}), "forbidden_content"),
    "foreign device": (small_shot(**{"devices/laser": {}}), "unknown_device"),
    "output named as a device": (small_shot(**{"devices/coil": {}}), "unknown_device"),
    "no master pseudoclock": (
        {p: v for p, v in small_shot().items() if not p.startswith("devices/clock")},
        "no_master_pseudoclock",
    ),
    "no devices at all": ({"globals": {}}, "no_master_pseudoclock"),
    "device is a dataset": (
        {p: v for p, v in small_shot().items() if not p.startswith("devices/camera")}
        | {"devices/camera": np.zeros(3)},
        "bad_device",
    ),
    "master is a dataset": (
        {p: v for p, v in small_shot().items() if p != CLOCK}
        | {"devices/clock": np.zeros(3)},
        "bad_device",
    ),
    "clock without a program": (small_shot(**{CLOCK: None}), "bad_device"),
    "clock with more datasets": (
        small_shot(**{"devices/clock/MORE": np.zeros(3)}),
        "bad_device",
    ),
    "clock with a group inside": (
        small_shot(**{"devices/clock/MORE": {}}),
        "bad_device",
    ),
    "program of floats": (small_shot(**{CLOCK: np.zeros((9, 2))}), "bad_device"),
    "program of one row": (small_shot(**{CLOCK: program()}), "bad_device"),
    "program without a stop": (changed(CLOCK, lambda t: t[:-1]), "bad_device"),
    "program with a wait": (cell(CLOCK, None, 1, (0, 1)), "waits_unsupported"),
    "stop in the middle": (cell(CLOCK, None, 1, (0, 0)), "bad_device"),
    "period of nothing": (cell(CLOCK, None, 1, (0, 7)), "bad_device"),
    "period negative": (cell(CLOCK, None, 1, (-5, 7)), "bad_device"),
    "period faster than the device": (cell(CLOCK, None, 1, (3, 7)), "bad_device"),
    "repetitions negative": (cell(CLOCK, None, 1, (400, -7)), "bad_device"),
    "2**62 repetitions": (cell(CLOCK, None, 1, (400, 2**62)), "shot_too_long"),
    "product that wraps to little": (
        cell(CLOCK, None, 1, (2**40, 2**40)),
        "shot_too_long",
    ),
    "60 million ticks": (
        cell(CLOCK, None, 1, (4, 60_000_000)),
        "too_many_instructions",
    ),
    "not the master": (
        small_shot(
            **{"devices/clock": {"is_master_pseudoclock": np.False_, "stop_time": 1.0}}
        ),
        "bad_device",
    ),
    "no stop time": (
        small_shot(**{"devices/clock": {"is_master_pseudoclock": np.True_}}),
        "bad_device",
    ),
    "stop time is a text": (
        small_shot(
            **{"devices/clock": {"is_master_pseudoclock": np.True_, "stop_time": "1.0"}}
        ),
        "bad_device",
    ),
    "stop time never comes": (
        small_shot(
            **{
                "devices/clock": {
                    "is_master_pseudoclock": np.True_,
                    "stop_time": np.inf,
                }
            }
        ),
        "bad_device",
    ),
    "stop time is no number": (
        small_shot(
            **{
                "devices/clock": {
                    "is_master_pseudoclock": np.True_,
                    "stop_time": np.nan,
                }
            }
        ),
        "bad_device",
    ),
    "stop time of an hour": (
        small_shot(
            **{
                "devices/clock": {
                    "is_master_pseudoclock": np.True_,
                    "stop_time": 3600.0,
                }
            }
        ),
        "bad_device",
    ),
    "stop time is a list": (
        small_shot(
            **{
                "devices/clock": {
                    "is_master_pseudoclock": np.True_,
                    "stop_time": np.ones(2),
                }
            }
        ),
        "bad_device",
    ),
    "another card's channel": (renamed(AO, "ao1", "ao0, Dev2/ao3"), "unknown_output"),
    "channel without an output": (renamed(AO, "ao1", "ao7"), "unknown_output"),
    "digital column for an analog output": (renamed(DO, "do0", "ao0"), "bad_device"),
    "analog column for a digital output": (renamed(AO, "ao0", "do0"), "bad_device"),
    "value is not a number": (cell(AO, "ao0", 3, np.nan), "bad_device"),
    "value is infinite": (cell(AO, "ao0", 3, -np.inf), "bad_device"),
    "digital value of 2": (cell(DO, "do0", 3, 2), "bad_device"),
    "fewer rows than ticks": (changed(AO, lambda t: t[:-1]), "bad_device"),
    "more rows than ticks": (changed(AO, lambda t: np.repeat(t, 2)), "bad_device"),
    "table of two dimensions": (changed(AO, lambda t: t.reshape(1, -1)), "bad_device"),
    "column of a wrong type": (
        changed(AO, lambda t: t.astype([("ao0", "f4"), ("ao1", "f8")])),
        "bad_device",
    ),
    "table without columns": (small_shot(**{AO: np.zeros(7)}), "bad_device"),
    "table is a text": (small_shot(**{AO: "import os"}), "bad_device"),
    "table is missing": (small_shot(**{DO: None}), "bad_device"),
    "times that are not the clock's": (cell(TIMES, None, 3, 0.5), "bad_device"),
    "time is no number": (cell(TIMES, None, 3, np.nan), "bad_device"),
    "times too few": (changed(TIMES, lambda t: t[:-1]), "bad_device"),
    "image's name climbs": (exposures((0.1, b"../../x", b"atoms", 1e-4)), "bad_device"),
    "image's name is a path": (exposures((0.1, b"a/b", b"atoms", 1e-4)), "bad_device"),
    "image without a name": (exposures((0.1, b"", b"atoms", 1e-4)), "bad_device"),
    "frametype is no text": (exposures((0.1, b"a", b"\xff\xfe", 1e-4)), "bad_device"),
    "frame twice": (exposures(*[(0.1, b"a", b"atoms", 1e-4)] * 2), "bad_device"),
    "exposure after the end": (exposures((2.0, b"a", b"atoms", 1e-4)), "bad_device"),
    "exposure before the start": (
        exposures((-1.0, b"a", b"atoms", 1e-4)),
        "bad_device",
    ),
    "exposure of no length": (exposures((0.1, b"a", b"atoms", 0)), "bad_device"),
    "exposure at no time": (exposures((np.nan, b"a", b"atoms", 1e-4)), "bad_device"),
    "exposures without end": (
        exposures(*[(0.1, b"a%d" % i, b"atoms", 1e-4) for i in range(101)]),
        "bad_device",
    ),
    "waits": (
        changed("waits", lambda t: np.array([(b"w", 0.5, 1e9)], t.dtype)),
        "waits_unsupported",
    ),
    "waits of another type": (small_shot(waits=np.zeros(3)), "bad_shot"),
    "marker outside the shot": (cell(MARKERS, "time", 0, 99.0), "bad_shot"),
    "marker without a colour": (cell(MARKERS, "color", 0, 256), "bad_shot"),
    "marker that is no text": (cell(MARKERS, "label", 0, b"\xff\xfe"), "bad_shot"),
    "markers without end": (changed(MARKERS, lambda t: np.repeat(t, 1001)), "bad_shot"),
    "markers of another type": (small_shot(time_markers=np.zeros(2)), "bad_shot"),
    "cycle time of a year": (
        small_shot(shot_properties={"target_cycle_time": 3e7}),
        "bad_shot",
    ),
    "cycle time negative": (
        small_shot(shot_properties={"target_cycle_time": -1.0}),
        "bad_shot",
    ),
    "cycle time is code": (
        small_shot(shot_properties={"target_cycle_time": "__import__('os')"}),
        "bad_shot",
    ),
    "delay is no truth": (
        small_shot(shot_properties={"cycle_time_delay_after_programming": "yes"}),
        "bad_shot",
    ),
    "script is an array": (small_shot(script=np.zeros(3)), "bad_shot"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_it_refuses_a_hostile_shot(name: str, lab: Lab) -> None:
    content, code = HOSTILE[name]
    assert faults(content, lab) == [code]


def test_it_names_the_class_that_has_no_validator(tmp_path: Path) -> None:
    rows = [*ROWS, ("pb", "PulseBlaster", "None", "None", "pulse blaster")]
    lab = small_lab(tmp_path, rows=rows)
    text = details(small_shot(**{"devices/pb": {}}), lab)
    assert "PulseBlaster of device pb has no validator" in text
    assert "SimulatedOutputs" in text
    assert faults(small_shot(), lab) == []


def test_the_lab_says_what_class_a_device_has_and_not_the_shot(tmp_path: Path) -> None:
    rows = [
        row if row[0] != "outputs" else (*row[:1], "FunctionRunner", *row[2:])
        for row in ROWS
    ]
    assert faults(small_shot(), small_lab(tmp_path, rows=rows)) == ["no_validator"]


def test_a_second_pseudoclock_is_refused(tmp_path: Path) -> None:
    rows = [*ROWS, ("second", "DummyPseudoclock", "light", "trigger", "dummy")]
    text = details(small_shot(**{"devices/second": {}}), small_lab(tmp_path, rows=rows))
    assert "second pseudoclock" in text


def limited(folder: Path, **bounds: Any) -> Lab:
    return small_lab(
        folder, ShotLimits(max_duration=20, outputs={"coil": OutputLimit(**bounds)})
    )


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ({"maximum": 2.5}, "coil is 3 V at 0.103 s, above the maximum of 2.5 V"),
        ({"minimum": 0.5}, "coil is 0 V at 0 s, below the minimum of 0.5 V"),
        (
            {"max_slew": 999.0},
            "coil is 1 V at 0.101 s, changing by 1000 V/s, faster than 999 V/s",
        ),
        ({"final": 0.0}, "coil is 4 V at 1 s, where the shot must leave it at 0 V"),
    ],
)
def test_a_broken_limit_is_named_with_output_time_value_and_bound(
    bounds: dict[str, float], words: str, tmp_path: Path
) -> None:
    assert words in details(small_shot(), limited(tmp_path, **bounds))


@pytest.mark.parametrize(
    "bounds", [{"maximum": 4.0}, {"minimum": 0.0}, {"max_slew": 1000.0}, {"final": 4.0}]
)
def test_a_limit_that_is_just_kept_is_no_fault(
    bounds: dict[str, float], tmp_path: Path
) -> None:
    assert faults(small_shot(), limited(tmp_path, **bounds)) == []


def test_a_jump_after_a_long_pause_is_a_jump(tmp_path: Path) -> None:
    content = cell(AO, "ao0", 6, 0.0)
    assert "limit_exceeded" in faults(content, limited(tmp_path, max_slew=300.0))


def test_all_broken_limits_are_told_at_once(tmp_path: Path) -> None:
    assert len(faults(small_shot(), limited(tmp_path, maximum=2.5, final=0.0))) == 2


def test_a_shot_longer_than_the_lab_allows_is_refused(tmp_path: Path) -> None:
    assert faults(small_shot(), small_lab(tmp_path, ShotLimits(max_duration=0.9))) == [
        "shot_too_long"
    ]


def test_a_shot_with_more_instructions_than_the_lab_allows_is_refused(
    tmp_path: Path,
) -> None:
    lab = small_lab(tmp_path, ShotLimits(max_instructions=7))
    assert faults(small_shot(), lab) == ["too_many_instructions"]


@settings(max_examples=100)
@given(
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False, width=32),
        min_size=7,
        max_size=7,
    ),
    st.floats(0, 1e6),
)
def test_whatever_is_admitted_keeps_within_the_range(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], bound: float
) -> None:
    lab = limited(tmp_path_factory.mktemp("lab"), minimum=-bound, maximum=bound)
    content = changed(AO, lambda table: table)
    content[AO]["ao0"] = values
    judged = admit(decoded(content), lab)
    inside = max(map(abs, values)) <= bound
    if isinstance(judged, Admitted):
        assert np.abs(judged.traces["coil"].values).max() <= bound * (1 + 1e-6) + 1e-6
    else:
        assert not inside

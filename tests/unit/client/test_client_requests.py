import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from tests.fakes.client_hub import FakeHub

from shothub import linspace
from shothub.client import Refused


@pytest.fixture
def fake() -> FakeHub:
    return FakeHub()


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "my_experiment.py"
    path.write_text("from labscript import *\nstart()\nstop(1)\n")
    return path


def sent(fake: FakeHub) -> Any:
    (request,) = fake.sent("POST", "/jobs")
    return json.loads(request.content)


def test_a_procedure_is_sent_with_its_scans(fake: FakeHub) -> None:
    fake.hub().apparatus("sim").run(
        procedure="bec_tof",
        globals={"tof": linspace(0, 1, 3), "n": np.int64(3)},
        name="scan",
        tags=("demo",),
        priority=2,
    )
    asked = {
        "kind": "procedure",
        "procedure": "bec_tof",
        "apparatus": "sim",
        "name": "scan",
        "tags": ["demo"],
        "priority": 2,
        "globals": {"tof": {"values": [0.0, 0.5, 1.0]}, "n": 3},
        "routines": [],
    }
    without_terms = {
        "group": "",
        "service": "normal",
        "session": "",
        "hold": False,
        "after": [],
        "not_before": None,
        "start_by": None,
    }
    assert sent(fake) == asked | without_terms


def test_a_script_is_sent_with_its_globals_file_untouched(
    fake: FakeHub, script: Path, tmp_path: Path
) -> None:
    content = bytes(range(256))
    (tmp_path / "g.h5").write_bytes(content)
    (tmp_path / "fit.py").write_text("print(1)\n")
    fake.hub().apparatus("sim").run(
        script=script, globals=tmp_path / "g.h5", routines=[tmp_path / "fit.py"]
    )
    body = sent(fake)
    assert body["script"]["name"] == "my_experiment.py"
    assert body["script"]["text"].startswith("from labscript")
    assert body["routines"] == [{"name": "fit.py", "text": "print(1)\n"}]
    from shothub.wire.jobs import GlobalsFile  # noqa: PLC0415 (the hub's side)

    assert GlobalsFile(**body["globals_file"]).content == content


def test_values_win_over_a_file(fake: FakeHub, tmp_path: Path) -> None:
    (tmp_path / "g.toml").write_text("a = 1\nb = [1, 2]\n")
    fake.hub().apparatus("sim").run(
        procedure="p", globals={"a": 2}, globals_file=tmp_path / "g.toml"
    )
    assert sent(fake)["globals"] == {"a": 2, "b": {"values": [1, 2]}}


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({}, "either a procedure or a script"),
        ({"procedure": "p", "script": "s.py"}, "either a procedure or a script"),
        ({"procedure": "Bad Name"}, "procedure"),
        ({"procedure": "p", "tags": ["x"] * 21}, "tags"),
        ({"procedure": "p", "priority": 1000}, "priority"),
        ({"procedure": "p", "globals": {"x": float("nan")}}, "globals.x"),
        ({"procedure": "p", "globals": "g.h5"}, "not a file of runmanager"),
        ({"script": "nowhere.py"}, "nowhere.py"),
        ({"procedure": "p", "routines": ["nowhere.py"]}, "nowhere.py"),
        ({"procedure": "p", "globals": "a.toml", "globals_file": "b.toml"}, "both"),
    ],
)
def test_what_cannot_be_a_job_is_refused_before_it_is_sent(
    fake: FakeHub, options: dict[str, Any], word: str
) -> None:
    with pytest.raises(Refused, match=word):
        fake.hub().apparatus("sim").run(**options)
    assert fake.sent("POST", "/jobs") == []


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("my experiment.py", b"", "letters, digits"),
        ("x.py", b"\xff\xfe", "UTF-8"),
        ("x.py", b"#" * 1_000_001, "1000000"),
    ],
)
def test_an_unfit_script_file_is_refused_with_its_place(
    fake: FakeHub, tmp_path: Path, name: str, content: bytes, word: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Refused, match=word) as caught:
        fake.hub().apparatus("sim").run(script=tmp_path / name)
    assert name in caught.value.faults[0].where


@pytest.mark.parametrize(
    ("name", "text"),
    [("g.json", "[1]"), ("g.json", "{"), ("g.toml", "= 1"), ("g.csv", "a,b")],
)
def test_an_unfit_globals_file_is_refused(
    fake: FakeHub, tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(Refused) as caught:
        fake.hub().apparatus("sim").run(procedure="p", globals=tmp_path / name)
    assert name in caught.value.faults[0].where


def test_nan_in_a_json_file_is_refused_with_its_place(
    fake: FakeHub, tmp_path: Path
) -> None:
    (tmp_path / "g.json").write_text('{"x": [1, NaN]}')
    with pytest.raises(Refused, match=r"globals\.x\[1\]"):
        fake.hub().apparatus("sim").run(procedure="p", globals=tmp_path / "g.json")


def test_the_connection_table_comes_as_text(fake: FakeHub) -> None:
    fake.answers["GET /apparatus/sim/connection-table"] = lambda _r: httpx.Response(
        200, text="from labscript import *"
    )
    machine = fake.hub().apparatus("sim")
    assert machine.connection_table() == "from labscript import *"

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from shothub.sandbox.host import Frame, GuestBinds, GuestLimits, Layers, Zygote
from shothub.wire.guests import CompileOrder, GlobalEntry
from shothub.wire.jobs import SourceFile

NATIVE = """
import os, sys, socket, types
import labscript_utils.h5_lock, h5py, runmanager, labscript
script, shot = sys.argv[1:]
attributes = {"script_basename": "x", "sequence_index": 0, "sequence_id": "x", "sequence_date": "x"}
runmanager.make_single_run_file(shot, {}, {"top": 2, "hold": 0.5}, attributes, 0, 1)
module = sys.modules["__main__"] = types.ModuleType("__main__")
labscript.labscript_init(shot, labscript_file=script)
exec(compile(open(script).read(), script, "exec"), module.__dict__)
labscript.labscript_cleanup()
"""


def native_compile(folder: Path, lab: GuestBinds, script: str) -> Path:
    """Compile with labscript as anybody would, without any sandbox."""
    assert lab.labscriptlib
    assert lab.connection_table
    userlib = folder / "labscript-suite" / "userlib"
    (userlib / "labscriptlib").mkdir(parents=True)
    for file in (*lab.labscriptlib.glob("*.py"), lab.connection_table):
        (userlib / "labscriptlib" / file.name).write_bytes(file.read_bytes())
    (userlib / "labscriptlib" / "__init__.py").touch()
    config = folder / "labscript-suite" / "labconfig" / f"{os.uname().nodename}.ini"
    config.parent.mkdir()
    config.write_text(
        f"[DEFAULT]\napparatus_name = x\nuserlib = {userlib}\npythonlib = {userlib}\n"
        "[paths]\nshared_drive = /nowhere\n[servers]\nzlock = localhost\n"
        "[security]\nallow_insecure = True\n"
    )
    (folder / "experiment.py").write_text(script)
    shot = folder / "shot.h5"
    subprocess.run(
        [sys.executable, "-c", NATIVE, folder / "experiment.py", shot],
        env={
            "HOME": str(folder),
            "LOGNAME": "/",
            "READTHEDOCS": "1",
            "PATH": "/usr/bin:/bin",
        },
        check=True,
    )
    return shot


def test_numbers_equal_those_of_labscript_without_a_sandbox(
    compiled: Any, lab: GuestBinds, experiment: str, tmp_path: Path
) -> None:
    outcome = compiled()
    assert outcome.end.ok, outcome
    arrays = outcome.arrays()
    with h5py.File(native_compile(tmp_path, lab, experiment)) as native:
        devices = {
            f"devices/{device}/{name}": node[()]
            for device, group in native["devices"].items()
            for name, node in group.items()
        }
        attributes = dict(native["devices/pseudoclock"].attrs)
    assert {"devices/pseudoclock/PULSE_PROGRAM", "devices/board/OUTPUTS"} <= set(
        devices
    )
    for path, expected in devices.items():
        assert arrays[path].dtype == expected.dtype
        assert np.array_equal(arrays[path], expected)
    (head,) = (h for h in outcome.heads(b"N") if h["path"] == "devices/pseudoclock")
    sent = head["attributes"]["stop_time"]
    assert (
        np.frombuffer(bytes.fromhex(sent["data"]), sent["dtype"])
        == attributes["stop_time"]
    )


def test_an_outer_product_makes_a_shot_for_each_combination(compiled: Any) -> None:
    outcome = compiled(
        globals={"top": "[1, 2, 3] | outer", "hold": "linspace(.1, .2, 2) | outer"}
    )
    shots = outcome.heads(b"S")
    assert [(s["globals"]["top"], s["globals"]["hold"]) for s in shots] == [
        (top, hold) for top in (1, 2, 3) for hold in (0.1, 0.2)
    ]
    assert [(s["index"], s["count"]) for s in shots] == [(i, 6) for i in range(6)]


def test_a_zip_group_advances_together_and_expressions_see_each_other(
    compiled: Any,
) -> None:
    outcome = compiled(
        globals={
            "top": "[1, 2] | a",
            "hold": "[quantum, 2 * quantum] | a",
            "quantum": "0.5",
        }
    )
    shots = [s["globals"] for s in outcome.heads(b"S")]
    assert [(s["top"], s["hold"]) for s in shots] == [(1, 0.5), (2, 1.0)]


def test_a_shuffle_keeps_all_points_and_follows_the_seed(compiled: Any) -> None:
    def order(seed: int) -> list[int]:
        outcome = compiled(
            globals={"top": "range(1, 11) | outer", "hold": "1"},
            shuffle=["top"],
            seed=seed,
        )
        return [s["globals"]["top"] for s in outcome.heads(b"S")]

    assert sorted(order(1)) == list(range(1, 11))
    assert order(1) == order(1) != order(2)


def test_random_numbers_follow_the_seed_of_the_job(compiled: Any) -> None:
    script = "import random, numpy\nprint(random.random(), numpy.random.rand())\n"
    first, again, other = (compiled(script, seed=seed).end.output for seed in (1, 1, 2))
    assert first == again != other


def test_units_are_told(compiler: Zygote, experiment: str) -> None:
    frames: list[Frame] = []
    order = CompileOrder(
        script=SourceFile(name="a.py", text=experiment),
        globals={
            "g": {
                "top": GlobalEntry(expression="1", units="V"),
                "hold": GlobalEntry(expression="1"),
            }
        },
        max_shots=1,
    )
    assert compiler.run(order, sink=frames.append).ok
    assert json.loads(frames[0].head)["units"] == {"top": "V"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("g.json", b'{"top": {"values": [1, 2], "zip": "z"}, "hold": [0.1, 0.2]}'),
        (
            "g.toml",
            b'[main]\ntop = {expression = "array([1, 2])", expansion = "z"}\nhold = [0.1, 0.2]',
        ),
    ],
)
def test_globals_come_from_json_and_toml(
    compiled: Any, name: str, content: bytes
) -> None:
    outcome = compiled(globals={}, globals_file=name, blobs=[content])
    assert len(outcome.heads(b"S")) == 4


def runmanager_file(folder: Path) -> bytes:
    """Write a globals file with stock runmanager's own functions."""
    path = folder / "globals.h5"
    script = (
        "import sys, labscript_utils.h5_lock, runmanager as r\np = sys.argv[1]\n"
        "r.new_globals_file(p); r.new_group(p, 'scan')\n"
        "for n, v, u, e in (('top', 'linspace(1, 2, 3)', 'V', 'outer'), ('hold', '0.5', 's', '')):\n"
        "    r.new_global(p, 'scan', n); r.set_value(p, 'scan', n, v)\n"
        "    r.set_units(p, 'scan', n, u); r.set_expansion(p, 'scan', n, e)\n"
    )
    config = folder / "labscript-suite" / "labconfig" / f"{os.uname().nodename}.ini"
    config.parent.mkdir(parents=True)
    config.write_text(
        "[DEFAULT]\n[paths]\nshared_drive = /x\n[servers]\nzlock = localhost\n[security]\nallow_insecure = True\n"
    )
    environment = {
        "HOME": str(folder),
        "LOGNAME": "/",
        "READTHEDOCS": "1",
        "PATH": "/usr/bin",
    }
    subprocess.run([sys.executable, "-c", script, path], env=environment, check=True)
    return path.read_bytes()


def test_a_globals_file_of_runmanager_is_read_and_the_order_overrides_it(
    compiled: Any, tmp_path: Path
) -> None:
    content = runmanager_file(tmp_path)
    outcome = compiled(
        globals={"hold": "0.25"}, globals_file="my_globals.h5", blobs=[content]
    )
    shots = outcome.heads(b"S")
    assert [s["globals"] for s in shots] == [
        {"top": t, "hold": 0.25} for t in (1, 1.5, 2)
    ]
    assert shots[0]["units"] == {"top": "V", "hold": "s"}


def test_the_stock_example_experiment_compiles_unchanged(
    layers: Layers, stock_profile: Path, compile_in: Any
) -> None:
    library = stock_profile / "labscriptlib"
    example = library / "example_apparatus" / "example_experiment.py"
    binds = GuestBinds(
        apparatus_name="example_apparatus",
        labscriptlib=library,
        connection_table=library / "example_apparatus" / "connection_table.py",
        userlib=(stock_profile / "user_devices", stock_profile / "analysislib"),
    )
    with Zygote("compile", binds, GuestLimits()) as zygote:
        outcome = compile_in(zygote, example.read_text())
        assert outcome.end.ok, outcome
        assert "devices/intermediate_device/OUTPUTS" in outcome.arrays()
        imported = compile_in(
            zygote,
            "from labscriptlib.example_apparatus import connection_table",
            globals={},
        )
    assert imported.fault["code"] == "no_stop"


def test_a_global_that_is_none_reaches_the_script(compiled: Any) -> None:
    outcome = compiled("assert top is None\n", globals={"top": "None"})
    assert outcome.fault["code"] == "no_stop"


def test_expressions_of_globals_and_links_to_elsewhere_are_not_sent(
    compiled: Any, experiment: str
) -> None:
    link = (
        "import h5py, labscript\n"
        "with h5py.File(labscript.compiler.hdf5_filename, 'a') as file:\n"
        "    file['devices/out'] = h5py.ExternalLink('/etc/passwd', '/')\n"
        "    file['devices/soft'] = h5py.SoftLink('/devices')\n"
    )
    outcome = compiled(experiment + link)
    assert outcome.end.ok, outcome
    paths = {head["path"] for head in outcome.heads(b"N")}
    assert "globals" in paths
    assert not {
        p for p in paths if p.startswith(("globals/", "devices/out", "devices/soft"))
    }

"""Bad routines of a user: each marks itself failed, the shot stays done, all go on."""

import math
from pathlib import Path

import pytest

from shothub.client import Apparatus, Job

SAVES = """\
from lyse import path, Run
Run(path).save_result("answer", 42)
"""
ODD = """\
import numpy as np
from lyse import path, Run
run = Run(path)
for name, value in (
    ("nan", float("nan")), ("inf", float("inf")), ("huge", 10**30), ("text", "é\\u2028"),
    ("array", np.arange(5000.0)), ("nested", [[1, float("nan")], [2, 3]]),
    ("truth", np.bool_(True)), ("half", np.float16(0.5)), ("nothing", None),
):
    run.save_result(name, value)
run.save_result_array("picture", np.full((10, 10), np.nan))
"""
MANY = """\
import h5py
from lyse import path
with h5py.File(path, "r+") as file:
    group = file.require_group("results/many")
    for i in range(5_000):
        group.attrs[f"value {i}"] = "x" * 200
"""
BAD = {
    "raises": ("raise ValueError('no fit')\n", "no fit"),
    "misspells": ("import nonesuch\n", "nonesuch"),
    "syntax": ("x = (\n", "never closed"),
    "exits": ("import sys\nsys.exit(3)\n", "3"),
    "kills": ("import os\nos._exit(1)\n", ""),
    "loops": ("while True: pass\n", "longer than"),
    "prints": ("print('x' * 100_000_000)\n", "print"),
    "hoards": ("x = bytearray(10**10)\n", ""),
    "forks": ("import os\nos.fork()\n", ""),
    "calls out": ("import socket\nsocket.socket()\n", ""),
    "object": (
        "from lyse import path, Run\nRun(path).save_result('x', object())\n",
        "",
    ),
    "complex": (
        "from lyse import path, Run\nRun(path).save_result('x', 1 + 2j)\n",
        None,
    ),
    "destroys": (
        "from lyse import path\nopen(path, 'wb').write(b'gone')\n",
        "",
    ),
    "links": (
        "import h5py\nfrom lyse import path\n"
        "with h5py.File(path, 'r+') as f:\n"
        "    f['results/evil'] = h5py.ExternalLink('/etc/passwd', '/')\n",
        None,
    ),
    "figures": (
        "import matplotlib.pyplot as plt\n"
        "for i in range(100): plt.figure(figsize=(1, 1))\n"
        "plt.title('$\\\\frac{$')\n",
        None,
    ),
}


def routine(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name.replace(' ', '_')}.py"
    path.write_text(text)
    return path


def run(apparatus: Apparatus, routines: list[Path]) -> Job:
    job = apparatus.run(procedure="bec_tof", globals={"tof": 1e-2}, routines=routines)
    return job.wait(120, progress=False)


def failed(job: Job) -> dict[str, str]:
    """Return why single-shot routines failed; one shot is too few for the multi-shot one."""
    told = [one for one in job.result_table().routines if one.shot is not None]
    return {one.routine: one.reason for one in told if one.state == "failed"}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_routine_fails_alone(bob: Apparatus, folder: Path, bad: str) -> None:
    text, words = BAD[bad]
    one, two = routine(folder, bad, text), routine(folder, "after", SAVES)
    job = run(bob, [one, two])
    assert job.view.shots_done == 1
    table = job.results()
    assert table["after.answer"].tolist() == [42]
    assert table["atom_number.atoms"][0] > 5e4
    reasons = failed(job)
    if words is None:
        assert set(reasons) <= {one.stem}
    else:
        assert set(reasons) == {one.stem}
        assert words in reasons[one.stem]
    assert "/scratch" not in str(reasons)


def test_odd_values_come_back_as_json_knows_them(bob: Apparatus, folder: Path) -> None:
    job = run(bob, [routine(folder, "odd", ODD)])
    row = job.results().iloc[0]
    assert math.isnan(row["odd.nan"])
    assert row["odd.half"] == 0.5
    assert row["odd.truth"]
    assert row["odd.text"] == "é\u2028"
    assert not failed(job)


def test_too_many_values_are_cut_and_the_job_ends(bob: Apparatus, folder: Path) -> None:
    job = run(bob, [routine(folder, "many", MANY), routine(folder, "after", SAVES)])
    assert job.view.state == "done"
    assert job.results()["after.answer"].tolist() == [42]

"""Bad scripts: each gets a clear error with a code and a place, and the next job runs."""

from pathlib import Path

import pytest

from shothub.client import Apparatus
from shothub.client.errors import JobFailed, Refused

GOOD = """\
from labscriptlib.bec import begin, finish, image, prepare_bec, time_of_flight

t = begin()
t = prepare_bec(t, evaporation_end=0.75)
t = time_of_flight(t, 10e-3)
t = image(t)
finish(t)
"""


def script(folder: Path, text: str) -> Path:
    path = folder / "experiment.py"
    path.write_text(text)
    return path


def runs(apparatus: Apparatus) -> bool:
    """Tell whether a good job still comes to its end."""
    job = apparatus.run(procedure="bec_tof", globals={"tof": 10e-3})
    return job.wait(progress=False).state == "done"


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("x = 1\nraise ValueError('no')\n", "compile_error", "experiment.py:2"),
        ("x = 1\nprepare_bce()\n", "compile_error", "experiment.py:2"),
        ("x = (1\n", "", "experiment.py:1"),
        ("import sys\nsys.exit(0)\n", "", "experiment.py:2"),
        ("import nonesuch\n", "", "experiment.py:1"),
        ("while True: pass\n", "", ""),
        ("import os\nwhile True: os.fork()\n", "", ""),
        ("print('x' * 100_000_000)\n", "", ""),
        (
            "f = open('/tmp/x', 'wb')\nfor _ in range(10_000): f.write(bytes(1 << 20))\n",
            "",
            "",
        ),
        ("x = [0] * 10**10\n", "", ""),
    ],
    ids=[
        "raises",
        "misspells",
        "no syntax",
        "exits",
        "imports",
        "loops",
        "forks",
        "prints",
        "writes",
        "hoards",
    ],
)
def test_a_bad_script_is_told_what_is_wrong_and_the_next_job_runs(
    bob: Apparatus, folder: Path, text: str, code: str, place: str
) -> None:
    job = bob.run(script=script(folder, text))
    with pytest.raises(JobFailed) as caught:
        job.wait(progress=False)
    fault = job.view.faults[0]
    assert fault.code
    assert fault.detail
    assert code in fault.code
    assert place in fault.where
    assert "shothub/" not in str(caught.value)
    assert runs(bob)


def test_a_globals_file_that_is_none_is_told(bob: Apparatus, folder: Path) -> None:
    bad = folder / "globals.h5"
    bad.write_bytes(b"this is not HDF5")
    job = bob.run(script=script(folder, GOOD), globals=bad)
    with pytest.raises(JobFailed):
        job.wait(progress=False)
    assert "globals.h5" in job.view.faults[0].where
    assert runs(bob)


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"tof": 1.0}, "globals.tof"),
        ({"tof": "soon"}, "globals.tof"),
        ({"speed": 1.0}, "globals.speed"),
    ],
)
def test_wrong_globals_are_refused_at_once(
    alice: Apparatus, values: dict[str, object], where: str
) -> None:
    with pytest.raises(Refused) as caught:
        alice.run(procedure="bec_tof", globals=values)
    assert where in str(caught.value)


def test_an_unknown_procedure_is_refused_at_once(alice: Apparatus) -> None:
    with pytest.raises(Refused, match="nonesuch"):
        alice.run(procedure="nonesuch")


def test_a_good_script_of_ones_own_runs(bob: Apparatus, folder: Path) -> None:
    """The control: what makes the bad ones bad is what was changed in them."""
    job = bob.run(script=script(folder, GOOD)).wait(progress=False)
    assert job.state == "done"
    assert job.results()["atom_number.atoms"][0] > 5e4

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

SAVES = """
from lyse import Run, path
import matplotlib.pyplot as plt
run = Run(path)
atoms = run.get_image('side', 'absorption', 'atoms')
run.save_result('N', atoms.sum())
run.save_results('width', 2.5, 'label', 'bec', 'failed_fit', float('nan'))
run.save_result('fit', {'a': [1, 2]})
run.save_result_array('od', atoms / 2)
plt.figure('the fit').add_subplot().plot([1, 2])
plt.figure().add_subplot().plot([2, 1])
plt.show()
print('tof is', run.get_globals()['tof'])
"""
READS = "from lyse import Run, path, data\nrun = Run(path)\nrun.save_result('twice', 2 * run.get_result('routine_0', 'N'))\n"
RAISES = "from lyse import Run, path\nrun = Run(path)\nrun.save_result('before', 1)\n\n\ndef fit():\n    raise RuntimeError('no peak')\n\n\nfit()\n"
FINE = "from lyse import Run, path\nRun(path).save_result('fine', True)\n"


@pytest.fixture
def shot(tmp_path: Path) -> Iterator[int]:
    path = tmp_path / "shot.h5"
    with h5py.File(path, "w") as file:
        file.attrs.update(
            {"sequence_id": "20261122T101010_x", "run time": "20261122T101011"}
        )
        file.create_group("globals").attrs["tof"] = 0.01
        file["images/side/absorption/atoms"] = np.full((4, 5), 3, "u2")
    descriptor = os.open(path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def test_values_arrays_and_figures_of_a_stock_routine_come_back(
    analysed: Any, shot: int
) -> None:
    outcome = analysed(SAVES, mode="single", shots=["shot.h5"], files=(shot,))
    assert outcome.end.ok, outcome
    (result,) = outcome.heads(b"R")
    assert result == {
        "routine": "routine_0",
        "failed": "",
        "traceback": "",
        "values": {
            "N": 60,
            "width": 2.5,
            "label": "bec",
            "failed_fit": None,
            "fit": {"a": [1, 2]},
        },
    }
    assert np.array_equal(outcome.saved("od"), np.full((4, 5), 1.5))
    assert [head["name"] for head in outcome.heads(b"P")] == ["the fit", "2"]
    assert all(f.body.startswith(b"\x89PNG") for f in outcome.frames if f.kind == b"P")
    assert "tof is 0.01" in outcome.end.output


def test_a_later_routine_sees_the_results_of_an_earlier_one(
    analysed: Any, shot: int
) -> None:
    outcome = analysed(SAVES, READS, mode="single", shots=["shot.h5"], files=(shot,))
    assert outcome.heads(b"R")[1]["values"] == {"twice": 120}


def test_a_routine_that_raises_marks_itself_failed_and_the_next_runs(
    analysed: Any, shot: int
) -> None:
    outcome = analysed(RAISES, FINE, mode="single", shots=["shot.h5"], files=(shot,))
    assert outcome.end.ok
    failed, fine = outcome.heads(b"R")
    assert failed["failed"] == "RuntimeError: no peak"
    assert failed["values"] == {"before": 1}
    assert failed["traceback"] == (
        "routine_0.py:10 in <module>: fit()\n"
        "routine_0.py:7 in fit: raise RuntimeError('no peak')"
    )
    assert fine["values"] == {"fine": True}


@pytest.mark.parametrize(
    ("routine", "words"),
    [
        ("x = (", "never closed"),
        ("exit(1)", "exit(1)"),
        ("from lyse import nothing", "nothing"),
        ("while True: pass", "longer than 0.3 s"),
        ("x = bytearray(10**11)", "MemoryError"),
    ],
)
def test_a_bad_routine_says_why_and_the_next_runs(
    analysed: Any, shot: int, routine: str, words: str
) -> None:
    outcome = analysed(
        routine, FINE, mode="single", shots=["a.h5"], files=(shot,), routine_seconds=0.3
    )
    assert outcome.end.ok
    bad, fine = outcome.heads(b"R")
    assert words in bad["failed"]
    assert fine["values"] == {"fine": True}


def test_a_routine_that_ends_the_process_keeps_what_came_before(
    analysed: Any, shot: int
) -> None:
    outcome = analysed(
        FINE, "import os\nos._exit(1)", mode="single", shots=["a.h5"], files=(shot,)
    )
    assert outcome.end.reason == "ended_early"
    assert [head["routine"] for head in outcome.heads(b"R")] == ["routine_0"]


def test_the_host_s_shot_file_is_never_written_to(
    analysed: Any, shot: int, tmp_path: Path
) -> None:
    before = (tmp_path / "shot.h5").read_bytes()
    assert analysed(SAVES, mode="single", shots=["shot.h5"], files=(shot,)).end.ok
    assert (tmp_path / "shot.h5").read_bytes() == before


def test_a_multi_shot_routine_gets_lyse_s_dataframe_and_saves_on_the_sequence(
    analysed: Any, shot: int
) -> None:
    routine = """
import lyse
from lyse import data, path, Sequence, Run
df = data()
assert df.columns.nlevels == 2, df.columns
assert df.index.names == ['sequence', 'run time']
assert df['tof'].tolist() == [0.01, 0.02]
assert df['atom_number', 'N'].tolist() == [5.0, 7.0]
assert data(n_sequences=1).shape[0] == 2 and data(n_sequences=0).shape[0] == 0
assert list(data(filter_kwargs={'like': 'tof'}).columns.get_level_values(0)) == ['tof']
first = Run(df['filepath'].iloc[0], no_write=True)
assert first.get_globals()['tof'] == 0.01
sequence = Sequence(path, df['filepath'][:1])
sequence.save_result('slope', (df['atom_number', 'N'].diff() / df['tof'].diff()).iloc[-1])
sequence.save_result_array('x', df['tof'].values)
"""
    rows = [
        {
            "tof": 0.01 * (n + 1),
            "atom_number\x1fN": 5.0 + 2 * n,
            "sequence": "20261122T101010_x",
            "run time": f"20261122T10101{n}.5",
        }
        for n in range(2)
    ]
    outcome = analysed(
        routine, mode="multi", shots=["s_0.h5"], rows=rows, files=(shot,)
    )
    (result,) = outcome.heads(b"R")
    assert result["failed"] == "", result
    assert result["values"] == {"slope": pytest.approx(200)}
    assert outcome.saved("x").tolist() == [0.01, 0.02]

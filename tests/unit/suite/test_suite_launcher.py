"""What keeps BLACS running: it starts again when asked to, however it ended."""

import sys
from pathlib import Path
from threading import Timer

import pytest

from shothub.suite.launcher import Keeper

PROGRAM = """
import ctypes, os, sys, time
from pathlib import Path
runs = Path(sys.argv[1])
told = [word for word in sys.argv if word.startswith("--started-anew")]
with runs.open("a") as file:
    print(*told, file=file)
if len(runs.read_text().splitlines()) == 1:
    exec({first!r})
else:
    exec({then!r})
"""
AGAIN = "print('again 2026-11-23T07:00:00', flush=True);"
CRASH = "ctypes.string_at(0)"
HANG = "ctypes.PyDLL(None).pause()"
"""Without giving other threads of the interpreter a turn."""


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def keeper(runs: Path, first: str, then: str = "", patience: float = 30.0) -> Keeper:
    program = PROGRAM.format(first=first, then=then)
    return Keeper([sys.executable, "-c", program], [str(runs)], patience)


def told(runs: Path) -> list[str]:
    return runs.read_text().splitlines()


@pytest.mark.parametrize("end", ["sys.exit(0)", "sys.exit(5)", CRASH])
def test_it_starts_again_when_asked_to_however_it_ends(runs: Path, end: str) -> None:
    assert keeper(runs, AGAIN + end, "sys.exit(7)").run() == 7
    assert told(runs) == ["", "--started-anew=2026-11-23T07:00:00"]


def test_it_is_killed_when_it_hangs_and_starts_again(
    runs: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert keeper(runs, AGAIN + HANG, "sys.exit(7)", patience=0.5).run() == 7
    assert len(told(runs)) == 2
    assert "did not close within 0.5 s" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("end", "code"), [("sys.exit(0)", 0), ("sys.exit(5)", 5), (CRASH, 128 + 11)]
)
def test_it_does_not_start_again_by_itself(runs: Path, end: str, code: int) -> None:
    assert keeper(runs, end).run() == code
    assert told(runs) == [""]


def test_it_does_not_start_again_when_that_was_taken_back(runs: Path) -> None:
    assert keeper(runs, AGAIN + "print('stay', flush=True)").run() == 0
    assert told(runs) == [""]


def test_other_words_are_no_wish(runs: Path) -> None:
    assert keeper(runs, "print('once again'); print()").run() == 0
    assert told(runs) == [""]


@pytest.mark.parametrize("again", ["", AGAIN])
def test_who_closes_it_wins(runs: Path, again: str) -> None:
    """Its stdin ends; what hangs none the less is killed."""
    kept = keeper(runs, again + "sys.stdin.read(); sys.exit(3)")
    Timer(0.5, kept.close).start()
    assert kept.run() == 3
    hung = keeper(runs, "", again + HANG, patience=0.5)
    Timer(0.5, hung.close).start()
    assert hung.run() == 128 + 9
    assert len(told(runs)) == 2


def test_what_is_closed_before_it_started_ends_at_once(runs: Path) -> None:
    kept = keeper(runs, "sys.stdin.read(); sys.exit(3)")
    kept.close()
    assert kept.run() == 3

"""The controls of the watch over what tests log: a secret logged on purpose fails them."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

from shothub.domain.tokens import make_token
from shothub.runtime.logs import mask

ROOT = Path(__file__).parents[3]
WATCH = "from tests.conftest import no_secret_in_logs, pytest_runtest_makereport\n"
TOKEN = make_token("pat", random.Random(3).choice)
TESTS = """
import logging, subprocess, sys
PROGRAM = "import sys; sys.stderr.write(sys.argv[1])"

def test_by_itself(): sys.stderr.write(SAID)
def test_by_logging(): logging.warning(SAID)
def test_by_a_program(): subprocess.run([sys.executable, "-S", "-c", PROGRAM, SAID])
def test_in_a_log_file(tmp_path): (tmp_path / "hub.log").write_text(SAID)
"""


def run(folder: Path, said: str) -> tuple[int, str]:
    """Log something in all ways, each in a test under the watch; return what comes of it."""
    folder.mkdir()
    (folder / "conftest.py").write_text(WATCH)
    (folder / "test_it.py").write_text(f"SAID = {said!r}\n{TESTS}")
    words = ("-c", os.devnull, "--rootdir", folder, "-p", "no:cacheprovider")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *words, f"--basetemp={folder}/base"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    shutil.rmtree(folder)  # or the watch over this very run would find it
    return done.returncode, done.stdout


def test_a_token_that_is_logged_on_purpose_fails_the_test(tmp_path: Path) -> None:
    code, told = run(tmp_path / "logged", f"GET /{TOKEN}")
    assert code == 1, told
    for name in ("by_itself", "by_logging", "by_a_program"):
        assert f"FAILED test_it.py::test_{name} - a secret was logged" in told
    # Files are looked through at the end of the run.
    assert "ERROR test_it.py::test_in_a_log_file - " in told
    assert f"hub.log: {TOKEN[:18]}…" in told


def test_a_masked_token_fails_nothing(tmp_path: Path) -> None:
    code, told = run(tmp_path / "masked", mask(f"GET /{TOKEN}"))
    assert (code, "4 passed" in told) == (0, True), told

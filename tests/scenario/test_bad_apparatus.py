"""An apparatus folder with errors: the agent does not start, and says all that is wrong."""

import subprocess
import sys
from pathlib import Path

from shothub.sim.lab_files import make_lab


def agent(folder: Path) -> subprocess.CompletedProcess[str]:
    words = ["agent", "--apparatus", str(folder)]
    words += ["--hub", "http://127.0.0.1:9", "--token", "shb_agt_none_none"]
    return subprocess.run(
        [sys.executable, "-m", "shothub", *words],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "500"},
        check=False,
    )


def test_every_error_of_the_folder_is_told_before_anything_starts(
    tmp_path: Path,
) -> None:
    lab = tmp_path / "lab"
    make_lab(lab)
    (lab / "routines" / "atom_number.py").write_text("x = (\n")
    (lab / "procedures" / "bec_tof.py").write_text("GLOBALS = make()\n")
    (lab / "connection_table.py").write_bytes(b"\xff\xfe")
    (lab / "routines" / "bimodal_fit.py").unlink()
    told = agent(lab)
    assert told.returncode == 2
    for place in ("atom_number.py:1", "bec_tof.py:1", "connection_table.py"):
        assert place in told.stderr, told.stderr
    assert "bimodal_fit" in told.stderr
    assert "Traceback" not in told.stderr
    assert not (lab / "state").exists()


def test_every_error_of_the_configuration_is_told(tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    make_lab(lab)
    config = lab / "apparatus.toml"
    text = config.read_text().replace("max_duration = 20.0", 'max_duraton = "long"')
    config.write_text(text + "[sandbox]\nseconds = nan\nmemory = 1.5\n")
    told = agent(lab)
    assert told.returncode == 2
    for place in ("max_duraton", "did you mean max_duration?", "seconds", "memory"):
        assert place in told.stderr, told.stderr


def test_a_connection_table_that_does_not_compile_is_told(tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    make_lab(lab)
    (lab / "connection_table.py").write_text("nonesuch()\n")
    told = agent(lab)
    assert told.returncode == 2
    assert "connection_table.py:1" in told.stderr
    assert "nonesuch" in told.stderr


def test_no_folder_at_all_is_told(tmp_path: Path) -> None:
    told = agent(tmp_path / "none")
    assert told.returncode == 2
    assert "apparatus init" in told.stderr

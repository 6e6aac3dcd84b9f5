"""``shothub server --check``, and the start itself, refuse a hub that is not safe."""

import os
import stat
import subprocess
import sys
from pathlib import Path

from tests.integration.server.test_served_hub import environment

OPEN = "0.0.0.0"  # noqa: S104  (an address that others reach)
PUBLIC = {
    "SHOTHUB_PUBLIC_URL": "https://shots.example.org",
    "SHOTHUB_ALLOWED_HOSTS": '["shots.example.org"]',
    "SHOTHUB_BEHIND_TLS": "true",
}


def served(data: Path, *options: str, **given: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "shothub", "server", "--data", str(data)]
    return subprocess.run(
        [*command, *options],
        env={**environment(), **given},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_local_hub_passes(tmp_path: Path) -> None:
    done = served(tmp_path / "hub", "--check")
    assert done.returncode == 0, done.stderr
    assert "this machine alone reaches it" in done.stdout


def test_a_safe_public_hub_passes(tmp_path: Path) -> None:
    done = served(tmp_path / "hub", "--check", "--host", OPEN, **PUBLIC)
    assert (done.returncode, done.stderr) == (0, "")
    assert "safe for others to reach" in done.stdout


def test_an_unsafe_hub_does_not_start(tmp_path: Path) -> None:
    done = served(tmp_path / "hub", "--host", OPEN, "--port", "0")
    assert done.returncode == 1
    assert "shothub hub at" not in done.stdout
    assert "SHOTHUB_BEHIND_TLS=true" in done.stderr
    assert "SHOTHUB_PUBLIC_URL=https://" in done.stderr
    assert "security.W012" in done.stderr, "Django's own list is looked at too"


def test_a_readable_data_folder_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "hub"
    data.mkdir()
    (data / "db.sqlite3").touch()
    data.chmod(0o755)
    (data / "db.sqlite3").chmod(0o644)
    done = served(data, "--check", "--host", OPEN, **PUBLIC)
    assert done.returncode == 1
    assert f"chmod 700 {data}" in done.stderr


def test_what_the_hub_writes_is_its_own(tmp_path: Path) -> None:
    data = tmp_path / "hub"
    data.mkdir()
    data.chmod(0o755)
    served(data, "--host", OPEN, "--port", "0")
    for path in data.iterdir():
        if path.name != "static" and os.name == "posix":
            assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path

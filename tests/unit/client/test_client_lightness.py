"""What the base install needs, seen in processes of their own."""

import subprocess
import sys

import pytest

HEAVY = "django h5py pandas numpy qtpy PySide6 PyQt5 matplotlib zmq structlog labscript"


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )


def loaded(code: str) -> list[str]:
    tell = f"import sys; print(*[m for m in {HEAVY.split()!r} if m in sys.modules])"
    ended = python(f"{code}\n{tell}")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.split()


@pytest.mark.parametrize(
    "code",
    [
        "import shothub; shothub.Hub",
        "from shothub import Hub, Scan, linspace, values",
        "import shothub.command; shothub.command.build()",
    ],
)
def test_the_client_loads_nothing_heavy(code: str) -> None:
    assert loaded(code) == []


def test_the_check_sees_heavy_modules() -> None:
    assert loaded("import numpy") == ["numpy"]


@pytest.mark.parametrize(
    ("arguments", "module", "extra"),
    [
        (["server"], "django", "server"),
        (["admin", "user"], "django", "server"),
        (["apparatus", "check", "x"], "h5py", "agent"),
        (["demo"], "django", "demo"),
    ],
)
def test_a_missing_part_is_named_with_what_to_install(
    arguments: list[str], module: str, extra: str
) -> None:
    code = (
        f"import sys; sys.modules[{module!r}] = None\n"
        f"from shothub.command import run; sys.exit(run({arguments!r}))"
    )
    ended = python(code)
    assert ended.returncode == 6, ended.stderr
    assert f"pip install 'shothub[{extra}]'" in ended.stderr
    assert "Traceback" not in ended.stderr

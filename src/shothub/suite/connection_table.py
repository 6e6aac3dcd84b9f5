"""Compile a lab's connection table with labscript's own functions."""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from shothub.domain.faults import Fault

_SECONDS = 120.0
_OUTPUT = 8_000

_DRIVER = """\
import os, sys, traceback
import labscript_utils.h5_lock, h5py, labscript
source, target, report = sys.argv[1:]
with h5py.File(target, "w") as file:
    file.create_group("globals")
os.chdir(os.path.dirname(source))
sys.path.insert(0, os.path.dirname(source))
try:
    labscript.labscript_init(target, labscript_file=source)
    code = compile(open(source, "rb").read(), source, "exec", dont_inherit=True)
    exec(code, {"__name__": "__main__", "__file__": source, "__builtins__": __builtins__})
except BaseException as error:
    line = 0
    if isinstance(error, SyntaxError) and error.filename == source:
        line = error.lineno or 0
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == source:
            line = frame.lineno
    with open(report, "w", encoding="utf-8") as stream:
        stream.write(f"{line}\\n{type(error).__name__}: {error}")
    raise SystemExit(1)
if "connection table" not in h5py.File(target, "r"):
    with open(report, "w", encoding="utf-8") as stream:
        stream.write("0\\nThe file does not call start() and stop().")
    raise SystemExit(1)
"""


def compile_connection_table(
    source: Path, target: Path, environment: Mapping[str, str]
) -> Fault | None:
    """Compile the table ``source`` into the HDF5 file ``target``, as labscript does.

    The target is replaced only by a good one, in one step.

    Args:
        source: the lab's ``connection_table.py``. It is the lab's own code and runs here
            without a sandbox, as it would in the suite.
        target: the compiled table, which BLACS and the gate read.
        environment: from ``suite_environment``.

    Returns:
        None, or what is wrong, with the line of the file.
    """
    if not source.is_file():
        return _fault(source, "There is no such file.", hint="write one")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".table-") as scratch:
        fresh, report = Path(scratch) / target.name, Path(scratch) / "report"
        ended = _run([str(source.absolute()), str(fresh), str(report)], environment)
        if ended is None:
            return _fault(source, f"It ran for more than {_SECONDS:.0f} s.")
        if report.exists():
            line, _, text = report.read_text(encoding="utf-8").partition("\n")
            return _fault(source, text, line=int(line))
        if ended.returncode:
            return _fault(source, ended.stdout[-_OUTPUT:].strip())
        fresh.replace(target)
    return None


def _run(
    arguments: list[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str] | None:
    # READTHEDOCS makes labscript work without a lock server, of which there is none yet.
    extra = {"READTHEDOCS": "1", "QT_QPA_PLATFORM": "offscreen"}
    try:
        return subprocess.run(  # noqa: S603 (our own driver in our own interpreter)
            [sys.executable, "-B", "-c", _DRIVER, *arguments],
            env=dict(environment) | extra,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None


def _fault(source: Path, detail: str, *, line: int = 0, hint: str = "") -> Fault:
    return Fault(
        code="connection_table",
        detail=detail or "labscript ended without a word.",
        where=f"{source.name}:{line}" if line else source.name,
        hint=hint,
    )

"""Exceptions of the user's code become faults with his own lines, and nothing of ours."""

import errno
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from shothub.domain.faults import Fault

MAX_DETAIL = 2000
MAX_HINT = 290

_HINTS_BY_ERRNO = {
    errno.ENOSPC: "scratch space and memory are limited here",
    errno.EFBIG: "scratch space and memory are limited here",
    errno.ENOSYS: "a script may not start processes",
    errno.EPERM: "a script may not reach the network or other processes",
    errno.EROFS: "only the working folder may be written to",
    errno.EACCES: "only the working folder may be written to",
}


class Refused(Exception):
    """The order cannot be carried out, for these reasons."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(str(fault) for fault in faults))
        self.faults = faults


def own_lines(
    trace: TracebackType | None, files: Sequence[str]
) -> list[traceback.FrameSummary]:
    """Return the frames of a traceback that lie in the user's own files."""
    return [frame for frame in traceback.extract_tb(trace) if frame.filename in files]


def fault_of(error: BaseException, files: Sequence[str], *, code: str) -> Fault:
    """Return what went wrong, where in the user's files, and on which way there."""
    if isinstance(error, SyntaxError) and error.filename in files:
        return _syntax_fault(error)
    lines = own_lines(error.__traceback__, files)
    where = f"{Path(lines[-1].filename).name}:{lines[-1].lineno}" if lines else ""
    return Fault(
        code="exited" if isinstance(error, SystemExit) else code,
        detail=without_folders(_said(error), files)[:MAX_DETAIL],
        where=where or Path(files[0]).name,
        hint=_hint(error, lines)[:MAX_HINT],
    )


def _said(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"The script called exit({error.code!r}); it must come to its end by itself."
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _syntax_fault(error: SyntaxError) -> Fault:
    text = (error.text or "").strip()
    return Fault(
        code="syntax_error",
        detail=f"{type(error).__name__}: {error.msg}",
        where=f"{Path(error.filename or '').name}:{error.lineno}",
        hint=f"the line is: {text}"[:MAX_HINT] if text else "",
    )


def _hint(error: BaseException, lines: Sequence[traceback.FrameSummary]) -> str:
    if isinstance(error, MemoryError):
        return "memory is limited here"
    if isinstance(error, ModuleNotFoundError):
        return f"there are: {', '.join(importable())}"
    if isinstance(error, OSError) and error.errno in _HINTS_BY_ERRNO:
        return _HINTS_BY_ERRNO[error.errno]
    way = [f"{Path(line.filename).name}:{line.lineno}" for line in lines[:-1]]
    return f"called from {', '.join(reversed(way))}" if way else ""


def importable() -> list[str]:
    """Return what scripts may import besides the standard library."""
    found = ["labscript", "numpy", "scipy"]
    for root in map(Path, sys.path):
        library = root / "labscriptlib"
        if library.is_dir():
            names = (file.stem for file in sorted(library.glob("*.py")))
            found += [f"labscriptlib.{name}" for name in names if name != "__init__"]
    return found


def without_folders(text: str, files: Sequence[str]) -> str:
    """Return ``text`` with the user's files by their names alone."""
    for file in files:
        text = text.replace(file, Path(file).name)
    return text


def print_own_traceback(error: BaseException, files: Sequence[str]) -> None:
    """Print the user's part of a traceback, as Python would, for his log."""
    lines = own_lines(error.__traceback__, files)
    text = ""
    if lines:
        text = "Traceback (most recent call last):\n" + "".join(
            traceback.format_list(lines)
        )
    text += "".join(traceback.format_exception_only(error))
    sys.stderr.write(without_folders(text, files))

"""Tells whether the lab's own files are still those that the agent has read."""

import hashlib
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

_FILES = ("apparatus.toml", "connection_table.py")
_FOLDERS = ("labscriptlib", "procedures", "routines", "user_devices", "pythonlib")

Stamp = tuple[int, int, int]
"""Time of the last change, size, number of the file's node."""


class LabFiles:
    """The files of an apparatus folder as they were when this object was made.

    Sandboxes see the lab's modules as files, some of them as they are, some as they were;
    so nothing may be compiled once they differ from what the agent has published.

    Args:
        folder: the apparatus folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._digests = {path: _digest(path) for path in self._paths()}
        self._stamps = self._look()

    def changed(self) -> str:
        """Return the files that differ now, in words; empty if none does.

        A file that was written anew with the same content does not differ.
        """
        stamps = self._look()
        with self._lock:
            if stamps == self._stamps:
                return ""
            odd = sorted(p for p in stamps.keys() | self._digests if self._differs(p))
            if not odd:
                self._stamps = stamps
            return ", ".join(str(path.relative_to(self._folder)) for path in odd)

    def _differs(self, path: Path) -> bool:
        return self._digests.get(path) != _digest(path)

    def _look(self) -> Mapping[Path, Stamp]:
        return {path: stamp for path in self._paths() if (stamp := _stamp(path))}

    def _paths(self) -> Iterator[Path]:
        yield from (self._folder / name for name in _FILES)
        for name in _FOLDERS:
            yield from (self._folder / name).rglob("*.py")


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _digest(path: Path) -> str:
    """Return a digest of a file; empty if it is gone or cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""

"""The plugin's journal: one fsynced JSON line for each step of each attempt."""

import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from pydantic import ValidationError

from shothub.domain.states import Outcome
from shothub.wire.base import Message

KEPT_ATTEMPTS = 2_000
"""How many ended attempts outlive a compaction; the agent asks for the last."""

LONG = 2_000_000
"""Bytes from which on a journal is compacted while BLACS has nothing to do."""


class Entry(Message):
    """One line of the journal.

    ``taken``: BLACS was given the shot; ``begun``: all devices are armed and the
    pseudoclock is started next, the point of no return; ``ended``: what became of it.
    """

    at: datetime
    boot: str
    attempt: int
    what: Literal["taken", "begun", "ended"]
    path: str = ""
    outcome: Outcome | None = None
    reason: str = ""


class NotJournalled(Exception):
    """A line could not be brought to disk, so what it announces must not happen."""


class Ledger(Protocol):
    """What the plugin needs of a journal."""

    def append(self, entry: Entry) -> None:
        """Write the entry and bring it to disk, with all before it.

        Only a ``taken`` may still be on its way there: nothing moves before the shot is
        ``begun``, which brings both.

        Raises:
            NotJournalled: it is not on disk.
        """


class Journal:
    """A journal in a file; a line torn by a crash is cut off when it is opened.

    Raises:
        NotJournalled: the file cannot be opened, or a line before the last is damaged.
    """

    def __init__(self, file: Path) -> None:
        self._name = file
        try:
            _cut_torn_line(file)
            self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise NotJournalled(f"{file}: {error.strerror}") from error
        self._good = os.fstat(self._file).st_size
        self._long = LONG

    @property
    def long(self) -> bool:
        """Whether it has grown so much that compacting it is worth the while."""
        return self._good > self._long

    def entries(self) -> Iterator[Entry]:
        """Yield all entries, oldest first."""
        with self._name.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                try:
                    yield Entry.model_validate_json(line)
                except ValidationError as error:
                    place = f"{self._name}:{number}"
                    raise NotJournalled(f"{place}: this line is damaged") from error

    def compact(self, keep: int = KEPT_ATTEMPTS) -> bool:
        """Leave out all but the latest attempts, if that is worth it; tell whether it was.

        The new file takes the old one's place only when it is complete and on disk, so
        that a crash leaves one or the other. An attempt without an end is always kept.

        Raises:
            NotJournalled: a line is damaged, or the new file cannot be written; then the
                old one stands.
        """
        self._long = self._good + LONG  # However this ends: not at once again.
        latest: dict[int, bool] = {}
        for entry in self.entries():
            ended = latest.pop(entry.attempt, False) or entry.what == "ended"
            latest[entry.attempt] = ended
        if len(latest) <= 2 * keep:
            return False
        old = list(latest)[:-keep]
        left_out = {attempt for attempt in old if latest[attempt]}
        try:
            self._replace(e for e in self.entries() if e.attempt not in left_out)
        except OSError as error:
            raise NotJournalled(f"{self._name}: {error.strerror}") from error
        self._long = self._good + LONG
        return True

    def _replace(self, entries: Iterable[Entry]) -> None:
        fresh = self._name.with_suffix(".new")
        target = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(target, "wb") as stream:
            stream.writelines(map(_line, entries))
            stream.flush()
            os.fsync(stream.fileno())
        os.close(self._file)  # Windows does not replace an open file.
        self._file = -1  # If it cannot be opened again, nothing is written elsewhere.
        try:
            fresh.replace(self._name)
            _sync_folder(self._name.parent)
        finally:
            self._file = os.open(self._name, os.O_WRONLY | os.O_APPEND)
            self._good = os.fstat(self._file).st_size

    def append(self, entry: Entry) -> None:
        line = _line(entry)
        try:
            os.ftruncate(self._file, self._good)
            if os.write(self._file, line) != len(line):
                raise OSError(0, "the line was cut short")
            if entry.what != "taken":
                os.fsync(self._file)
        except OSError as error:
            raise NotJournalled(f"{self._name}: {error.strerror}") from error
        self._good += len(line)

    def close(self) -> None:
        os.close(self._file)


def _line(entry: Entry) -> bytes:
    return entry.model_dump_json(exclude_defaults=True).encode() + b"\n"


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # Windows cannot open a folder, and journals its names itself.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cut_torn_line(file: Path) -> None:
    if file.exists():
        whole = file.read_bytes().rpartition(b"\n")
        if whole[2]:
            os.truncate(file, len(whole[0]) + len(whole[1]))

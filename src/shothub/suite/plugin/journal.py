"""The plugin's journal: one fsynced JSON line for each step of each attempt."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from pydantic import ValidationError

from shothub.domain.states import Outcome
from shothub.wire.base import Message


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
        """Bring the entry to disk.

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

    def entries(self) -> Iterator[Entry]:
        """Yield all entries, oldest first."""
        with self._name.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                try:
                    yield Entry.model_validate_json(line)
                except ValidationError as error:
                    place = f"{self._name}:{number}"
                    raise NotJournalled(f"{place}: this line is damaged") from error

    def append(self, entry: Entry) -> None:
        line = entry.model_dump_json(exclude_defaults=True).encode() + b"\n"
        try:
            os.ftruncate(self._file, self._good)
            if os.write(self._file, line) != len(line):
                raise OSError(0, "the line was cut short")
            os.fsync(self._file)
        except OSError as error:
            raise NotJournalled(f"{self._name}: {error.strerror}") from error
        self._good += len(line)

    def close(self) -> None:
        os.close(self._file)


def _cut_torn_line(file: Path) -> None:
    if file.exists():
        whole = file.read_bytes().rpartition(b"\n")
        if whole[2]:
            os.truncate(file, len(whole[0]) + len(whole[1]))

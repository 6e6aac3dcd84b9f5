"""The plugin's journal on disk."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from shothub.suite.plugin.journal import Entry, Journal, NotJournalled

ENTRY = Entry(at=datetime(2026, 1, 1, tzinfo=UTC), boot="b", attempt=1, what="taken")


def test_it_keeps_its_lines(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    journal = Journal(file)
    journal.append(ENTRY)
    journal.close()
    assert list(Journal(file).entries()) == [ENTRY]


def test_a_line_torn_by_a_crash_is_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    Journal(file).append(ENTRY)
    with file.open("ab") as stream:
        stream.write(b'{"at": "2026')
    journal = Journal(file)
    journal.append(ENTRY)
    assert list(journal.entries()) == [ENTRY, ENTRY]


def test_a_damaged_line_elsewhere_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    file.write_bytes(b"garbage\n")
    Journal(file).append(ENTRY)
    with pytest.raises(NotJournalled, match=":1"):
        list(Journal(file).entries())


def test_a_full_disk_is_an_error() -> None:
    journal = Journal.__new__(Journal)
    with Path("/dev/full").open("wb") as full:
        journal._name, journal._file, journal._good = Path("full"), full.fileno(), 0
        with pytest.raises(NotJournalled):
            journal.append(ENTRY)

"""The plugin's journal on disk."""

import os
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


def entries_of(attempts: range, *steps: str) -> list[Entry]:
    """What happened to each of these attempts, one after another."""
    at = {"at": ENTRY.at, "boot": "b"}
    return [
        Entry.model_validate({**at, "attempt": attempt, "what": step})
        for attempt in attempts
        for step in steps or ("taken", "begun", "ended")
    ]


def filled(file: Path, entries: list[Entry]) -> Journal:
    lines = (entry.model_dump_json(exclude_defaults=True) + "\n" for entry in entries)
    file.write_text("".join(lines))
    return Journal(file)


def test_compaction_keeps_the_latest_attempts_whole(tmp_path: Path) -> None:
    journal = filled(tmp_path / "journal.jsonl", entries_of(range(1, 100)))
    assert journal.compact(keep=10)
    assert list(journal.entries()) == entries_of(range(90, 100))
    journal.append(ENTRY)
    assert list(journal.entries())[-1] == ENTRY
    assert (tmp_path / "journal.jsonl").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("steps", [("taken",), ("taken", "begun")])
def test_compaction_keeps_what_has_no_end(
    tmp_path: Path, steps: tuple[str, ...]
) -> None:
    still_open = entries_of(range(1, 3), *steps)
    later = entries_of(range(3, 100))
    journal = filled(tmp_path / "journal.jsonl", still_open + later)
    assert journal.compact(keep=10)
    kept = list(journal.entries())
    assert kept[: len(still_open)] == still_open


def test_an_attempt_that_ended_late_counts_as_late(tmp_path: Path) -> None:
    begun, later = entries_of(range(1, 2), "taken"), entries_of(range(2, 100))
    end = entries_of(range(1, 2), "ended")
    journal = filled(tmp_path / "journal.jsonl", begun + later + end)
    journal.compact(keep=10)
    assert begun[0] in list(journal.entries())


def test_a_short_journal_is_left_alone(tmp_path: Path) -> None:
    journal = filled(tmp_path / "journal.jsonl", entries_of(range(1, 20)))
    before = (tmp_path / "journal.jsonl").stat().st_ino
    assert not journal.compact(keep=10)
    assert (tmp_path / "journal.jsonl").stat().st_ino == before


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_crash_within_compaction_leaves_the_old_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    file = tmp_path / "journal.jsonl"
    entries = entries_of(range(1, 100))
    journal = filled(file, entries)

    def crash(*_: object) -> None:
        raise OSError(28, "No space left on device")

    place = os if step == "fsync" else Path
    with monkeypatch.context() as broken:
        broken.setattr(place, step, crash)
        with pytest.raises(NotJournalled, match="No space"):
            journal.compact(keep=10)
    journal.append(ENTRY)
    assert list(Journal(file).entries()) == [*entries, ENTRY]
    assert Journal(file).compact(keep=10)


def test_the_new_journal_is_on_disk_before_it_takes_the_old_ones_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    sync, replace = os.fsync, Path.replace

    def noted_sync(descriptor: int) -> None:
        order.append("sync")
        sync(descriptor)

    def noted_replace(fresh: Path, old: Path) -> Path:
        order.append("replace")
        return replace(fresh, old)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    filled(tmp_path / "j.jsonl", entries_of(range(1, 100))).compact(keep=10)
    assert order == ["sync", "replace", "sync"]


def test_it_is_long_once_it_has_grown_and_not_after_compaction(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    journal = filled(file, entries_of(range(1, 4)))
    assert not journal.long
    journal = filled(file, entries_of(range(1, 12_000)))
    assert journal.long
    assert journal.compact()
    assert not journal.long


def test_a_journal_that_cannot_be_made_shorter_is_not_tried_at_once_again(
    tmp_path: Path,
) -> None:
    journal = filled(tmp_path / "journal.jsonl", entries_of(range(1, 12_000)))
    assert not journal.compact(keep=100_000)
    assert not journal.long


def test_nothing_is_written_anywhere_if_the_journal_cannot_be_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of a closed file is soon another file's."""
    journal = filled(tmp_path / "journal.jsonl", entries_of(range(1, 100)))
    stock_open = os.open

    def fail(path: Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_APPEND:
            raise OSError(24, "Too many open files")
        return stock_open(path, flags, mode)

    with monkeypatch.context() as broken:
        broken.setattr(os, "open", fail)
        with pytest.raises(NotJournalled, match="Too many"):
            journal.compact(keep=10)
    with (tmp_path / "another").open("wb"), pytest.raises(NotJournalled):
        journal.append(ENTRY)
